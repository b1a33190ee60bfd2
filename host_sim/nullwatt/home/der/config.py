"""The site file: one JSON or YAML document, in the format of dertwin, with the devices of a site and their wires.

    {"site_name": "yard", "step": 0.1,
     "assets": [{"type": "bess", "capacity_kwh": 100,
                 "protocols": [{"kind": "modbus_tcp", "port": 55001, "register_map": "bess_modbus.yaml"}]}]}

Whatever is wrong in it ends in one `SiteConfigError` of a single line: file, key, value, what is allowed, the nearest.
Protocols are checked here and opened by who serves the site.
"""

import ipaddress
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, Field, FiniteFloat, SkipValidation, model_validator

from ..config import ConfigError, broken_rule, check_document, read_document, unknown_key
from ..section import HUGE, Name, NotNegative, Positive, Section

_Percent = Annotated[FiniteFloat, Field(ge=0, le=100)]
_Share = Annotated[FiniteFloat, Field(gt=0, le=1)]
_Celsius = Annotated[FiniteFloat, Field(ge=-60, le=80)]
_Hour = Annotated[FiniteFloat, Field(ge=0, le=24)]
_Spread = Annotated[FiniteFloat, Field(ge=0, le=1e4)]
_Seed = Annotated[int, Field(ge=-(2**63), le=2**63 - 1)]
_Host = Annotated[str, Field(min_length=1, max_length=253)]

Kind = Literal["bess", "inverter", "chp", "energy_meter"]

#: The register map of an asset that names none, as dertwin calls it.
DEFAULT_REGISTER_MAPS: Mapping[str, str] = {
    "bess": "bess_modbus.yaml",
    "inverter": "pv_inverter_modbus.yaml",
    "chp": "chp_modbus.yaml",
    "energy_meter": "energy_meter_modbus.yaml",
}

#: Name of the site's own load in the ledger; no asset may be called so.
BASE_LOAD = "base load"

_FLAT_KEYS = ("ip", "port", "unit_id", "register_map")


class SiteConfigError(ConfigError):
    """A site file that cannot be used. `str()` is one line for the person who wrote it."""


# -- protocols -----------------------------------------------------------------------------------


class ModbusTcpConfig(Section):
    """A Modbus TCP server for this asset. port 0: any free one. register_map: see `SiteConfig.register_map_path`."""

    kind: Literal["modbus_tcp"] = "modbus_tcp"
    ip: _Host = "0.0.0.0"
    port: Annotated[int, Field(ge=0, le=65535)]
    unit_id: Annotated[int, Field(ge=0, le=255)] = 1
    register_map: Name | None = None

    @model_validator(mode="after")
    def _address(self) -> Self:
        rule = "ip: must be an address or a name of this machine, such as 0.0.0.0 or 127.0.0.1"
        if not self.ip.isprintable() or " " in self.ip:
            raise ValueError(rule)
        if ":" in self.ip or not self.ip.strip("0123456789."):  # no name of a host looks like this
            try:
                ipaddress.ip_address(self.ip)
            except ValueError:
                raise ValueError(rule) from None
        return self


class ModbusRtuConfig(Section):
    """A Modbus RTU server on a serial device (`port`). timeout: s. register_map: as for TCP."""

    kind: Literal["modbus_rtu"] = "modbus_rtu"
    port: Name
    baudrate: Annotated[int, Field(ge=50, le=4_000_000)] = 9600
    bytesize: Literal[5, 6, 7, 8] = 8
    parity: Literal["N", "E", "O", "M", "S"] = "N"
    stopbits: FiniteFloat = 1
    timeout: Positive = 1.0
    unit_id: Annotated[int, Field(ge=1, le=247)] = 1
    register_map: Name | None = None

    @model_validator(mode="after")
    def _stop_bits(self) -> Self:
        if self.stopbits not in (1, 1.5, 2):
            raise ValueError("stopbits: must be 1, 1.5 or 2")
        return self


ProtocolConfig = ModbusTcpConfig | ModbusRtuConfig
_PROTOCOLS: dict[str, type[ProtocolConfig]] = {"modbus_tcp": ModbusTcpConfig, "modbus_rtu": ModbusRtuConfig}


# -- assets --------------------------------------------------------------------------------------


class _AssetSection(Section):
    asset_id: Annotated[str, Field(min_length=1, max_length=128)] | None = None
    # Checked one by one before the asset is, so that a mistake is told where it stands.
    protocols: Annotated[tuple[ProtocolConfig, ...], SkipValidation] = ()


class SocLimits(Section):
    """Percent. Discharge fades out from lower_1 down to lower_2, charge from upper_1 up to upper_2."""

    lower_1: _Percent = 25.0
    lower_2: _Percent = 20.0
    upper_1: _Percent = 85.0
    upper_2: _Percent = 90.0

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.lower_2 > self.lower_1:
            raise ValueError(f"lower_2: must not be above lower_1 ({self.lower_1:g})")
        if self.upper_1 > self.upper_2:
            raise ValueError(f"upper_1: must not be above upper_2 ({self.upper_2:g})")
        if self.lower_1 > self.upper_1:
            raise ValueError(f"lower_1: must not be above upper_1 ({self.upper_1:g})")
        return self


class BessConfig(_AssetSection):
    """A battery storage. initial_soc: percent. internal_resistance: ohm.

    internal_resistance, thermal_capacity_j_per_k, thermal_conductance_w_per_k: None = scaled from the capacity.
    """

    type: Literal["bess"] = "bess"
    capacity_kwh: Positive = 100.0
    initial_soc: _Percent = 50.0
    max_charge_kw: NotNegative = 20.0
    max_discharge_kw: NotNegative = 20.0
    ramp_rate_kw_per_s: Positive = 100.0
    ambient_temp_c: _Celsius = 20.0
    round_trip_eff: _Share = 0.92
    internal_resistance: NotNegative | None = None
    thermal_capacity_j_per_k: Positive | None = None
    thermal_conductance_w_per_k: NotNegative | None = None
    soc_limits: SocLimits = SocLimits()


class InverterConfig(_AssetSection):
    """PV with its inverter. area_m2: None = what gives rated_kw at 1000 W/m2."""

    type: Literal["inverter"] = "inverter"
    rated_kw: Positive = 10.0
    module_efficiency: _Share = 0.20
    area_m2: Positive | None = None


class ChpConfig(_AssetSection):
    """A gas engine with heat recovery. Loads in percent of rated_kw; *_s: time in each state on the way to RUNNING."""

    type: Literal["chp"] = "chp"
    rated_kw: Positive = 4000.0
    heat_to_power_ratio: Annotated[FiniteFloat, Field(ge=0, le=100)] = 1.0
    min_load_percent: _Percent = 30.0
    max_load_percent: Annotated[FiniteFloat, Field(gt=0, le=150)] = 110.0
    ramp_percent_per_s: Positive = 5.0
    starting_s: NotNegative = 10.0
    warmup_s: NotNegative = 60.0
    idle_s: NotNegative = 30.0
    sync_s: NotNegative = 15.0
    stopping_s: NotNegative = 20.0

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min_load_percent > self.max_load_percent:
            raise ValueError(f"min_load_percent: must not be above max_load_percent ({self.max_load_percent:g})")
        return self


class MeterConfig(_AssetSection):
    """The meter at the grid connection."""

    type: Literal["energy_meter"] = "energy_meter"


AssetConfig = BessConfig | InverterConfig | ChpConfig | MeterConfig
_ASSETS: dict[str, type[AssetConfig]] = {
    "bess": BessConfig,
    "inverter": InverterConfig,
    "chp": ChpConfig,
    "energy_meter": MeterConfig,
}


# -- external models -----------------------------------------------------------------------------


class PowerConfig(Section):
    """The load of the site that is none of its assets, W."""

    base_load_w: Annotated[FiniteFloat, Field(ge=-HUGE, le=HUGE)] | None = None


class IrradianceConfig(Section):
    """Half-sine between two hours of the day, peak in W/m2."""

    peak: Annotated[FiniteFloat, Field(ge=0, le=5000)] = 1000.0
    sunrise: _Hour = 6.0
    sunset: _Hour = 18.0

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.sunrise >= self.sunset:
            raise ValueError(f"sunrise: must be before sunset ({self.sunset:g})")
        return self


class AmbientConfig(Section):
    """A cosine over the day, C."""

    mean: _Celsius = 20.0
    amplitude: Annotated[FiniteFloat, Field(ge=0, le=60)] = 5.0
    peak_hour: _Hour = 15.0


class EventConfig(Section):
    """Something that happens to the grid, s after the start. delta: Hz; share of the nominal voltage."""

    start_time: NotNegative = 0.0
    duration: NotNegative
    delta: Annotated[FiniteFloat, Field(ge=-100, le=100)]
    shape: Literal["step", "ramp"] = "step"


class FrequencyConfig(Section):
    """Hz. noise_std: of the noise; drift_std: of the drift's growth in a second. seed None: that of the site."""

    nominal_hz: Annotated[FiniteFloat, Field(ge=45, le=55)] = 50.0
    noise_std: _Spread = 0.0
    drift_std: _Spread = 0.0
    seed: _Seed | None = None
    events: list[EventConfig] = Field(default=[])


class VoltageConfig(Section):
    """V line to line; `nominal_v_ll` is another name of nominal_voltage_ll. The rest as for the frequency."""

    nominal_voltage_ll: Annotated[FiniteFloat, Field(ge=300, le=480)] | None = None
    nominal_v_ll: Annotated[FiniteFloat, Field(ge=300, le=480)] | None = None
    noise_std: _Spread = 0.0
    drift_std: _Spread = 0.0
    seed: _Seed | None = None
    events: list[EventConfig] = Field(default=[])

    @model_validator(mode="after")
    def _one_name(self) -> Self:
        if None not in (self.nominal_voltage_ll, self.nominal_v_ll) and self.nominal_voltage_ll != self.nominal_v_ll:
            raise ValueError(f"nominal_v_ll: differs from nominal_voltage_ll ({self.nominal_voltage_ll:g})")
        return self

    @property
    def nominal_v(self) -> float:
        """The nominal voltage under whichever name it was given, V line to line."""
        return self.nominal_voltage_ll or self.nominal_v_ll or 400.0


class ExternalModelsConfig(Section):
    """What comes from outside. `enabled`: anything but an absent or empty object; then all models run."""

    power: PowerConfig = PowerConfig()
    irradiance: IrradianceConfig = IrradianceConfig()
    ambient_temperature: AmbientConfig = AmbientConfig()
    grid_frequency: FrequencyConfig = FrequencyConfig()
    grid_voltage: VoltageConfig = VoltageConfig()

    @property
    def enabled(self) -> bool:
        """Whether the file says anything of it."""
        return bool(self.model_fields_set)


class SiteConfig(Section):
    """A whole, checked site file. step: s. start_time_h: hour of the day at time 0. seed: same seed, same trace."""

    site_name: str = "unnamed"
    step: Annotated[FiniteFloat, Field(ge=0.001, le=3600)] = 0.1
    real_time: bool = True
    start_time_h: Annotated[FiniteFloat, Field(ge=0, le=8784)] = 0.0
    seed: _Seed = 1
    register_map_root: str | None = None
    external_models: ExternalModelsConfig = ExternalModelsConfig()
    assets: Annotated[tuple[AssetConfig, ...], SkipValidation] = ()

    @property
    def map_root(self) -> Path:
        """The folder of the register maps, absolute."""
        return self._root

    _root: Path = Path()

    def register_map_path(self, kind: str, protocol: ProtocolConfig) -> Path:
        """Where the register map of an asset of that kind is; whether it is there, the one who reads it finds out."""
        return self._root / (protocol.register_map or DEFAULT_REGISTER_MAPS[kind])


# -- reading -------------------------------------------------------------------------------------


def load_site(path: Path | str) -> SiteConfig:
    """Read and check a site file; YAML if its name ends in .yaml or .yml, JSON otherwise.

    Raises SiteConfigError, and nothing else, for a file that cannot be read, parsed or used.
    """
    try:
        document = read_document(path)
    except ConfigError as error:
        raise SiteConfigError(str(error)) from None
    return parse_site(document, str(path), Path(path).parent)


def parse_site(document: object, name: str = "site", folder: Path | str | None = None) -> SiteConfig:
    """Check an already parsed document. Raises SiteConfigError.

    name: opens the error text. folder: where `register_map_root` starts; None: the working directory.
    """
    try:
        return _parse_site(document, name, Path.cwd() if folder is None else Path(folder).absolute())
    except SiteConfigError:
        raise
    except ConfigError as error:
        raise SiteConfigError(str(error)) from None


def parse_asset(document: object, name: str = "asset") -> AssetConfig:
    """Check one entry of `assets`, in either form; `name` opens the error text. Raises SiteConfigError."""
    try:
        return _parse_asset(document, name, "")
    except ConfigError as error:
        raise SiteConfigError(str(error)) from None


def _parse_site(document: object, name: str, folder: Path) -> SiteConfig:
    if not isinstance(document, dict):
        return check_document(SiteConfig, document, name, "assets")  # always raises
    document = {**document}
    assets = document.pop("assets", [])
    models = document.get("external_models")
    if models is None:
        document.pop("external_models", None)
    site = check_document(SiteConfig, document, name, "assets")
    if not isinstance(assets, list):
        raise broken_rule(name, "assets", assets, "must be a list")
    parsed = tuple(_parse_asset(asset, name, f"assets[{index}]") for index, asset in enumerate(assets))
    _check_apart(parsed, name)
    site = site.model_copy(update={"assets": parsed})
    site._root = _resolve_root(site.register_map_root, folder)
    return site


def _resolve_root(root: str | None, folder: Path) -> Path:
    """Beside the file; where only the working directory has it, there (which is where dertwin looks)."""
    here = Path.cwd()
    if root is None:
        return here
    return here / root if not (folder / root).is_dir() and (here / root).is_dir() else folder / root


def _parse_asset(document: object, name: str, path: str) -> AssetConfig:
    if not isinstance(document, dict):
        raise broken_rule(name, path or "asset", document, "must be an object with the key type")
    if "type" not in document:
        near = [key for key in document if isinstance(key, str) and key.lower() in ("kind", "typ", "asset_type")]
        told = f", not {near[0]}" if near else f" (allowed: {', '.join(_ASSETS)})"
        raise SiteConfigError(f"{name}: {_join(path, 'type')}: required key is missing{told}")
    kind = document["type"]
    if not isinstance(kind, str) or kind not in _ASSETS:
        raise broken_rule(name, _join(path, "type"), kind, "no such type of asset", _ASSETS)
    model = _ASSETS[kind]
    document = {**document}
    known = (*model.model_fields, *_FLAT_KEYS)
    for key, value in document.items():
        if key not in known:
            raise unknown_key(name, _join(path, str(key)[:60]), str(key), value, known)
    flat = {key: document.pop(key) for key in _FLAT_KEYS if key in document}
    listed = document.pop("protocols", [])
    if not isinstance(listed, list):
        raise broken_rule(name, _join(path, "protocols"), listed, "must be a list")
    if flat and listed:
        raise broken_rule(name, _join(path, next(iter(flat))), flat[next(iter(flat))], "must stand in protocols")
    asset = _check(model, document, name, path)
    if asset.asset_id == BASE_LOAD:
        raise broken_rule(
            name, _join(path, "asset_id"), BASE_LOAD, "must be another, the load of the site is called so"
        )
    protocols = [_parse_protocol(each, name, _join(path, f"protocols[{index}]")) for index, each in enumerate(listed)]
    if flat:
        protocols.append(_check(ModbusTcpConfig, flat, name, path))
    return asset.model_copy(update={"protocols": tuple(protocols)})


def _parse_protocol(document: object, name: str, path: str) -> ProtocolConfig:
    if not isinstance(document, dict):
        raise broken_rule(name, path, document, "must be an object with the key kind")
    if "kind" not in document:
        raise SiteConfigError(f"{name}: {path}.kind: required key is missing (allowed: {', '.join(_PROTOCOLS)})")
    kind = document["kind"]
    if not isinstance(kind, str) or kind not in _PROTOCOLS:
        raise broken_rule(name, f"{path}.kind", kind, "no such protocol", _PROTOCOLS)
    return _check(_PROTOCOLS[kind], document, name, path)


def _check[Model: BaseModel](model: type[Model], document: dict[Any, Any], name: str, path: str) -> Model:
    """Check a part of the file that stands at `path`."""
    try:
        return check_document(model, document, "", "")
    except ConfigError as error:
        raise SiteConfigError(f"{name}: {_join(path, str(error).removeprefix(': '))}") from None


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _check_apart(assets: tuple[AssetConfig, ...], name: str) -> None:
    """What two assets cannot share: an asset_id, a unit of a port."""
    ids: dict[str, int] = {}
    wires: dict[tuple[object, ...], str] = {}
    for index, asset in enumerate(assets):
        if asset.asset_id is not None and asset.asset_id in ids:
            rule = f"must be unique, assets[{ids[asset.asset_id]}] has this id"
            raise broken_rule(name, f"assets[{index}].asset_id", asset.asset_id, rule)
        ids[asset.asset_id or ""] = index
        for number, wire in enumerate(asset.protocols):
            where = (wire.ip, wire.port) if isinstance(wire, ModbusTcpConfig) else (wire.port,)
            path = f"assets[{index}].protocols[{number}]"
            taken = wires.setdefault((*where, wire.unit_id), path)
            if taken != path and wire.port != 0:
                raise broken_rule(name, f"{path}.port", wire.port, f"unit {wire.unit_id} there is taken by {taken}")
