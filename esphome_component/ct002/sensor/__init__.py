"""Sensors of the meter and of its batteries."""

import esphome.codegen as cg
from esphome.components import sensor
from esphome.const import CONF_FILTERS, STATE_CLASS_MEASUREMENT
from esphome.types import ConfigType

from ..entity import function, look, platform_schema, to_code_of_entry
from ..entity_table import Entity
from ..names import ct002_ns

DEPENDENCIES = ["ct002"]

CT002Sensor = ct002_ns.class_("CT002Sensor", sensor.Sensor)

CONFIG_SCHEMA = platform_schema(
    "sensor",
    lambda row: sensor.sensor_schema(
        CT002Sensor, accuracy_decimals=row.decimals, state_class=STATE_CLASS_MEASUREMENT, **look(row)
    ),
)


async def build(config: ConfigType, row: Entity, meter: cg.MockObj) -> cg.MockObj:
    var = await sensor.new_sensor(config, function("readings", row))
    if config.get(CONF_FILTERS):
        cg.add(var.send_all())
    return var


async def to_code(config: ConfigType) -> None:
    await to_code_of_entry(config, "sensor", build)
