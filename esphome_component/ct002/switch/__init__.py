"""Switches for settings of the meter and of its batteries."""

import esphome.codegen as cg
import esphome.config_validation as cv
from esphome.components import switch
from esphome.const import CONF_RESTORE_MODE
from esphome.types import ConfigType

from ..entity import look, platform_schema, setting_of, to_code_of_entry
from ..entity_table import Entity
from ..names import ct002_ns

DEPENDENCIES = ["ct002"]

CT002Switch = ct002_ns.class_("CT002Switch", switch.Switch)

# The component restores its settings itself.
NO_RESTORE = {"DISABLED": switch.RESTORE_MODES["DISABLED"]}


def schema_of(row: Entity) -> cv.Schema:
    schema = switch.switch_schema(CT002Switch, block_inverted=True, **look(row))
    return schema.extend({cv.Optional(CONF_RESTORE_MODE, default="DISABLED"): cv.enum(NO_RESTORE, upper=True)})


CONFIG_SCHEMA = platform_schema("switch", schema_of)


async def build(config: ConfigType, row: Entity, meter: cg.MockObj) -> cg.MockObj:
    return await switch.new_switch(config, meter, setting_of(row, meter))


async def to_code(config: ConfigType) -> None:
    await to_code_of_entry(config, "switch", build)
