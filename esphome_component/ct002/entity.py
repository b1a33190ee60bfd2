"""What the entity platforms of `ct002` have in common: their schema, and how their entities reach the meter."""

from collections.abc import Awaitable, Callable
from typing import Any

import esphome.codegen as cg
import esphome.config_validation as cv
from esphome.const import CONF_DEVICE_ID, CONF_ID, CONF_NAME
from esphome.types import ConfigType

from .entity_table import ENTITIES, Entity
from .names import CONF_BATTERY, CONF_CT002_ID, CT002Component, Setting, ct002_ns
from .option_schema import MAC_DIGITS
from .tracked import HOUSE, battery_index, battery_name, tracked


def look(row: Entity) -> dict[str, Any]:
    """What the table says about the looks, as arguments of a platform's schema."""
    said = {"unit_of_measurement": row.unit, "device_class": row.device_class, "entity_category": row.category}
    return {argument: value for argument, value in said.items() if value}


def platform_schema(platform: str, schema_of: Callable[[Entity], cv.Schema]) -> Any:
    """Schema of one entry of a platform: some entities of the meter, or of one battery."""
    rows = {row.key: row for row in ENTITIES if row.platform == platform}
    keys: dict[Any, Any] = {
        cv.GenerateID(CONF_CT002_ID): cv.use_id(CT002Component),
        cv.Optional(CONF_BATTERY): battery_name,
        cv.Optional(CONF_DEVICE_ID): cv.sub_device_id,
    }
    keys |= {cv.Optional(key): schema_of(row) for key, row in rows.items()}
    return cv.All(lambda config: fill_in(config, rows), cv.Schema(keys))


def fill_in(config: Any, rows: dict[str, Entity]) -> Any:
    """Gives entities the name of the table and the entry's device, where they have none of their own."""
    if not isinstance(config, dict):
        return config  # for the schema to refuse
    of_battery = CONF_BATTERY in config
    if not any(key in config for key in rows):
        here = ", ".join(key for key, row in rows.items() if row.of_battery == of_battery)
        whose = "a battery" if of_battery else "the meter"
        raise cv.Invalid(f"name the entities you want: {here or f'none of them belong to {whose}'}")
    filled = dict(config)
    for key, row in rows.items():
        if key not in config:
            continue
        if row.of_battery and not of_battery:
            raise cv.Invalid(f"{key} belongs to a battery: say which, {CONF_BATTERY}: 1 or its MAC", path=[key])
        if of_battery and not row.of_battery:
            raise cv.Invalid(f"{key} belongs to the meter: move it to an entry without {CONF_BATTERY}", path=[key])
        filled[key] = named(config[key], row, config)
    return filled


def named(entity: Any, row: Entity, entry: ConfigType) -> Any:
    """`power:` and `power: My name` are enough."""
    if entity is None:
        entity = {}
    if isinstance(entity, str):
        entity = {CONF_NAME: entity}
    if not isinstance(entity, dict):
        return entity
    entity = dict(entity)
    if entry.get(CONF_DEVICE_ID):
        entity.setdefault(CONF_DEVICE_ID, entry[CONF_DEVICE_ID])
    if CONF_NAME not in entity and CONF_ID not in entity:
        # Without a device of its own, a battery's entities must tell whose they are.
        whose = "" if not row.of_battery or CONF_DEVICE_ID in entity else f"{spoken(entry[CONF_BATTERY])} "
        entity[CONF_NAME] = f"{whose}{row.name}"
    return entity


def spoken(battery: Any) -> str:
    """Battery 2, but Battery 3c01: the end of a MAC is what differs."""
    name = battery_name(battery)
    return f"Battery {name if len(name) < MAC_DIGITS else name[-4:]}"


type Builder = Callable[[ConfigType, Entity, cg.MockObj], Awaitable[cg.MockObj]]


async def to_code_of_entry(config: ConfigType, platform: str, build: Builder, watches: bool = True) -> None:
    """Generates the entities of one entry and tells them their battery."""
    meter = await cg.get_variable(config[CONF_CT002_ID])
    battery = battery_index(config[CONF_BATTERY]) if CONF_BATTERY in config else HOUSE
    for row in ENTITIES:
        if row.platform != platform or row.key not in config:
            continue
        var = await build(config[row.key], row, meter)
        if watches:
            tracked().watchers += 1
            cg.add(meter.add_watcher(var, battery))
        else:
            cg.add(var.set_battery(battery))


def setting_of(row: Entity, meter: cg.MockObj) -> cg.MockObj:
    """The C++ setting behind a number, switch or select."""
    setting = getattr(Setting, row.key.upper())
    if not row.of_battery:
        tracked().house_settings.add(row.key)
        cg.add(meter.store_setting(setting))
    return setting


def function(namespace: str, row: Entity) -> cg.MockObj:
    """The C++ function that a sensor shows or a button calls."""
    return getattr(ct002_ns.namespace(namespace), row.key)
