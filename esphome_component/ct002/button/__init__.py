"""Buttons of the meter and of its batteries."""

import esphome.codegen as cg
from esphome.components import button
from esphome.types import ConfigType

from ..entity import function, look, platform_schema, to_code_of_entry
from ..entity_table import Entity
from ..names import ct002_ns

DEPENDENCIES = ["ct002"]

CT002Button = ct002_ns.class_("CT002Button", button.Button)

CONFIG_SCHEMA = platform_schema("button", lambda row: button.button_schema(CT002Button, **look(row)))


async def build(config: ConfigType, row: Entity, meter: cg.MockObj) -> cg.MockObj:
    return await button.new_button(config, meter, function("presses", row))


async def to_code(config: ConfigType) -> None:
    # Buttons show nothing.
    await to_code_of_entry(config, "button", build, watches=False)
