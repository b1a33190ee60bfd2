"""Numbers that change settings of the meter and of its batteries."""

import esphome.codegen as cg
import esphome.config_validation as cv
from esphome.components import number
from esphome.const import CONF_MAX_VALUE, CONF_MIN_VALUE, CONF_MODE, CONF_STEP
from esphome.types import ConfigType

from ..entity import look, platform_schema, setting_of, to_code_of_entry
from ..entity_table import Entity
from ..names import ct002_ns

DEPENDENCIES = ["ct002"]

CT002Number = ct002_ns.class_("CT002Number", number.Number)


def validate_range(config: ConfigType) -> ConfigType:
    if config[CONF_MIN_VALUE] >= config[CONF_MAX_VALUE]:
        raise cv.Invalid(
            f"max_value {config[CONF_MAX_VALUE]:g} must be greater than min_value {config[CONF_MIN_VALUE]:g}",
            path=[CONF_MAX_VALUE],
        )
    return config


def highest(row: Entity) -> float:
    return row.high if row.slider_high is None else row.slider_high


def schema_of(row: Entity) -> cv.Schema:
    high = highest(row)
    low = max(row.low, -high)
    schema = number.number_schema(CT002Number, **look(row)).extend(
        {
            cv.Optional(CONF_MIN_VALUE, default=low): cv.float_range(min=row.low, max=row.high),
            cv.Optional(CONF_MAX_VALUE, default=high): cv.float_range(min=row.low, max=row.high),
            cv.Optional(CONF_STEP, default=row.step): cv.positive_not_null_float,
            cv.Optional(CONF_MODE, default="BOX"): cv.enum(number.NUMBER_MODES, upper=True),
        }
    )
    return cv.All(schema, validate_range)


CONFIG_SCHEMA = platform_schema("number", schema_of)


async def build(config: ConfigType, row: Entity, meter: cg.MockObj) -> cg.MockObj:
    var = await number.new_number(
        config,
        meter,
        setting_of(row, meter),
        min_value=config[CONF_MIN_VALUE],
        max_value=config[CONF_MAX_VALUE],
        step=config[CONF_STEP],
    )
    if config[CONF_MAX_VALUE] >= highest(row):
        # As much as any battery can: as good as no bound. A smaller one would look like a bound that is none.
        cg.add(var.show_no_bound_as(config[CONF_MAX_VALUE]))
    return var


async def to_code(config: ConfigType) -> None:
    await to_code_of_entry(config, "number", build)
