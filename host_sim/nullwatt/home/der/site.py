"""A site of DER devices: they, the outside world and the books move together, one step after the other.

A step of `config.step` seconds, in this order: power balance (of the devices as the step before left them), frequency,
voltage, ambient temperature, irradiance, then each asset in its order (waiting commands, then one step of its physics,
however many protocols show it), then the clock. Nothing here reads a real clock: `step` moves it, and so does
`nullwatt.home.drive` along any clock, for which a site is `Timed`.

Signs: grid + = import, device + = into the site. The meter sees the balance one step late; the ledger does not.
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Literal, NamedTuple

from ..device import EnergyTerms, Surroundings, Value
from ..ledger import Ledger
from .bess import Bess
from .chp import Chp
from .config import (
    BASE_LOAD,
    AssetConfig,
    BessConfig,
    ChpConfig,
    InverterConfig,
    Kind,
    ModbusRtuConfig,
    ModbusTcpConfig,
    SiteConfig,
    parse_asset,
)
from .device import J_PER_KWH, DerDevice
from .energy_meter import EnergyMeter
from .external import ExternalModels, GridEvent
from .pv import Pv

#: Books are closed at least this often, so that sums stay short and exact.
_TICKS_PER_ACCOUNT = 1000


class Asset:
    """A device with its name and its wires.

    asset_id: unique on the site. kind: "bess", "inverter", "chp" or "energy_meter". register_maps: one for each of
    protocols, absolute; whether it is there, who reads it finds out.
    """

    __slots__ = ("_waiting", "asset_id", "config", "device", "kind", "protocols", "register_maps")

    def __init__(self, asset_id: str, config: AssetConfig, device: DerDevice, register_maps: tuple[Path, ...]) -> None:
        self.asset_id = asset_id
        self.config = config
        self.kind: Kind = config.type
        self.device = device
        self.protocols: tuple[ModbusTcpConfig | ModbusRtuConfig, ...] = config.protocols
        self.register_maps = register_maps
        self._waiting: list[tuple[str, float]] = []

    def telemetry(self, name: str) -> float:
        """The present value of a quantity; KeyError if the device has none of that name."""
        return self.device.read(name)

    def command(self, name: str, value: Value) -> None:
        """Have a command carried out at the beginning of the next step; commands keep their order.

        ValueError (one line), and nothing waits, for an unknown name or a value that is not allowed.
        """
        self._waiting.append((name, self.device.check(name, value)))

    def applied(self) -> Mapping[str, float]:
        """The last applied value of each command; acts (reset, acknowledge) are 0 again. Live, read only."""
        return self.device.applied()

    def advance(self, dt_s: float) -> float:
        """Carry out what waits, let dt_s pass; return the power, W."""
        device = self.device
        if self._waiting:
            waiting, self._waiting = self._waiting, []
            for name, value in waiting:
                device.command(name, value)
        device.advance(dt_s)
        return device.power_w


class SitePower(NamedTuple):
    """What the site carries now, W. grid_w: + = import; load_w: + = consumption; the rest + = into the site."""

    grid_w: float
    load_w: float
    bess_w: float
    pv_w: float
    chp_w: float


class DerSite:
    """The running site. now_s: simulated s since the start. models: see `ExternalModels`. import_j, export_j: of the
    grid connection, as far as a meter has seen them.
    """

    def __init__(self, config: SiteConfig) -> None:
        self.config = config
        self.step_s = config.step
        self.ticks = 0
        self.now_s = 0.0
        self.surroundings = around = Surroundings()
        self.models = ExternalModels(config.external_models, config.start_time_h, config.seed)
        around.frequency_hz, around.voltage_ll_v = self.models.frequency.nominal, self.models.voltage.nominal
        self.models.advance_air(around, 0.0)
        self._assets: dict[str, Asset] = {}
        self.assets: Mapping[str, Asset] = MappingProxyType(self._assets)
        self._order: tuple[Asset, ...] = ()
        self._numbers: dict[str, int] = {}
        self._given = {asset.asset_id for asset in config.assets}
        self._devices_w = 0.0
        self.import_j = self.export_j = 0.0
        self._ledger = Ledger()
        self._wired_in_j = self._wired_out_j = self._load_j = 0.0  # since the last account
        self._unbooked = 0
        for asset in config.assets:
            self.add_asset(asset)
        around.grid_w = (self.grid_w / 3.0,) * 3

    # -- time ------------------------------------------------------------------------------------

    @property
    def next_event_s(self) -> float:
        """When the next step ends, s."""
        return (self.ticks + 1) * self.step_s

    def step(self, n: int = 1) -> None:
        """Move on by n steps."""
        for _ in range(n):
            self._tick()

    def advance_to(self, time_s: float) -> None:
        """Carry out all steps that end up to and including time_s. ValueError if it is in the past or not finite."""
        if not self.now_s <= time_s < math.inf:
            raise ValueError(f"the site cannot go from {self.now_s} s to {time_s} s")
        while (self.ticks + 1) * self.step_s <= time_s:
            self._tick()

    def _tick(self) -> None:
        dt_s, around, models = self.step_s, self.surroundings, self.models
        load_w = models.base_load_w
        grid_w = load_w - self._devices_w
        if grid_w > 0.0:
            self.import_j += grid_w * dt_s
        else:
            self.export_j -= grid_w * dt_s
        phase_w = grid_w / 3.0
        around.grid_w = (phase_w, phase_w, phase_w)
        models.advance(around, self.now_s, dt_s)
        self.ticks += 1
        around.time_s = now_s = self.ticks * dt_s  # multiplied, not added up: exact over days
        devices_w = 0.0
        for asset in self._order:
            devices_w += asset.advance(dt_s)
        self._devices_w = devices_w
        wired_w = load_w - devices_w
        if wired_w > 0.0:
            self._wired_in_j += wired_w * dt_s
        else:
            self._wired_out_j += wired_w * dt_s
        self._load_j += load_w * dt_s
        self.now_s = now_s
        self._unbooked += 1
        if self._unbooked >= _TICKS_PER_ACCOUNT:
            self._book()

    # -- what it shows ---------------------------------------------------------------------------

    @property
    def grid_w(self) -> float:
        """Power at the grid connection now, W, + = import."""
        return self.models.base_load_w - self._devices_w

    @property
    def import_kwh(self) -> float:
        """Imported energy, kWh."""
        return self.import_j / J_PER_KWH

    @property
    def export_kwh(self) -> float:
        """Exported energy, kWh."""
        return self.export_j / J_PER_KWH

    @property
    def power(self) -> SitePower:
        """What the site carries now."""
        sums = {"bess": 0.0, "inverter": 0.0, "chp": 0.0, "energy_meter": 0.0}
        for asset in self._order:
            sums[asset.kind] += asset.device.power_w
        return SitePower(self.grid_w, self.models.base_load_w, sums["bess"], sums["inverter"], sums["chp"])

    @property
    def ledger(self) -> Ledger:
        """The books of the whole site, closed up to now."""
        self._book()
        return self._ledger

    def _book(self) -> None:
        if not self._unbooked:
            return
        load_j = self._load_j
        terms = [(BASE_LOAD, EnergyTerms.of_power(-load_j))]
        terms += [(asset.asset_id, asset.device.take_energy()) for asset in self._order]
        # Import and export apart: what is imported and what is exported do not depend on when books are closed.
        self._ledger.book((self._wired_in_j, self._wired_out_j), terms)
        self._wired_in_j = self._wired_out_j = self._load_j = 0.0
        self._unbooked = 0

    # -- commands and assets ---------------------------------------------------------------------

    def asset(self, asset_id: str) -> Asset:
        """One of `assets`; ValueError (one line) if there is none of that id."""
        if asset_id not in self._assets:
            raise ValueError(f"there is no asset {asset_id!r} (there are: {', '.join(self._assets) or 'none'})")
        return self._assets[asset_id]

    def add_grid_event(self, signal: Literal["frequency", "voltage"], event: GridEvent) -> None:
        """Let something happen to the grid; see `GridSignal.add`. ValueError (one line) if it cannot be."""
        if signal not in ("frequency", "voltage"):
            raise ValueError(f"signal = {signal!r}: must be frequency or voltage")
        (self.models.frequency if signal == "frequency" else self.models.voltage).add(event)

    def command(self, asset_id: str, name: str, value: Value) -> None:
        """See `Asset.command`; ValueError also for an unknown asset."""
        self.asset(asset_id).command(name, value)

    def applied(self, asset_id: str) -> Mapping[str, float]:
        """See `Asset.applied`; ValueError for an unknown asset."""
        return self.asset(asset_id).applied()

    def add_asset(self, asset: AssetConfig | Mapping[str, object]) -> Asset:
        """Connect an asset, checked or as in a site file; it takes part from the next step on.

        One whose asset_id is there already changes nothing and is returned as it is. Without an asset_id it gets
        the next free one, such as bess-3; ids of assets that were removed are not given again.
        Raises SiteConfigError.
        """
        config = parse_asset(dict(asset)) if isinstance(asset, Mapping) else asset
        if config.asset_id in self._assets:
            return self._assets[config.asset_id]
        added = self.new_asset(config)
        self.set_assets([*self._order, added])
        return added

    def remove_asset(self, asset_id: str) -> bool:
        """Disconnect an asset; its energies stay in the ledger. False if there was none of that id."""
        if asset_id not in self._assets:
            return False
        self.set_assets([asset for asset in self._order if asset.asset_id != asset_id])
        return True

    def new_asset(self, config: AssetConfig) -> Asset:
        """Build an asset that takes part as soon as `set_assets` connects it. Its id as in `add_asset`."""
        asset_id = config.asset_id or self._new_id(config.type)
        self._given.add(asset_id)
        return Asset(asset_id, config, self._build(asset_id, config), self._maps(config))

    def rewired(self, asset: Asset, config: AssetConfig) -> Asset:
        """The same device with the protocols of config, which is otherwise its own; `set_assets` connects it."""
        return Asset(asset.asset_id, config, asset.device, self._maps(config))

    def set_assets(self, assets: Sequence[Asset]) -> None:
        """Have these assets, in this order, from the next step on. Energies of those that go stay in the ledger."""
        self._book()
        staying = {id(asset.device): asset for asset in assets}
        for asset in self._order:
            successor = staying.get(id(asset.device), asset)
            if successor is not asset:
                successor._waiting, asset._waiting = asset._waiting, []
        self._assets.clear()
        self._assets.update((asset.asset_id, asset) for asset in assets)
        self._order = tuple(assets)
        self._devices_w = sum(asset.device.power_w for asset in self._order)

    def _maps(self, config: AssetConfig) -> tuple[Path, ...]:
        return tuple(self.config.register_map_path(config.type, protocol) for protocol in config.protocols)

    def _new_id(self, kind: str) -> str:
        while True:
            number = self._numbers.get(kind, 0) + 1
            self._numbers[kind] = number
            name = f"{kind}-{number}"
            if name not in self._assets and name not in self._given:
                return name

    def _build(self, asset_id: str, config: AssetConfig) -> DerDevice:
        around = self.surroundings
        if isinstance(config, BessConfig):
            return Bess(asset_id, config, around, follow_ambient=self.models.enabled)
        if isinstance(config, InverterConfig):
            return Pv(asset_id, config, around, self.config.start_time_h)
        if isinstance(config, ChpConfig):
            return Chp(asset_id, config, around)
        return EnergyMeter(asset_id, around, self.config.seed)
