"""All ports and serial lines of a site: opened from its assets, and kept in step with them while it runs."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pymodbus.transport import CommType

from nullwatt.home.der import Asset, DerSite, ModbusRtuConfig, ModbusTcpConfig, ProtocolConfig

from .device_context import DeviceContext
from .listener import EndpointError
from .register_map import RegisterMap, find_register_map
from .rtu import RtuEndpoint
from .tcp import TcpEndpoint

_LOG = logging.getLogger("nullwatt.modbus")

#: What is shared by units behind one endpoint: a serial device, or an address and a port.
_Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Served:
    """One protocol of one asset that is being served. where: address and port, or the serial device."""

    asset_id: str
    kind: str
    where: str
    unit_id: int
    registers: str


@dataclass
class _Endpoint:
    listener: TcpEndpoint | RtuEndpoint
    units: dict[int, DeviceContext]
    #: Who has which unit, and why.
    owners: dict[int, tuple[Asset, ProtocolConfig]] = field(default_factory=dict)


class Endpoints:
    """What a site shows of itself over Modbus.

    Attributes:
        failed: One line for each protocol that could not be served; only with keep_going.
    """

    def __init__(
        self, site: DerSite, keep_going: bool = False, ip: str | None = None, bridges: Mapping[str, int] | None = None
    ) -> None:
        """keep_going: serve the rest where something cannot be listened on. ip: instead of those of the assets.

        bridges: serial devices that are not opened but served as RTU over TCP, and the port of each; may grow.
        """
        self.site = site
        self.failed: list[str] = []
        self._keep_going = keep_going
        self._ip = ip
        self._bridges = {} if bridges is None else bridges
        self._open: dict[_Key, _Endpoint] = {}
        self._maps: dict[tuple[str, Path | None], RegisterMap] = {}
        self._seen: dict[str, Asset] = {}

    async def update(self, assets: Mapping[str, Asset] | None = None, keep_going: bool | None = None) -> None:
        """Serve these assets and no others: what they have in common with those before is not disturbed.

        Nothing happens if they are the same as before, and nothing if it fails.

        Args:
            assets: Default: those the site has now.
            keep_going: Instead of that of the whole; what could not be served before never fails it.

        Raises:
            EndpointError: Something cannot be listened on.
            RegisterMapError: A register map cannot be used.
        """
        assets = dict(self.site.assets if assets is None else assets)
        if assets == self._seen:
            return
        plan: dict[_Key, _Endpoint] = {}
        failed: list[str] = []
        try:
            for asset in assets.values():
                for number, protocol in enumerate(asset.protocols):
                    try:
                        await self._place(plan, asset, protocol, number)
                    except EndpointError as error:
                        known = self._seen.get(asset.asset_id) is asset
                        if not known and not (self._keep_going if keep_going is None else keep_going):
                            raise
                        failed.append(str(error))
        except BaseException:
            for key, endpoint in plan.items():
                if key not in self._open:
                    endpoint.listener.close()
            raise
        for line in failed:
            if line not in self.failed:
                _LOG.warning("%s; going on without it", line)
        self.failed = failed
        self._seen = assets
        self._become(plan)

    def served(self) -> list[Served]:
        """Everything that is being served, in the order of the assets."""
        order = {asset_id: position for position, asset_id in enumerate(self._seen)}
        found = [
            Served(asset.asset_id, protocol.kind, str(endpoint.listener), unit, endpoint.units[unit].registers.file)
            for endpoint in self._open.values()
            for unit, (asset, protocol) in endpoint.owners.items()
        ]
        return sorted(found, key=lambda each: order.get(each.asset_id, 0))

    def port(self, asset_id: str) -> int:
        """The TCP port of an asset. KeyError if it has none."""
        for endpoint in self._open.values():
            if isinstance(endpoint.listener, TcpEndpoint):
                for asset, _ in endpoint.owners.values():
                    if asset.asset_id == asset_id:
                        return endpoint.listener.port
        raise KeyError(asset_id)

    def close(self) -> None:
        """Serve nothing any more; also after an error."""
        for endpoint in self._open.values():
            endpoint.listener.close()
        self._open.clear()
        self._seen = {}

    async def _place(self, plan: dict[_Key, _Endpoint], asset: Asset, protocol: ProtocolConfig, number: int) -> None:
        """Give a protocol its place in the plan, behind a listener that is open, or is opened for it."""
        if isinstance(protocol, ModbusRtuConfig):
            key: _Key = (protocol.port,)
        else:
            # Who wants any free port has one of its own.
            own = () if protocol.port else (asset.asset_id, str(number))
            key = (self._ip or protocol.ip, str(protocol.port), *own)
        before = self._open.get(key)
        owner = before.owners.get(protocol.unit_id) if before is not None else None
        if before is not None and owner is not None and owner[0].device is asset.device and owner[1] == protocol:
            context = before.units[protocol.unit_id]
        else:
            context = self._context(asset, protocol)
        if key not in plan:
            listener = before.listener if before is not None and _fits(before, protocol) else None
            plan[key] = _Endpoint(listener or await self._opened(asset, protocol), {})
        endpoint = plan[key]
        if protocol.unit_id in endpoint.owners:
            other = endpoint.owners[protocol.unit_id][0].asset_id
            raise EndpointError(
                f"asset {asset.asset_id}: unit {protocol.unit_id} on {endpoint.listener} is already asset {other}"
            )
        first = next(iter(endpoint.owners.values()), None)
        if first is not None and _line(first[1]) != _line(protocol):
            raise EndpointError(
                f"asset {asset.asset_id}: {endpoint.listener} is already open for asset {first[0].asset_id}"
                f" with {_line(first[1])}, not {_line(protocol)}"
            )
        endpoint.units[protocol.unit_id] = context
        endpoint.owners[protocol.unit_id] = (asset, protocol)

    def _become(self, plan: dict[_Key, _Endpoint]) -> None:
        """Serve what is planned; at once, so that no master sees half of it."""
        for key, before in self._open.items():
            after = plan.get(key)
            if after is None or after.listener is not before.listener:
                before.listener.close()
            elif not {id(each.asset.device) for each in before.units.values()} & {
                id(each.asset.device) for each in after.units.values()
            }:
                before.listener.hang_up()
        for endpoint in plan.values():
            endpoint.listener.units = endpoint.units
            for unit, (asset, _) in endpoint.owners.items():
                endpoint.units[unit].asset = asset  # the same device may be another asset's now
        self._open = {key: endpoint for key, endpoint in plan.items() if endpoint.owners}

    def _context(self, asset: Asset, protocol: ProtocolConfig) -> DeviceContext:
        path = self.site.config.register_map_path(asset.kind, protocol)
        key = (asset.kind, path if protocol.register_map else None)
        if key not in self._maps:
            self._maps[key] = find_register_map(asset.kind, protocol.register_map, path)
        context = DeviceContext(asset, self._maps[key], lambda: self.site.ticks)
        if context.unknown:
            names = ", ".join(context.unknown)
            file = self._maps[key].file
            _LOG.warning("asset %s: %s: without effect, a %s has no %s", asset.asset_id, file, asset.kind, names)
        return context

    async def _opened(self, asset: Asset, protocol: ProtocolConfig) -> TcpEndpoint | RtuEndpoint:
        listener: TcpEndpoint | RtuEndpoint
        if isinstance(protocol, ModbusTcpConfig):
            listener = TcpEndpoint(self._ip or protocol.ip, protocol.port, {})
        else:
            device = protocol.port
            if device in self._bridges:
                device = f"socket://{self._ip or '0.0.0.0'}:{self._bridges[device]}"
            line = (protocol.baudrate, protocol.bytesize, protocol.parity, protocol.stopbits, protocol.timeout)
            listener = RtuEndpoint(device, *line, {})
        try:
            await listener.open()
        except EndpointError as error:
            raise EndpointError(f"asset {asset.asset_id}: {error}") from None
        return listener


def _fits(endpoint: _Endpoint, protocol: ProtocolConfig) -> bool:
    """Whether a listener that is open can stay as it is."""
    tcp = endpoint.listener.comm_params.comm_type == CommType.TCP  # a bridge is, too
    return tcp or all(_line(other) == _line(protocol) for _, other in endpoint.owners.values())


def _line(protocol: ProtocolConfig) -> str:
    """How a serial line is set; "" for what is none."""
    if not isinstance(protocol, ModbusRtuConfig):
        return ""
    return f"{protocol.baudrate} {protocol.bytesize}{protocol.parity}{protocol.stopbits:g}"
