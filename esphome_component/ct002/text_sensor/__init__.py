"""Text sensors of the meter and of its batteries."""

import esphome.codegen as cg
from esphome.components import text_sensor
from esphome.types import ConfigType

from ..entity import function, look, platform_schema, to_code_of_entry
from ..entity_table import Entity
from ..names import ct002_ns

DEPENDENCIES = ["ct002"]

CT002TextSensor = ct002_ns.class_("CT002TextSensor", text_sensor.TextSensor)

CONFIG_SCHEMA = platform_schema("text_sensor", lambda row: text_sensor.text_sensor_schema(CT002TextSensor, **look(row)))


async def build(config: ConfigType, row: Entity, meter: cg.MockObj) -> cg.MockObj:
    return await text_sensor.new_text_sensor(config, function("texts", row))


async def to_code(config: ConfigType) -> None:
    await to_code_of_entry(config, "text_sensor", build)
