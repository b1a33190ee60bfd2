"""Which entities of a board show and set what, found by the names that the ESPHome component gives them.

Over ESPHome's API an entity has a name and a unit, but no key and no battery. A battery's entities stand together on
a device of their own, or begin with the same words: `Battery 1 Power`, `Garage Power`. What goes by another name, or
is translated, is not recognised.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

MODES = ("Automatic", "Charge only", "Discharge only", "Manual", "Off")
_W, _PERCENT = "W", "%"

#: By platform, key and unit: the names of `esphome_component/ct002/entity_table.py`. A test compares the two.
METER = {
    ("sensor", "grid_power", _W): "Grid power",
    ("sensor", "grid_power_l1", _W): "Grid power L1",
    ("sensor", "grid_power_l2", _W): "Grid power L2",
    ("sensor", "grid_power_l3", _W): "Grid power L3",
    ("sensor", "demand", _W): "Demand",
    ("sensor", "control_value", _W): "Control value",
    ("sensor", "pool_power", _W): "Battery power",
    ("sensor", "batteries", ""): "Batteries",
    ("binary_sensor", "meter_available", ""): "Meter available",
    ("text_sensor", "last_drop_reason", ""): "Last drop reason",
    ("number", "grid_target", _W): "Grid target",
    ("number", "peak_shaving_threshold", _W): "Peak shaving threshold",
    ("number", "min_efficient_power", _W): "Min efficient power",
    ("switch", "active_control", ""): "Active control",
    ("button", "force_rotation", ""): "Force rotation",
}
BATTERY = {
    ("sensor", "power", _W): "Power",
    ("sensor", "target", _W): "Target",
    ("sensor", "share", _PERCENT): "Share",
    ("sensor", "saturation_charge", _PERCENT): "Saturation charging",
    ("sensor", "saturation_discharge", _PERCENT): "Saturation discharging",
    ("sensor", "poll_interval", "s"): "Poll interval",
    ("binary_sensor", "online", ""): "Online",
    ("binary_sensor", "saturated", ""): "Saturated",
    ("text_sensor", "phase", ""): "Phase",
    ("text_sensor", "model", ""): "Model",
    ("text_sensor", "mac", ""): "MAC",
    ("text_sensor", "address", ""): "Address",
    ("select", "mode", ""): "Mode",
    ("switch", "active", ""): "Active",
    ("switch", "automatic", ""): "Automatic",
    ("number", "manual_target", _W): "Manual target",
    ("number", "weight", ""): "Weight",
    ("number", "window_weight", _PERCENT): "Window weight",
    ("number", "min_dc_output", _W): "Min DC output",
    ("number", "max_charge", _W): "Max charge",
    ("number", "max_discharge", _W): "Max discharge",
    ("number", "charge_order", ""): "Charge order",
    ("number", "discharge_order", ""): "Discharge order",
    ("button", "forget", ""): "Forget",
}
#: Of a battery, what hardly anything else has; `Garage Power` alone may be any meter's.
_TELLING = {
    "target",
    "share",
    "saturation_charge",
    "saturation_discharge",
    "poll_interval",
    "saturated",
    "mac",
    "mode",
    "forget",
}
_DEFAULT_PREFIX = re.compile(r"battery ([0-9]{1,2}|[0-9a-f]{4})")


@dataclass(frozen=True, slots=True)
class BoardEntity:
    """One entity as the API lists it.

    Attributes:
        platform: "sensor", "number", ...
        name: Its name, without that of the device.
        key: Its number, unique on a platform of a device.
        device: Number of the sub-device, 0 = the board itself.
        unit, device_class: As ESPHome tells them.
        options: Choices of a select.
        low, high: What a number may be set to.
    """

    platform: str
    name: str
    key: int
    device: int = 0
    unit: str = ""
    device_class: str = ""
    options: tuple[str, ...] = ()
    low: float = 0.0
    high: float = 0.0


@dataclass(frozen=True, slots=True)
class BoardBattery:
    """A battery, or the place of one: what it is called and its entities by key, `soc` besides those of the table."""

    name: str
    entities: Mapping[str, BoardEntity]


@dataclass(frozen=True, slots=True)
class Recognised:
    """What a board has. meter: entities by key. left_out: those that mean nothing to nullwatt."""

    meter: Mapping[str, BoardEntity]
    batteries: tuple[BoardBattery, ...]
    left_out: tuple[BoardEntity, ...]


@dataclass(slots=True)
class _Group:
    """Entities that may be a battery's. prefix: what their names begin with, as it is written."""

    device: int
    prefix: str
    entities: dict[str, BoardEntity]

    @property
    def is_battery(self) -> bool:
        default = self.device == 0 and _DEFAULT_PREFIX.fullmatch(_plain(self.prefix))
        return bool(default) or not _TELLING.isdisjoint(self.entities)


def recognise(entities: Iterable[BoardEntity], devices: Mapping[int, str]) -> Recognised:
    """Sort the entities of a board. devices: names of its sub-devices by number."""
    rest = list(entities)
    meter: dict[str, BoardEntity] = {}
    # Those of the board itself first: a sub-device may have something of the same name.
    for entity in sorted(rest, key=lambda entity: entity.device != 0):
        key = _keys(METER, entity).get(_plain(entity.name))
        if key is not None and key not in meter:
            meter[key] = entity
    taken = set(meter.values())
    groups = [group for group in _groups(entity for entity in rest if entity not in taken) if group.is_battery]
    for group in groups:
        taken.update(group.entities.values())
        if sum(other.device == group.device for other in groups) == 1 and (soc := _soc(rest, group.device)):
            group.entities["soc"] = soc
            taken.add(soc)
    batteries = tuple(BoardBattery(_called(group, devices), group.entities) for group in groups)
    return Recognised(meter, batteries, tuple(entity for entity in rest if entity not in taken))


def _plain(name: str) -> str:
    return " ".join(name.casefold().replace("_", " ").split())


def _keys(table: Mapping[tuple[str, str, str], str], entity: BoardEntity) -> dict[str, str]:
    """The keys that an entity of this kind may have, by name. Another unit is another thing."""
    unit = entity.unit if entity.platform in ("sensor", "number") else ""
    return {
        _plain(name): key for (platform, key, of), name in table.items() if (platform, of) == (entity.platform, unit)
    }


def _groups(entities: Iterable[BoardEntity]) -> list[_Group]:
    groups: dict[tuple[int, str], _Group] = {}
    for entity in entities:
        found = _of_battery(entity)
        if found is None:
            continue
        key, prefix = found
        group = groups.setdefault((entity.device, _plain(prefix)), _Group(entity.device, prefix, {}))
        group.entities.setdefault(key, entity)
    merged: dict[int, _Group] = {}
    for group in groups.values():
        if group.device == 0:
            continue
        # "Power" and "Garage target" on one device are one battery's; two times "Power" are two batteries'.
        before = merged.setdefault(group.device, group)
        if before is not group and before.entities.keys().isdisjoint(group.entities):
            before.entities |= group.entities
            before.prefix = ""
            group.entities.clear()
    return [group for group in groups.values() if group.entities]


def _of_battery(entity: BoardEntity) -> tuple[str, str] | None:
    """Its key, and what its name begins with."""
    plain, keys = _plain(entity.name), _keys(BATTERY, entity)
    if entity.platform == "select" and entity.options != MODES:
        return None
    # "Window weight" before "Weight".
    for name in sorted(keys, key=len, reverse=True):
        if plain == name:
            return keys[name], ""
        if plain.endswith(f" {name}"):
            words = entity.name.replace("_", " ").split()
            return keys[name], " ".join(words[: -len(name.split())])
    # Its choices say what it is, whatever it is called.
    return ("mode", "") if entity.platform == "select" and entity.device else None


def _soc(entities: Iterable[BoardEntity], device: int) -> BoardEntity | None:
    """The state of charge: the component knows none, but people put one on the battery's device."""
    found = [
        entity
        for entity in entities
        if device
        and entity.device == device
        and (entity.platform, entity.device_class, entity.unit) == ("sensor", "battery", _PERCENT)
    ]
    return found[0] if len(found) == 1 else None


def _called(group: _Group, devices: Mapping[int, str]) -> str:
    return group.prefix or devices.get(group.device) or "Battery"
