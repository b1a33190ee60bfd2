"""Binary sensors of the meter and of its batteries."""

import esphome.codegen as cg
from esphome.components import binary_sensor
from esphome.types import ConfigType

from ..entity import function, look, platform_schema, to_code_of_entry
from ..entity_table import Entity
from ..names import ct002_ns

DEPENDENCIES = ["ct002"]

CT002BinarySensor = ct002_ns.class_("CT002BinarySensor", binary_sensor.BinarySensor)

CONFIG_SCHEMA = platform_schema(
    "binary_sensor", lambda row: binary_sensor.binary_sensor_schema(CT002BinarySensor, **look(row))
)


async def build(config: ConfigType, row: Entity, meter: cg.MockObj) -> cg.MockObj:
    return await binary_sensor.new_binary_sensor(config, function("signals", row))


async def to_code(config: ConfigType) -> None:
    await to_code_of_entry(config, "binary_sensor", build)
