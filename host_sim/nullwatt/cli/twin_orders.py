"""What `nullwatt twin serve` does when it is told to add or remove an asset, or to read its file again."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from nullwatt.cli.twin_compose import next_bridge_ports, serial_devices
from nullwatt.home import ConfigError
from nullwatt.home.der import AssetConfig, DerSite, ModbusTcpConfig, load_site, parse_asset
from nullwatt.serve.modbus import Change, EndpointError, Endpoints, Roster


class Orders:
    """Carries out orders of `nullwatt twin add`, `remove` and `reload`."""

    def __init__(
        self,
        site: DerSite,
        endpoints: Endpoints,
        file: Path,
        bridges: dict[str, int],
        first_bridge: int | None,
        console: Console,
    ) -> None:
        """bridges: those of the endpoints; new serial devices get theirs from first_bridge up, None = are opened."""
        self._site = site
        self._endpoints = endpoints
        self._roster = Roster(site, endpoints)
        self._file = file
        self._bridges = bridges
        self._first_bridge = first_bridge
        self._console = console

    async def obey(self, order: dict[str, Any]) -> list[str]:
        """Carry out an order; what was done. ValueError (one line), and nothing is done, for what cannot be."""
        try:
            change = await self._carry_out(order)
        except (EndpointError, ConfigError) as error:
            raise ValueError(str(error)) from None
        done = [f"{asset_id}: removed" for asset_id in change.removed]
        done += [f"{asset_id}: new, begins anew" for asset_id in change.changed]
        done += [f"{asset_id}: added" for asset_id in change.added]
        done += self.served({*change.added, *change.changed, *change.rewired})
        for line in done:
            self._console.print(line, markup=False)
        self._console.file.flush()
        return done or ["nothing has changed"]

    def served(self, asset_ids: Iterable[str]) -> list[str]:
        """Where these assets are served."""
        wanted = set(asset_ids)
        return [
            f"{each.asset_id}: {each.kind} {each.where}, unit {each.unit_id}"
            for each in self._endpoints.served()
            if each.asset_id in wanted
        ]

    async def _carry_out(self, order: dict[str, Any]) -> Change:
        match order:
            case {"order": "add", "asset": asset, "name": str(name)}:
                section = parse_asset(asset, name)
                self._bridge([section])
                return await self._roster.add(section)
            case {"order": "remove", "asset_id": str(asset_id)}:
                return await self._roster.remove(asset_id)
            case {"order": "reload"}:
                config = load_site(self._file)
                self._bridge(config.assets)
                return await self._roster.reload(config, str(self._file))
        raise ValueError("no such order")

    def _bridge(self, sections: Sequence[AssetConfig]) -> None:
        """Give ports to serial devices that have none yet."""
        if self._first_bridge is None:
            return
        both = [*sections, *(asset.config for asset in self._site.assets.values())]
        taken = {wire.port for each in both for wire in each.protocols if isinstance(wire, ModbusTcpConfig)}
        new = [device for device in serial_devices(sections) if device not in self._bridges]
        self._bridges |= next_bridge_ports(new, self._first_bridge, taken | set(self._bridges.values()))
