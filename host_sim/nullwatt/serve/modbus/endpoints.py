"""All ports and serial lines of a site: opened from its assets, and kept in step with them while it runs."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from nullwatt.home.der import Asset, DerSite, ModbusRtuConfig, ModbusTcpConfig, ProtocolConfig

from .device_context import DeviceContext
from .listener import EndpointError
from .register_map import RegisterMap, RegisterMapError, find_register_map
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

        bridges: serial devices that are not opened but served as RTU over TCP, and the port of each.
        """
        self.site = site
        self.failed: list[str] = []
        self._keep_going = keep_going
        self._ip = ip
        self._bridges = bridges or {}
        self._open: dict[_Key, _Endpoint] = {}
        self._maps: dict[tuple[str, Path | None], RegisterMap] = {}
        self._seen: dict[str, Asset] = {}

    async def update(self) -> None:
        """Serve the assets the site has now, and no others. Nothing happens if it is the same ones as before.

        Raises:
            EndpointError: Something cannot be listened on; what was opened before stays open until `close`.
            RegisterMapError: A register map cannot be used.
        """
        assets = dict(self.site.assets)
        if assets == self._seen:
            return
        self._seen = assets
        self._forget(assets)
        try:
            for asset in assets.values():
                await self._serve_all_of(asset)
        except (EndpointError, RegisterMapError):
            self._seen = {}  # not done: the next call tries again
            raise

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

    async def _serve_all_of(self, asset: Asset) -> None:
        for number, protocol in enumerate(asset.protocols):
            if self._has(asset, protocol):
                continue
            try:
                await self._serve(asset, protocol, number)
            except EndpointError as error:
                if not self._keep_going:
                    raise
                self.failed.append(str(error))
                _LOG.warning("%s; going on without it", error)

    def _has(self, asset: Asset, protocol: ProtocolConfig) -> bool:
        return any(
            owner is asset and its is protocol
            for endpoint in self._open.values()
            for owner, its in endpoint.owners.values()
        )

    def _forget(self, assets: dict[str, Asset]) -> None:
        """Stop serving assets that are gone; one that came back under the same id is another."""
        for key, endpoint in list(self._open.items()):
            for unit, (asset, _) in list(endpoint.owners.items()):
                if assets.get(asset.asset_id) is not asset:
                    del endpoint.owners[unit], endpoint.units[unit]
            if not endpoint.owners:
                endpoint.listener.close()
                del self._open[key]

    async def _serve(self, asset: Asset, protocol: ProtocolConfig, number: int) -> None:
        context = self._context(asset, protocol)
        if isinstance(protocol, ModbusRtuConfig):
            key: _Key = (protocol.port,)
        else:
            # Who wants any free port has one of its own.
            own = () if protocol.port else (asset.asset_id, str(number))
            key = (self._ip or protocol.ip, str(protocol.port), *own)
        endpoint = self._open.get(key)
        if endpoint is None:
            endpoint = await self._opened(asset, protocol)
            self._open[key] = endpoint
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

    async def _opened(self, asset: Asset, protocol: ProtocolConfig) -> _Endpoint:
        units: dict[int, DeviceContext] = {}
        listener: TcpEndpoint | RtuEndpoint
        if isinstance(protocol, ModbusTcpConfig):
            listener = TcpEndpoint(self._ip or protocol.ip, protocol.port, units)
        else:
            device = protocol.port
            if device in self._bridges:
                device = f"socket://{self._ip or '0.0.0.0'}:{self._bridges[device]}"
            line = (protocol.baudrate, protocol.bytesize, protocol.parity, protocol.stopbits, protocol.timeout)
            listener = RtuEndpoint(device, *line, units)
        try:
            await listener.open()
        except EndpointError as error:
            raise EndpointError(f"asset {asset.asset_id}: {error}") from None
        return _Endpoint(listener, units)


def _line(protocol: ProtocolConfig) -> str:
    """How a serial line is set; "" for what is none."""
    if not isinstance(protocol, ModbusRtuConfig):
        return ""
    return f"{protocol.baudrate} {protocol.bytesize}{protocol.parity}{protocol.stopbits:g}"
