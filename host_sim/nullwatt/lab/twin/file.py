"""The scenario file of a site: one YAML or JSON document with a site, what happens to it, and what must hold.

    duration: 2min
    site: site.json
    events:
      - {at: 0, modbus: {asset: store, register: start_stop_standby, value: 1}}
      - {at: 10s, modbus: {asset: store, register: on_grid_power_setpoint, value: 15}}
      - {at: 1min, frequency: {to: 49.8, over: 10s}}
    expectations:
      - {asset: store, register: active_power, response: {value: 15, within: 1s, tolerance: 0.1, from: 10s}}

Times, conditions and errors are as in the scenario file of a house (`nullwatt.lab.scenario_file`).
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from nullwatt.home import ConfigError, broken_rule, check_document, read_document
from nullwatt.home.der import Asset, DerSite, SiteConfig, SiteConfigError, load_site, parse_site
from nullwatt.serve.modbus import AddressError, Codec, RefusedError, Register

from ..scenario_file import SUFFIXES
from .controller import DroopController
from .expectations import Bounds, DroopBand, Response, Settling
from .frequency_response import FrequencyResponse
from .master import Master
from .script import (
    Action,
    AnyExpectation,
    Command,
    Deviation,
    Level,
    ModbusWrite,
    Series,
    Signal,
    SiteCondition,
    SiteEvent,
    SiteScenario,
    SiteTrigger,
)
from .sections import (
    ControllerSection,
    DroopSection,
    LevelSection,
    ModbusSection,
    ResponseSection,
    SettleSection,
    SiteEventSection,
    SiteExpectationSection,
    SiteScenarioFile,
    SiteWhenSection,
    ValueSection,
)
from .subject import SITE_QUANTITIES, Subject
from .track import read_series

#: Scenario files that come with nullwatt.
SHIPPED = Path(__file__).with_name("scenarios")

_SIGNALS: tuple[Signal, ...] = ("frequency", "voltage", "irradiance", "ambient", "base_load")
#: What a quantity may be moved to; the models of a site hold it there in any case.
_LIMITS: Mapping[Signal, tuple[float, float]] = {
    "frequency": (45.0, 55.0),
    "voltage": (300.0, 480.0),
    "irradiance": (0.0, 5000.0),
    "ambient": (-60.0, 80.0),
    "base_load": (-1e12, 1e12),
}
#: Command and value that bring about a fault, by type of asset.
_FAULTS: Mapping[str, Mapping[str, tuple[str, float]]] = {
    "bess": {"too_hot": ("fault", 1001.0), "empty": ("fault", 2001.0)},
    "chp": {"engine": ("fault", 1.0), "e_stop": ("e_stop", 1.0)},
}

_KINDS = ("value", "response", "settle", "droop", "frequency_response")


def load_site_scenario(
    path: Path | str, site: Path | None = None, changes: Mapping[str, object] | None = None
) -> SiteScenario:
    """Read and check a scenario file. Raises ConfigError, and nothing else, for one that cannot be used.

    site: a site file instead of the one of the scenario. changes: see `parse_site_scenario`.
    """
    own = read_document(path)
    return parse_site_scenario(own, str(path), Path(path).parent, site, changes)


def parse_site_scenario(
    document: object,
    name: str = "scenario",
    folder: Path = Path(),
    site: Path | None = None,
    changes: Mapping[str, object] | None = None,
) -> SiteScenario:
    """Check an already parsed document; `name` opens the error text, paths in it start at `folder`.

    changes: to the site, such as {"store.ramp_rate_kw_per_s": 20, "external_models.grid_frequency.noise_std": 0.01}:
    keys of an asset by its asset_id, or of the site itself.
    """
    if isinstance(document, dict) and "house" in document:
        raise ConfigError(f"{name}: is a scenario of a house: play it with nullwatt lab run")
    file = check_document(SiteScenarioFile, document, name, "duration")
    changed = changes or {}
    config = _site(file.site, name, folder, site, changed)
    if file.duration < config.step:
        raise broken_rule(name, "duration", file.duration, f"must be at least one step of the site ({config.step:g} s)")
    if file.seed is not None and "seed" not in changed:
        config = config.model_copy(update={"seed": file.seed})
    return _Reader(file, config, name, folder).scenario()


def shipped_site_scenarios() -> dict[str, Path]:
    """The scenario files of sites that come with nullwatt, by name."""
    return {path.stem: path for path in sorted(SHIPPED.iterdir()) if path.suffix in SUFFIXES}


def site_scenario_schema() -> dict[str, Any]:
    """The scenario file of a site as JSON Schema (2020-12); the site in it is not described."""
    schema = SiteScenarioFile.model_json_schema()
    one = {"$ref": "#/$defs/ModbusSection"}
    event = schema["$defs"]["SiteEventSection"]["properties"]
    event["modbus"] = {"anyOf": [one, {"type": "array", "items": one, "minItems": 1}]}
    for signal in _SIGNALS:
        event[signal] = {"anyOf": [{"type": "number"}, {"$ref": "#/$defs/LevelSection"}]}
    dialect = "https://json-schema.org/draft/2020-12/schema"
    return {"$schema": dialect, **schema, "title": "nullwatt scenario file of a site"}


def _site(given: object, name: str, folder: Path, instead: Path | None, changes: Mapping[str, object]) -> SiteConfig:
    if instead is None and isinstance(given, str):
        instead = folder / given
    if instead is not None:
        name, folder = str(instead), instead.parent
        if not changes:
            return load_site(instead)
        given = read_document(instead)
    elif given is None:
        raise ConfigError(f"{name}: site: required key is missing: a site file, or the path of one")
    else:
        name = f"{name}: site"
    for key, value in changes.items():
        given = _changed(given, key, value, name)
    return parse_site(given, name, folder)


def _changed(site: object, key: str, value: object, name: str) -> object:
    """The site with a key of an asset, or of the site itself, changed."""
    if not isinstance(site, dict):
        return site
    first, *inner = key.split(".")
    if not inner or first in SiteConfig.model_fields:
        return _put(site, [first, *inner], value)
    assets = site.get("assets")
    listed = assets if isinstance(assets, list) else []
    ids = [each.get("asset_id") for each in listed if isinstance(each, dict)]
    if first not in ids:
        raise broken_rule(name, key, first, "no such asset", [each for each in ids if isinstance(each, str)])
    place = ids.index(first)
    return {**site, "assets": [*listed[:place], _put(listed[place], inner, value), *listed[place + 1 :]]}


def _put(node: object, path: list[str], value: object) -> object:
    """The object with the value at the path; what is no object on the way there becomes one."""
    if not path:
        return value
    known = node if isinstance(node, dict) else {}
    return {**known, path[0]: _put(known.get(path[0]), path[1:], value)}


class _Reader:
    """From a file whose keys are right to a scenario; what is left are rules between keys, and names of the site."""

    def __init__(self, file: SiteScenarioFile, config: SiteConfig, name: str, folder: Path) -> None:
        self._file = file
        self._config = config
        self._name = name
        self._folder = folder
        try:
            self._trial = DerSite(config)  # knows names, tables and registers; never stepped
        except SiteConfigError as error:
            raise ConfigError(str(error)) from None
        self._masters = {asset_id: Master(self._trial, asset) for asset_id, asset in self._trial.assets.items()}

    def scenario(self) -> SiteScenario:
        """Check and translate everything."""
        file = self._file
        events: list[SiteEvent] = []
        triggers: list[SiteTrigger] = []
        for index, section in enumerate(file.events):
            path = f"events[{index}]"
            if (section.at is None) == (section.when is None):
                raise self._wrong(path, "needs either at or when")
            actions = tuple(self._actions(section, path))
            if not actions:
                raise self._wrong(path, "nothing happens; add what does, such as modbus or frequency")
            if section.when is not None:
                triggers.append(SiteTrigger(self._condition(section.when, f"{path}.when"), actions, section.repeat))
                continue
            at_s = section.at or 0.0
            if section.repeat:
                raise self._broken(f"{path}.repeat", True, "only together with when")
            if at_s >= file.duration:
                raise self._broken(f"{path}.at", at_s, f"must be before the end ({file.duration:g} s)")
            events += [SiteEvent(at_s, action) for action in actions]
        return SiteScenario(
            name=file.name or Path(self._name).stem,
            site=self._config,
            duration_s=file.duration,
            title=file.description,
            events=tuple(events),
            triggers=tuple(triggers),
            controller=None if file.controller is None else self._controller(file.controller),
            expectations=tuple(
                self._expectation(section, f"expectations[{index}]") for index, section in enumerate(file.expectations)
            ),
        )

    def _wrong(self, path: str, rule: str) -> ConfigError:
        return ConfigError(f"{self._name}: {path}: {rule}")

    def _broken(self, path: str, value: object, rule: str, choices: Iterable[str] = ()) -> ConfigError:
        return broken_rule(self._name, path, value, rule, choices)

    # -- names

    def _asset(self, asset_id: str, path: str) -> Asset:
        if asset_id not in self._trial.assets:
            raise self._broken(f"{path}.asset", asset_id, "no such asset", self._trial.assets)
        return self._trial.assets[asset_id]

    def _register(self, asset_id: str, name: str, path: str, direction: str) -> Register:
        known = [each for each in self._masters[asset_id].registers if each.direction == direction]
        for register in known:
            if register.name == name:
                return register
        rule = "no such register to read" if direction == "read" else "no such register to write"
        raise self._broken(path, name, rule, [each.name for each in known])

    def _subject(self, section: SiteWhenSection | SiteExpectationSection, path: str) -> Subject:
        if (section.register_ is None) == (section.quantity is None):
            raise self._wrong(path, "needs either register or quantity")
        if section.register_ is not None:
            if section.asset is None:
                raise self._wrong(path, "register needs asset")
            self._asset(section.asset, path)
            self._register(section.asset, section.register_, f"{path}.register", "read")
            return Subject(section.asset, register=section.register_)
        quantity = section.quantity or ""
        known: Iterable[str] = SITE_QUANTITIES
        if section.asset is not None:
            known = self._asset(section.asset, path).device.quantities
        if quantity not in known:
            raise self._broken(f"{path}.quantity", quantity, "no such quantity", known)
        return Subject(section.asset or "", quantity)

    # -- events

    def _condition(self, when: SiteWhenSection, path: str) -> SiteCondition:
        bounded = when.above is not None or when.below is not None
        named = any(value is not None for value in (when.asset, when.register_, when.quantity))
        if not bounded and not named and when.time_of_day is None:
            raise self._wrong(path, "needs a condition, such as a quantity with above or below, or time_of_day")
        if bounded != named:
            raise self._wrong(path, "above and below belong to a register or quantity")
        return SiteCondition(
            subject=self._subject(when, path) if named else None,
            above=when.above,
            below=when.below,
            time_of_day_h=when.time_of_day,
            after_s=when.after,
            hold_s=when.hold,
        )

    def _actions(self, section: SiteEventSection, path: str) -> Iterator[Action]:
        for write in section.modbus:
            yield self._write(write, f"{path}.modbus")
        used = [key for key in ("set", "fault") if getattr(section, key) is not None]
        if used and section.asset is None:
            raise self._wrong(path, f"{used[0]} needs asset")
        if section.asset is not None:
            asset = self._asset(section.asset, path)
            if not used:
                raise self._wrong(f"{path}.asset", "does nothing without set or fault")
            yield from self._commands(section, asset, path)
        for signal in _SIGNALS:
            level = getattr(section, signal)
            if level is not None:
                yield self._level(signal, level, f"{path}.{signal}")

    def _write(self, section: ModbusSection, path: str) -> ModbusWrite:
        asset = self._asset(section.asset, path)
        if (section.value is None) == (section.raw is None):
            raise self._wrong(path, "needs either value or raw")
        address, register = self._place(section, path)
        words, shown = self._words(section, register, path)
        master = Master(self._trial, asset)
        try:
            master.unit.write(address, words)
        except RefusedError as error:
            raise self._wrong(path, str(error)) from None
        except AddressError:
            raise self._broken(f"{path}.register", section.register_, "nothing to write there") from None
        where = register.name if register is not None else str(address)
        return ModbusWrite(section.asset, address, words, f"{where} ({address}) = {shown}")

    def _place(self, section: ModbusSection, path: str) -> tuple[int, Register | None]:
        """Where it is written, and the register that begins there."""
        known = [each for each in self._masters[section.asset].registers if each.direction == "write"]
        if isinstance(section.register_, str):
            register = self._register(section.asset, section.register_, f"{path}.register", "write")
            return register.address, register
        found = next((each for each in known if each.address == section.register_), None)
        covered = any(section.register_ in each.addresses for each in known)
        if found is None and not (covered and isinstance(section.raw, list)):
            told = ", ".join(f"{each.address} {each.name}" for each in known) or "none"
            raise self._broken(f"{path}.register", section.register_, f"no register to write begins there ({told})")
        return section.register_, found

    def _words(self, section: ModbusSection, register: Register | None, path: str) -> tuple[tuple[int, ...], str]:
        if isinstance(section.raw, list):
            return tuple(section.raw), f"raw {section.raw}"
        assert register is not None
        codec = register.codec
        if section.raw is not None:
            codec = Codec(codec.kind, 1.0, codec.endian)
        value = section.value if section.value is not None else float(section.raw or 0)
        words = codec.encode(value)
        key, shown = ("raw", f"raw {value:g}") if section.value is None else ("value", f"{value:g} {register.unit}")
        if abs(codec.decode(words) - value) > 0.5 * abs(codec.scale) * (1 + 1e-9):
            lowest, highest = codec.decode(codec.encode(-math.inf)), codec.decode(codec.encode(math.inf))
            raise self._broken(f"{path}.{key}", value, f"does not fit the register ({lowest:g} to {highest:g})")
        return words, shown.strip()

    def _commands(self, section: SiteEventSection, asset: Asset, path: str) -> Iterator[Command]:
        for name, value in (section.set or {}).items():
            try:
                yield Command(asset.asset_id, name, asset.device.check(name, value))
            except (ValueError, TypeError) as error:
                raise self._wrong(f"{path}.set", str(error)) from None
        if section.fault is not None:
            faults = _FAULTS.get(asset.kind)
            if faults is None:
                how = "an inverter trips on voltage and frequency" if asset.kind == "inverter" else "a meter has none"
                raise self._broken(f"{path}.fault", section.fault, how)
            if section.fault not in faults:
                raise self._broken(f"{path}.fault", section.fault, "no such fault", faults)
            yield Command(asset.asset_id, *faults[section.fault])

    def _level(self, signal: Signal, section: LevelSection, path: str) -> Action:
        given = [key for key in ("to", "delta", "file") if getattr(section, key) is not None]
        if len(given) != 1:
            raise self._wrong(path, "needs exactly one of to, delta, file")
        (key,) = given
        low, high = _LIMITS[signal]
        allowed = {"to": ("over", "for"), "delta": ("for", "shape"), "file": ("column",)}[key]
        for other in ("over", "lasting", "shape", "column"):
            called = "for" if other == "lasting" else other
            if other in section.model_fields_set and called not in allowed:
                raise self._broken(f"{path}.{called}", getattr(section, other), f"does not belong to {key}")
        if signal == "ambient" and not self._trial.models.enabled:
            raise self._wrong(path, "has no effect on a site without external_models")
        if section.to is not None:
            if not low <= section.to <= high:
                raise self._broken(f"{path}.to", section.to, f"must be within {low:g} and {high:g}")
            return Level(signal, section.to, section.over, math.inf if section.lasting is None else section.lasting)
        if section.delta is not None:
            if signal not in ("frequency", "voltage"):
                raise self._broken(f"{path}.delta", section.delta, "only for frequency and voltage; use to")
            if section.lasting is None:
                raise self._wrong(path, "delta needs for")
            return Deviation(signal, section.delta, section.lasting, section.shape)
        times_s, values = read_series(self._folder / str(section.file), section.column)
        if not low <= min(values) <= max(values) <= high:
            outside = min(values) if min(values) < low else max(values)
            raise self._broken(f"{path}.file", section.file, f"{outside:g} in it is not within {low:g} and {high:g}")
        return Series(signal, times_s, values, str(section.file))

    # -- the rest

    def _controller(self, section: ControllerSection) -> DroopController:
        self._asset(section.asset, "controller")
        self._register(section.asset, section.frequency, "controller.frequency", "read")
        self._register(section.asset, section.setpoint, "controller.setpoint", "write")
        return DroopController(section.asset, section.droop, section.frequency, section.setpoint, section.period)

    def _expectation(self, section: SiteExpectationSection, path: str) -> AnyExpectation:
        given = [key for key in _KINDS if getattr(section, key) is not None]
        if len(given) != 1:
            raise self._wrong(path, f"needs exactly one of {', '.join(_KINDS)}")
        subject = self._subject(section, path)
        path = f"{path}.{given[0]}"
        match getattr(section, given[0]):
            case ValueSection() as body:
                return self._bounds(subject, body, path)
            case ResponseSection() as body:
                self._begins(body.start, math.inf, path)
                return Response(
                    subject=subject,
                    value=body.value,
                    within_s=body.within,
                    tolerance=body.tolerance,
                    share=body.share,
                    from_s=body.start,
                )
            case SettleSection() as body:
                return Settling(
                    subject=subject,
                    value=body.value,
                    within_s=body.within,
                    tolerance=body.tolerance,
                    from_s=body.start,
                    to_s=self._ends(body.start, body.end, path),
                )
            case DroopSection() as body:
                return DroopBand(
                    subject=subject,
                    droop=body.droop,
                    tolerance=body.tolerance,
                    lag_s=body.lag,
                    from_s=body.start,
                    to_s=self._ends(body.start, body.end, path),
                )
            case body:
                return FrequencyResponse(
                    subject=subject,
                    droop=body.droop,
                    tolerance=body.tolerance,
                    half_within_s=body.half_within,
                    full_within_s=body.full_within,
                    hold_s=body.hold,
                    lag_s=body.lag,
                )

    def _bounds(self, subject: Subject, band: ValueSection, path: str) -> Bounds:
        if band.forms != 1:
            raise self._wrong(path, "needs bounds in one form: within, between, or above and below")
        if band.mean and band.fraction != 1.0:
            raise self._broken(f"{path}.fraction", band.fraction, "not together with mean")
        low, high = band.bounds
        if low is not None and high is not None and low > high:
            raise self._broken(f"{path}.above", low, f"must not be above below ({high:g})")
        if band.at is not None:
            for key in ("start", "end", "mean", "fraction"):
                if key in band.model_fields_set:
                    called = {"start": "from", "end": "to"}.get(key, key)
                    raise self._broken(f"{path}.{called}", getattr(band, key), "not together with at")
            if band.at > self._file.duration:
                raise self._broken(f"{path}.at", band.at, f"is after the end ({self._file.duration:g} s)")
        return Bounds(
            subject=subject,
            low=low,
            high=high,
            fraction=band.fraction,
            mean=band.mean,
            from_s=band.start,
            to_s=self._ends(band.start, band.end, path),
            at_s=band.at,
        )

    def _ends(self, start_s: float, end_s: float | None, path: str) -> float:
        if end_s is not None and end_s > self._file.duration:
            raise self._broken(f"{path}.to", end_s, f"is after the end ({self._file.duration:g} s)")
        self._begins(start_s, math.inf if end_s is None else end_s, path)
        return math.inf if end_s is None else end_s

    def _begins(self, start_s: float, end_s: float, path: str) -> None:
        end_s = min(end_s, self._file.duration)
        if start_s >= end_s:
            raise self._broken(f"{path}.from", start_s, f"must be before {end_s:g} s")
