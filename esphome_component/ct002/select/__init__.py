"""The mode of a battery."""

import esphome.codegen as cg
from esphome.components import select
from esphome.types import ConfigType

from ..entity import look, platform_schema, setting_of, to_code_of_entry
from ..entity_table import MODES, Entity
from ..names import ct002_ns

DEPENDENCIES = ["ct002"]

CT002Select = ct002_ns.class_("CT002Select", select.Select)

CONFIG_SCHEMA = platform_schema("select", lambda row: select.select_schema(CT002Select, **look(row)))


async def build(config: ConfigType, row: Entity, meter: cg.MockObj) -> cg.MockObj:
    return await select.new_select(config, meter, setting_of(row, meter), options=list(MODES))


async def to_code(config: ConfigType) -> None:
    await to_code_of_entry(config, "select", build)
