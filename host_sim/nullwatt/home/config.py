"""The house file: one JSON or YAML document with the house, its batteries and the emulator they talk to.

    {
      "powermeter": {"base_load": [120, 80, 60], "base_noise": 5,
                     "loads": [{"name": "kettle", "power": 2000, "phase": "A"}],
                     "events": [{"time": 30, "load": "kettle", "active": true}]},
      "batteries": [{"mac": "02B250000001", "phase": "A", "meter_dev_type": "HMG-50"}]
    }

Units: W, Wh, s. Signs: base load + = consumption, solar + = production. Whatever is wrong in the file ends in
one `ConfigError` whose text is a single line: file, key, value, what is allowed.
"""

import datetime
import difflib
import json
import re
from collections import Counter
from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from .appliance_table import APPLIANCES, AnyAppliance
from .appliances import Appliance
from .broker import BrokerError, parse_broker
from .grid import GridSection
from .house import HouseConfig
from .hybrid_config import HybridConfig
from .libraries import MISSING, weather_works
from .loads import LoadConfig, LoadEvent
from .meter import MeterConfig
from .parts import OWN_NAMES
from .phases import PHASES, SPREAD
from .pv_plant import PvPlantConfig
from .section import HUGE, AnyPhase, Name, NotNegative, Number, Phase, Positive, Section, Unit
from .sun import SunConfig
from .tariff import TariffSection
from .wall_clock import FIRST_DAY
from .weather import WEATHER, WeatherConfig


class ConfigError(Exception):
    """A house file that cannot be used. `str()` is one line for the person who wrote it."""

    def __init__(self, text: str) -> None:
        """Show characters that would break the line, from names in the file, as escapes."""
        super().__init__("".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text))


_Efficiency = Annotated[FiniteFloat, Field(gt=0, le=1)]
_Hour = Annotated[FiniteFloat, Field(ge=0, le=24)]
_Mac = Annotated[str, Field(pattern=r"^[0-9A-Fa-f]{12}$")]
_Host = Annotated[str, Field(pattern=r"^[^\s\x00-\x1f\x7f]+$", max_length=253)]
_DeviceType = Annotated[str, Field(max_length=64)]
_Wait = Annotated[FiniteFloat, Field(ge=0.1, le=HUGE)]
_Date = Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
_Seed = Annotated[int, Field(ge=-(2**63), le=2**63 - 1)]
_Pixels = Annotated[FiniteFloat, Field(ge=0, le=10000)]


# As the core takes them: parts of topics, in bytes.
_MOST_TOPIC_BYTES = 63
_TOPIC_RULE = f"must be 1 to {_MOST_TOPIC_BYTES} bytes without the wildcards + and # and without control characters"
_Topic = Annotated[str, Field(pattern=r"^[^+#\x00-\x1f\x7f]+$", max_length=_MOST_TOPIC_BYTES)]

_TOPIC: TypeAdapter[str] = TypeAdapter(_Topic, config=ConfigDict(defer_build=True))
_APPLIANCE: TypeAdapter[Appliance] = TypeAdapter(AnyAppliance, config=ConfigDict(defer_build=True))

_HOST_RULE = 'must be an address or a name in quotes, such as "192.168.1.40"'
#: Finer steps are no display's, and the smallest ones would overflow.
_FINEST_W = 1e-6
_SHOWN = 60  # characters of a value or a key in an error
_SECRET = "***"  # instead of a value that may hold a password
#: Keys, of this file or of another program's, under which a broker and its password are written.
_SECRET_KEY = re.compile(r"mqtt|broker|ur[il]$|user|pass|pwd|secret|token", re.IGNORECASE)
_HOW_BROKER = "broker: mqtt://user:password@host:port"
#: AstraMeter's keys for what is one here.
_BROKER_PARTS = ("uri", "url", "host", "port", "user", "username", "password", "tls")
_LAST_YEAR = 8999  # a house may run for a thousand years
_MOST_NODES = 1_000_000  # of a YAML document written out: aliases of aliases grow without bound

#: Rules that pydantic words for programmers, by its error type.
_PLAIN_RULES = {
    "model_type": "must be an object with keys",
    "model_attributes_type": "must be an object with keys",
    "dict_type": "must be an object with keys",
    "list_type": "must be a list",
    "invalid_key": "keys must be text",
    "too_long": "has too many entries",
    "string_too_short": "must not be empty",
    "string_too_long": "is too long",
    "float_type": "must be a number",
    "int_type": "must be a whole number",
    "bool_type": "must be true or false",
    "string_type": "must be text in quotes",
    "finite_number": "must be a finite number",
}


class CtSection(Section):
    """The emulated meter the batteries poll."""

    mac: _Mac = "112233445566"
    host: _Host = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 12345


class HttpSection(Section):
    """Where the running house is served over HTTP."""

    host: _Host = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8080


class MqttInsightsSection(Section):
    """A broker that is told of the batteries and from which commands are taken; keys as in ESPHome's block.

    broker: see `parse_broker`; None = as the command line says. state_interval: s, 0 = with every poll.
    marstek_mqtt_enabled: the Marstek app is answered too, under the MAC of `ct`. marstek_mqtt_interval: s between two
    messages to it that nobody asked for, 0 = only answers.
    """

    broker: str | None = None
    base_topic: _Topic = "astrameter"
    device_id: _Topic = "device-1"
    ha_discovery: bool = True
    ha_discovery_prefix: _Topic = "homeassistant"
    state_interval: Annotated[FiniteFloat, Field(ge=0, le=86400)] = 0.0
    marstek_mqtt_enabled: bool = True
    marstek_mqtt_interval: Annotated[FiniteFloat, Field(ge=0, le=86400)] = 300.0


class LoadSection(Section):
    """`power` W on `phase`; `on_s` and `off_s` together make it cyclic."""

    name: Name
    power: Number
    phase: Phase
    active: bool = False
    on_s: NotNegative = 0.0
    off_s: NotNegative = 0.0


class EventSection(Section):
    """Switch `load`, a load or an appliance, on or off (`active`) at `time` seconds after the start."""

    time: NotNegative
    load: str
    active: bool


class SunSection(Section):
    """`fixed`: constant `power` W. `clear_sky`: half-sine between two hours of the day, `start` = hour at time 0."""

    mode: Literal["fixed", "clear_sky"] = "fixed"
    power: NotNegative = 0.0
    sunrise: _Hour = 6.0
    sunset: _Hour = 20.0
    start: _Hour = 12.0
    clouds: Unit = 0.0


class PowermeterSection(Section):
    """What is behind the grid connection, batteries apart. `base_load` None: 300 W, evenly over the phases."""

    phases: Literal[1, 3] = 3
    base_load: Annotated[list[Number], Field(max_length=3)] | None = None
    base_noise: NotNegative = 20.0
    noise_tau: NotNegative = 0.0
    loads: list[LoadSection] = Field(default=[])
    appliances: list[AnyAppliance] = Field(default=[])
    events: list[EventSection] = Field(default=[])
    solar_max: NotNegative = 2000.0
    solar_phases: list[Phase] = Field(default=["A"], min_length=1, max_length=3)
    sun: SunSection = SunSection()


class MeterSection(Section):
    """How the grid is measured: a reading every `refresh_s`, `latency_s` old, in steps of `resolution` W."""

    refresh_s: Annotated[FiniteFloat, Field(ge=0.01)] = 1.0
    latency_s: NotNegative = 0.5
    resolution: NotNegative = 0.1
    noise: NotNegative = 0.0


class BatterySection(Section):
    """One battery. None means: the default of the model given by `meter_dev_type`, or the file-wide value.

    ratio: percent. jitter: s, each poll interval varies by up to this much. request_loss, reply_loss, duplicate:
    probabilities. standby: W out of the cells. The names of laws and types are checked by who builds the battery.
    """

    mac: _Mac
    phase: AnyPhase
    meter_dev_type: _DeviceType = "HMG-50"
    law: str | None = None
    ratio: Annotated[int, Field(ge=30, le=100)] = 100
    max_charge_power: NotNegative = 800.0
    max_discharge_power: NotNegative = 800.0
    capacity_wh: Positive = 2560.0
    initial_soc: Unit = 0.5
    ramp_rate: Positive = 200.0
    min_power: NotNegative = 20.0
    startup_delay: NotNegative = 2.0
    poll_interval: Annotated[FiniteFloat, Field(ge=0.05)] | None = None
    jitter: NotNegative = 0.0
    request_loss: Unit = 0.0
    reply_loss: Unit = 0.0
    duplicate: Unit = 0.0
    power_update_delay_ticks: Annotated[int, Field(ge=0)] | None = None
    max_dc_input: NotNegative = 0.0
    dc_input_power: NotNegative = 0.0
    charge_efficiency: _Efficiency = 1.0
    discharge_efficiency: _Efficiency = 1.0
    standby: NotNegative = 0.0
    participates: bool = True


class HouseFile(Section):
    """A whole, checked house file. step_s: raster on which the house moves; a minute for runs over a year. grid None:
    mains that never fail. tariff None: no bill.

    date: of the start, for weekdays and price lists; its hour is `powermeter.sun.start`. With weather it is usually
    the day on which that starts. layout: where an editor draws what is called so, by name or MAC: pixels from the left
    and from the top; the house does not care.
    """

    ct: CtSection = CtSection()
    http: HttpSection = HttpSection()
    powermeter: PowermeterSection = PowermeterSection()
    meter: MeterSection = MeterSection()
    batteries: Annotated[list[BatterySection], Field(min_length=1)]
    power_update_delay_ticks: Annotated[int, Field(ge=0)] = 0
    auto_mode: bool = False
    auto_interval: list[_Wait] = Field(default=[10.0, 30.0], min_length=2, max_length=2)
    log_interval: Positive = 5.0
    time_scale: Positive = 1.0
    seed: _Seed = 1
    mqtt_insights: MqttInsightsSection | None = None
    step_s: Annotated[FiniteFloat, Field(ge=0.1, le=3600)] = 1.0
    weather: WeatherConfig | None = None
    pv: list[PvPlantConfig] = Field(default=[])
    hybrid: list[HybridConfig] = Field(default=[])
    grid: GridSection | None = None
    tariff: TariffSection | None = None
    date: _Date = FIRST_DAY.isoformat()
    layout: dict[str, Annotated[list[_Pixels], Field(min_length=2, max_length=2)]] = Field(default={})

    @property
    def first_day(self) -> datetime.date:
        """The day of the start: `date`, else that of the weather."""
        if self.weather is not None and "date" not in self.model_fields_set:
            return self.weather.start_day
        return datetime.date.fromisoformat(self.date)

    def house_config(self, seed: int | None = None) -> HouseConfig:
        """The house of this file; `seed` replaces the file's."""
        power, sun, meter = self.powermeter, self.powermeter.sun, self.meter
        return HouseConfig(
            phases=power.phases,
            base_load_w=tuple(power.base_load) if power.base_load is not None else _default_base(power.phases),
            noise_w=power.base_noise,
            noise_tau_s=power.noise_tau,
            loads=(*map(_load_config, power.loads), *power.appliances),
            events=tuple(LoadEvent(event.time, event.load, event.active) for event in power.events),
            sun=SunConfig(
                max_w=power.solar_max,
                phases=tuple(power.solar_phases),
                mode=sun.mode,
                power_w=sun.power,
                sunrise_h=sun.sunrise,
                sunset_h=sun.sunset,
                start_h=sun.start if self.weather is None else self.weather.start_h,
                clouds=sun.clouds,
            ),
            meter=MeterConfig(meter.refresh_s, meter.latency_s, meter.resolution, meter.noise),
            seed=self.seed if seed is None else seed,
            step_s=self.step_s,
            weather=self.weather,
            pv=tuple(self.pv),
            hybrids=tuple(self.hybrid),
            grid=self.grid,
            tariff=self.tariff,
            day=self.first_day,
        )


def _load_config(load: LoadSection) -> LoadConfig:
    return LoadConfig(load.name, load.power, load.phase, load.active, load.on_s, load.off_s)


def _default_base(phases: int) -> tuple[float, ...]:
    return (300.0 / phases,) * phases


def load_house_file(path: Path | str) -> HouseFile:
    """Read and check a house file; see `read_document`.

    Raises ConfigError, and nothing else, for a file that cannot be read, parsed or used.
    """
    return parse_house(read_document(path), str(path), Path(path).parent)


def parse_house(document: object, name: str = "house", folder: Path | str | None = None) -> HouseFile:
    """Check an already parsed document. Raises ConfigError.

    name: opens the error text. folder: where files named in the document are; None: the working directory.
    """
    house = check_document(HouseFile, document, name, "batteries", folder)
    for path, value, rule in _broken_relations(house):
        raise broken_rule(name, path, value, rule)
    return house


def house_mistakes(document: object, folder: Path | str | None = None) -> list[str]:
    """Everything wrong with a parsed house file, a line each, without the name of the file; [] = it can be used.

    The first line is what `parse_house` raises.
    """
    if not isinstance(document, dict):
        return [_no_object(document, "batteries")]
    try:
        house = HouseFile.model_validate(document, context={"folder": folder})
    except ValidationError as error:
        return [str(ConfigError(_explain_one(one, HouseFile))) for one in _most_telling_first(error)]
    return [str(ConfigError(_broken(path, value, rule))) for path, value, rule in _broken_relations(house)]


def read_document(path: Path | str) -> object:
    """What a file of ours holds, unchecked; YAML if its name ends in .yaml or .yml, JSON otherwise.

    Raises ConfigError, and nothing else, for a file that cannot be read or parsed.
    """
    name = str(path)
    try:
        text = Path(path).read_text(encoding="utf-8-sig")  # editors on Windows write a byte order mark
    except OSError as error:
        raise ConfigError(f"{name}: cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{name}: is not UTF-8 text") from None
    except ValueError as error:
        raise ConfigError(f"{name!r}: cannot be read: {error}") from None
    return parse_text(text, name)


def parse_text(text: str, name: str) -> object:
    """What the text of a file of this name holds, unchecked; see `read_document`. Raises ConfigError."""
    return _parse_yaml(name, text) if name.endswith((".yaml", ".yml")) else _parse_json(name, text)


def read_text(text: str, name: str = "house") -> object:
    """The same of a text that somebody typed: JSON if it begins like an object of it, YAML otherwise; ConfigError."""
    return _parse_json(name, text) if text.lstrip().startswith("{") else _parse_yaml(name, text)


def house_schema() -> dict[str, Any]:
    """The house file as JSON Schema (2020-12). What lies between keys, such as unique names, it cannot say."""
    schema = HouseFile.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "nullwatt house file"}


def parse_appliance(document: object, name: str = "appliance") -> Appliance:
    """Check one entry of `powermeter.appliances`; `name` opens the error text. Raises ConfigError."""
    try:
        return _APPLIANCE.validate_python(document)
    except ValidationError as error:
        raise ConfigError(f"{name}: {_explain(error, Appliance)}") from None


def parse_load(document: object, name: str = "load") -> LoadConfig | Appliance:
    """Check a load or, with a `kind`, an appliance; `name` opens the error text. Raises ConfigError."""
    if isinstance(document, dict) and document.get("kind", "load") != "load":
        return parse_appliance(document, name)
    if isinstance(document, dict):
        document = {key: value for key, value in document.items() if key != "kind"}
    try:
        return _load_config(check_document(LoadSection, document, name, "name"))
    except ValueError as error:
        raise ConfigError(f"{name}: {error}") from None


def parse_battery(document: object, name: str = "battery") -> BatterySection:
    """Check one entry of `batteries`; `name` opens the error text. Raises ConfigError."""
    battery = check_document(BatterySection, document, name, "mac")
    if battery.dc_input_power > battery.max_dc_input:
        rule = f"must be at most max_dc_input ({battery.max_dc_input:g})"
        raise broken_rule(name, "dc_input_power", battery.dc_input_power, rule)
    return battery


def check_topic(text: str) -> None:
    """Check a base topic, device id or discovery prefix. Raises ConfigError with the rule."""
    try:
        fits = len(_TOPIC.validate_python(text).encode(errors="replace")) <= _MOST_TOPIC_BYTES
    except ValidationError:
        fits = False
    if not fits:
        raise ConfigError(_TOPIC_RULE)


def check_document[Model: BaseModel](
    model: type[Model], document: object, name: str, main_key: str, folder: Path | str | None = None
) -> Model:
    """Check a document against a model made of sections. Raises ConfigError.

    name: opens the error text. folder: where files named in the document are; None: the working directory.
    """
    if not isinstance(document, dict):
        raise ConfigError(f"{name}: {_no_object(document, main_key)}")
    try:
        return model.model_validate(document, context={"folder": folder})
    except ValidationError as error:
        raise ConfigError(f"{name}: {_explain(error, model)}") from None


def broken_rule(name: str, path: str, value: object, rule: str, choices: Iterable[str] = ()) -> ConfigError:
    """The error for a key whose value breaks a rule that no type can state; the nearest of the choices is named."""
    return ConfigError(f"{name}: {_broken(path, value, rule)}{_hint(str(value), list(choices))}")


def _broken(path: str, value: object, rule: str) -> str:
    return f"{path} = {_show(value)}: {rule}"


def _no_object(document: object, main_key: str) -> str:
    return f"must be an object with the key {main_key}, not {_show(document)}"


def unknown_key(name: str, path: str, key: str, value: object, known: Iterable[str]) -> ConfigError:
    """The error for a key at `path` that is none of the known ones; the nearest is named."""
    return ConfigError(f"{name}: {path} = {_show(value)}: unknown key{_hint(key, list(known))}")


def _broken_relations(house: HouseFile) -> list[tuple[str, object, str]]:
    """Rules between keys, as (key, value, rule) for each broken one."""
    power = house.powermeter
    usable = PHASES[: power.phases]
    absent = "this house has only phase A (powermeter.phases is 1)"
    reserved = "must be another name, the house calls a part of its own so"
    switchable = [*(load.name for load in power.loads), *(appliance.name for appliance in power.appliances)]
    broken: list[tuple[str, object, str]] = []
    if any((power.base_load or [])[power.phases :]):
        broken.append(("powermeter.base_load", power.base_load, absent))
    for i, load in enumerate(power.loads):
        path = f"powermeter.loads[{i}]"
        if load.phase not in usable:
            broken.append((f"{path}.phase", load.phase, absent))
        if load.name in switchable[:i]:
            broken.append((f"{path}.name", load.name, "must be unique, another load has this name"))
        if load.name in OWN_NAMES:
            broken.append((f"{path}.name", load.name, reserved))
        if (load.on_s > 0) != (load.off_s > 0):
            broken.append((f"{path}.on_s", load.on_s, "on_s and off_s must both be above 0, or both 0"))
    for i, appliance in enumerate(power.appliances):
        path = f"powermeter.appliances[{i}]"
        if appliance.phase not in (*usable, SPREAD):
            broken.append((f"{path}.phase", appliance.phase, absent))
        if appliance.name in switchable[: len(power.loads) + i]:
            broken.append((f"{path}.name", appliance.name, "must be unique, another load has this name"))
        if appliance.name in OWN_NAMES:
            broken.append((f"{path}.name", appliance.name, reserved))
    for i, event in enumerate(power.events):
        if event.load not in switchable:
            rule = f"no such load{_hint(event.load, switchable)}"
            broken.append((f"powermeter.events[{i}].load", event.load, rule))
    macs = {battery.mac.upper() for battery in house.batteries}
    named = [("loads", [load.name for load in power.loads]), ("appliances", [each.name for each in power.appliances])]
    for key, names in named:
        for i, name in enumerate(names):
            if name.upper() in macs:
                broken.append((f"powermeter.{key}[{i}].name", name, "is what a battery is called"))
    for phase in power.solar_phases:
        if phase not in usable:
            broken.append(("powermeter.solar_phases", power.solar_phases, absent))
    if house.auto_interval[0] > house.auto_interval[1]:
        broken.append(("auto_interval", house.auto_interval, "the shortest time must not be above the longest"))
    for path, host in (("ct.host", house.ct.host), ("http.host", house.http.host)):
        try:
            host.encode("idna")  # as it will be when it is looked up
        except UnicodeError:
            broken.append((path, host, _HOST_RULE))
    broken += _broken_mqtt(house.mqtt_insights)
    if 0 < house.meter.resolution < _FINEST_W:
        broken.append(("meter.resolution", house.meter.resolution, f"must be 0 or at least {_FINEST_W:g}"))
    try:
        if datetime.date.fromisoformat(house.date).year > _LAST_YEAR:
            broken.append(("date", house.date, f"must be before the year {_LAST_YEAR + 1}"))
    except ValueError:
        broken.append(("date", house.date, "there is no such day"))
    if power.sun.sunrise >= power.sun.sunset:
        broken.append(("powermeter.sun.sunrise", power.sun.sunrise, "must be before sunset"))
    broken += _broken_sky(house, usable, absent, [*switchable, *OWN_NAMES, WEATHER], macs)
    drawn = [*switchable, *(battery.mac for battery in house.batteries), *(plant.name for plant in house.pv)]
    drawn += [*(hybrid.name for hybrid in house.hybrid), *OWN_NAMES]
    for name, place in house.layout.items():
        if name not in drawn:
            broken.append((f"layout.{_short(name)}", place, f"nothing is called so{_hint(name, drawn)}"))
    return broken + _broken_batteries(house, (*usable, SPREAD), absent)


def _broken_sky(
    house: HouseFile, usable: tuple[str, ...], absent: str, taken: list[str], macs: set[str]
) -> list[tuple[str, object, str]]:
    broken: list[tuple[str, object, str]] = []
    if house.weather is not None:
        if not weather_works():
            broken.append(("weather", {}, MISSING))
        if "start" in house.powermeter.sun.model_fields_set:
            broken.append(("powermeter.sun.start", house.powermeter.sun.start, "weather.start says when it starts"))
    plants: list[tuple[str, PvPlantConfig | HybridConfig]] = [
        *((f"pv[{i}]", plant) for i, plant in enumerate(house.pv)),
        *((f"hybrid[{i}]", hybrid) for i, hybrid in enumerate(house.hybrid)),
    ]
    for path, plant in plants:
        if plant.phase not in (*usable, SPREAD):
            broken.append((f"{path}.phase", plant.phase, absent))
        if plant.name in taken or plant.name.upper() in macs:
            broken.append((f"{path}.name", plant.name, "must be another name, something in the house is called so"))
        taken.append(plant.name)
        if house.weather is None and (isinstance(plant, PvPlantConfig) or plant.mppts):
            broken.append(("weather", None, f"the panels of {path} need a place and its weather"))
    return broken


def _broken_mqtt(mqtt: MqttInsightsSection | None) -> list[tuple[str, object, str]]:
    broken: list[tuple[str, object, str]] = []
    if mqtt is None:
        return broken
    for key in ("base_topic", "device_id", "ha_discovery_prefix"):
        if len(getattr(mqtt, key).encode()) > _MOST_TOPIC_BYTES:
            broken.append((f"mqtt_insights.{key}", getattr(mqtt, key), _TOPIC_RULE))
    try:
        if mqtt.broker is not None:
            parse_broker(mqtt.broker)
    except BrokerError as error:
        broken.append(("mqtt_insights.broker", _SECRET, str(error)))
    return broken


def _broken_batteries(house: HouseFile, usable: tuple[str, ...], absent: str) -> list[tuple[str, object, str]]:
    broken: list[tuple[str, object, str]] = []
    seen: Counter[str] = Counter()
    for i, battery in enumerate(house.batteries):
        path = f"batteries[{i}]"
        seen[battery.mac.upper()] += 1
        if seen[battery.mac.upper()] > 1:
            broken.append((f"{path}.mac", battery.mac, "must be unique, another battery has this MAC"))
        if battery.phase not in usable:
            broken.append((f"{path}.phase", battery.phase, absent))
        if battery.dc_input_power > battery.max_dc_input:
            rule = f"must not be above max_dc_input ({battery.max_dc_input:g})"
            broken.append((f"{path}.dc_input_power", battery.dc_input_power, rule))
    return broken


def _explain(error: ValidationError, root: type[BaseModel]) -> str:
    """The most telling of the errors, as `key = value: what is allowed`."""
    return _explain_one(_most_telling_first(error)[0], root)


def _most_telling_first(error: ValidationError) -> list[ErrorDetails]:
    # A misspelt required key gives two errors, "missing" and "unknown"; the unknown one names the cure.
    return sorted(error.errors(), key=lambda item: item["type"] != "extra_forbidden")


def _explain_one(first: ErrorDetails, root: type[BaseModel]) -> str:
    loc, model = _walk(first["loc"], root)
    if loc and loc[0] == "mqtt_insights":
        return _explain_mqtt(first["type"], loc, first["input"], first["msg"])
    path, value = _path(loc), _show(first["input"])
    match first["type"]:
        case "extra_forbidden":
            if _SECRET_KEY.search(str(loc[-1])):
                value = _show(_SECRET)
            keys = [field.alias or key for key, field in model.model_fields.items()]
            return f"{path} = {value}: unknown key{_hint(str(loc[-1]), keys)}"
        case "missing":
            return f"{path}: required key is missing"
        case "union_tag_not_found":
            return f"{_path((*loc, 'kind'))}: required key is missing (allowed: {', '.join(APPLIANCES)})"
        case "union_tag_invalid":
            kind = first["input"]["kind"]
            return f"{_path((*loc, 'kind'))} = {_show(kind)}: no such appliance{_hint(str(kind), list(APPLIANCES))}"
        case "too_short":
            least = first["ctx"]["min_length"]
            return f"{path} = {value}: {'must not be empty' if least == 1 else f'must have {least} entries'}"
        case "value_error":
            # Our own validators name the key first.
            key, _, rule = str(first["ctx"]["error"]).partition(": ")
            return f"{_path((*loc, key))} = {_show(_value_of(first['input'], key, model))}: {rule}"
    if loc and loc[-1] == "mac":
        return f'{path} = {value}: must be 12 hexadecimal digits in quotes, such as "02B250000001"'
    if loc and loc[-1] == "host":
        return f"{path} = {value}: {_HOST_RULE}"
    return f"{path}{' = ' if path else ''}{value}: {_plain_rule(first['type'], first['msg'])}"


def _plain_rule(kind: str, text: str) -> str:
    """A rule of pydantic's, by its error type and as pydantic words it."""
    return _PLAIN_RULES.get(kind, text).replace("Input should", "must").replace(" after validation", "")


def _explain_mqtt(kind: str, loc: tuple[int | str, ...], value: object, text: str) -> str:
    """As `_explain`, for what is in `mqtt_insights`: nothing is shown that may hold a password."""
    keys = list(MqttInsightsSection.model_fields)
    key = str(loc[1]) if len(loc) > 1 else ""
    harmless = key in keys and key != "broker" and not isinstance(value, dict | list)
    where = "mqtt_insights" + (f".{key if re.fullmatch(r'[A-Za-z_]+', key) else _SECRET}" if key else "")
    if kind == "extra_forbidden":
        rule = f", write it as {_HOW_BROKER}" if key.lower() in _BROKER_PARTS else _hint(key, keys)
        rule = f"unknown key{rule}"
    elif not key:
        rule = f"{_plain_rule(kind, text)}, such as {_HOW_BROKER}"
    elif key == "broker":
        rule = f"must be text: {_HOW_BROKER}"
    elif kind == "string_pattern_mismatch":
        rule = _TOPIC_RULE
    else:
        rule = _plain_rule(kind, text)
    return f"{_short(where)} = {_show(value if harmless else _SECRET)}: {rule}"


def _value_of(section: object, key: str, model: type[BaseModel]) -> object:
    """The value of a key in a section as written, or its default."""
    if isinstance(section, dict) and key in section:
        return section[key]
    return model.model_fields[key].default if key in model.model_fields else section


def _hint(word: str, choices: list[str]) -> str:
    """The nearest choice if there is one, otherwise all of them."""
    near = difflib.get_close_matches(word.lower(), choices, n=1, cutoff=0.6)
    if near:
        return f', did you mean "{near[0]}"?'
    return f" (allowed: {', '.join(choices)})" if choices else ""


def _path(loc: tuple[int | str, ...]) -> str:
    text = ""
    for part in loc:
        text += f"[{part}]" if isinstance(part, int) else f"{'.' if text else ''}{_short(part)}"
    return text


def _walk(loc: tuple[int | str, ...], root: type[BaseModel]) -> tuple[tuple[int | str, ...], type[BaseModel]]:
    """A location as it reads in the document, and the innermost section on the way there.

    Where a section is one of several, pydantic puts its kind into the location.
    """
    clean: list[int | str] = []
    section = root
    for part in loc:
        if isinstance(part, int):
            clean.append(part)
        elif section is Appliance:
            section = APPLIANCES[part]
        else:
            clean.append(part)
            field = section.model_fields.get(part)
            section = (field and _section_of(field.annotation)) or section
    return tuple(clean), section


def _section_of(annotation: Any) -> type[BaseModel] | None:
    """The section a key holds, alone or in a list; Appliance for any of them."""
    if annotation == list[AnyAppliance]:
        return Appliance
    for candidate in (annotation, *get_args(annotation)):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None


def _show(value: object) -> str:
    try:
        text = json.dumps(_without_secrets(value), default=str, ensure_ascii=False)
    except (ValueError, TypeError, RecursionError):  # YAML can refer to itself
        text = type(value).__name__
    # Credentials of a URI, whatever key they were written for; then those without a scheme.
    text = re.sub(r"(mqtts?:/*).*@", rf"\1{_SECRET}@", text, flags=re.IGNORECASE)
    text = re.sub(r'(?<![^\s"])[^\s"/]+:[^\s"]*@', f"{_SECRET}@", text)
    return _short(text)


def _without_secrets(value: object) -> object:
    """The value; inside of it nothing that is under a key for a broker or a password."""
    if isinstance(value, dict):
        return {
            key: _SECRET if isinstance(key, str) and _SECRET_KEY.search(key) else _without_secrets(inner)
            for key, inner in value.items()
        }
    return [_without_secrets(inner) for inner in value] if isinstance(value, list) else value


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."


def _no_duplicates(pairs: list[tuple[Any, Any]]) -> dict[Any, Any]:
    for key, count in Counter(key for key, _ in pairs).items():
        if count > 1:
            raise ConfigError(f"key {key!r} is given {count} times in one object")
    return dict(pairs)


def _parse_json(name: str, text: str) -> object:
    try:
        return json.loads(text, object_pairs_hook=_no_duplicates)
    except json.JSONDecodeError as error:
        raise ConfigError(f"{name}: line {error.lineno} column {error.colno}: not JSON: {error.msg}") from None
    except ConfigError as error:
        raise ConfigError(f"{name}: {error}") from None
    except RecursionError:
        raise ConfigError(f"{name}: nested too deeply") from None
    except ValueError:
        raise ConfigError(f"{name}: not usable JSON: a number has too many digits") from None


def _written_out(node: Any, known: dict[int, int]) -> int:
    """How many nodes a YAML node stands for once its aliases are written out; what is inside itself counts once."""
    if id(node) not in known:
        known[id(node)] = 1
        inside = chain.from_iterable(node.value) if node.id == "mapping" else node.value
        known[id(node)] += 0 if node.id == "scalar" else sum(_written_out(inner, known) for inner in inside)
    return known[id(node)]


def _parse_yaml(name: str, text: str) -> object:
    try:
        import yaml
    except ImportError:
        raise ConfigError(f"{name}: reading YAML needs the package PyYAML; install it or use JSON") from None

    class Loader(yaml.SafeLoader):
        """Booleans are true and false only, as in YAML 1.2: a load may be called "on"."""

        yaml_implicit_resolvers = {  # noqa: RUF012  (the shape PyYAML prescribes)
            first: [rule for rule in rules if rule[0] != "tag:yaml.org,2002:bool" or first in "tTfF"]
            for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
        }

        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
            _no_duplicates([(key.value, None) for key, _ in node.value if isinstance(key, yaml.ScalarNode)])
            return super().construct_mapping(node, deep)

        def get_single_node(self) -> yaml.Node | None:
            node: yaml.Node | None = super().get_single_node()
            if node is not None and _written_out(node, {}) > _MOST_NODES:
                raise ConfigError("aliases (*name) make it too large")
            return node

    try:
        return yaml.load(text, Loader=Loader)
    except yaml.MarkedYAMLError as error:
        mark, problem = error.problem_mark, error.problem or error.context
        where = f"line {mark.line + 1}: " if mark else ""
        if mark and _SECRET_KEY.search("\n".join(text.splitlines()[mark.line : mark.line + 1])):
            problem = "a value with special characters must be in quotes"  # what PyYAML says would show it
        raise ConfigError(f"{name}: {where}not YAML: {problem}") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{name}: not YAML: {' '.join(str(error).split())}") from None
    except ConfigError as error:
        raise ConfigError(f"{name}: {error}") from None
    except RecursionError:
        raise ConfigError(f"{name}: nested too deeply") from None
    except (LookupError, AttributeError, ArithmeticError):  # how PyYAML says it
        raise ConfigError(f"{name}: not usable YAML: a value is not what its tag (!!...) says") from None
    except (ValueError, TypeError) as error:
        # An impossible date, for example.
        raise ConfigError(f"{name}: not usable YAML: {' '.join(str(error).split())}") from None
