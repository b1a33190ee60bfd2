"""The unit of the grid sensors: values in kW, MW and mW become watts, everything else that is not power is refused."""

import re
from typing import Any

import esphome.config_validation as cv
from esphome.const import CONF_FILTERS, CONF_ID, CONF_MULTIPLY, CONF_NAME, CONF_UNIT_OF_MEASUREMENT
from esphome.core import ID
from esphome.types import ConfigType

CONF_ENTITY_ID = "entity_id"

WATTS = {"W": 1.0, "kW": 1e3, "MW": 1e6, "mW": 1e-3}
# Written otherwise, but without doubt. MW and mW differ by nine digits: there the case must be right.
OTHER_SPELLINGS = {"w": "W", "watt": "W", "watts": "W", "kw": "kW", "kilowatt": "kW", "kilowatts": "kW"}

# Filters of a sensor that may hide a conversion to watts.
RESCALING_FILTERS = ("lambda", "calibrate_linear", "calibrate_polynomial")


def declaration(full_config: Any, sensor_id: ID) -> ConfigType:
    """The configuration of a sensor, wherever it is declared."""
    return full_config.get_config_for_path(full_config.get_path_for_id(sensor_id)[:-1])


def unit_of(declared: ConfigType) -> str | None:
    """Unit of a sensor, spelt as in WATTS if it is one of them; None = it has none."""
    unit = declared.get(CONF_UNIT_OF_MEASUREMENT, "").strip()
    return OTHER_SPELLINGS.get(unit.lower(), unit) or None


def own_filters(declared: ConfigType) -> list[ConfigType]:
    return [entry for entry in declared.get(CONF_FILTERS) or [] if isinstance(entry, dict)]


def converts_itself(declared: ConfigType, watts: float) -> bool:
    """Whether the sensor's own filters already make watts, and only its label is a left-over."""
    factors = (entry.get(CONF_MULTIPLY) for entry in own_filters(declared))
    return watts != 1.0 and any(isinstance(factor, (int, float)) and abs(factor) == watts for factor in factors)


def factor_to_watts(declared: ConfigType) -> float:
    watts = WATTS.get(unit_of(declared) or "W", 1.0)
    return 1.0 if converts_itself(declared, watts) else watts


def looks_like_kilowatts(declared: ConfigType) -> bool:
    """Whether a sensor without a unit is called like one in kW."""
    names = (str(declared.get(key, "")) for key in (CONF_ID, CONF_NAME, CONF_ENTITY_ID))
    return any(re.search(r"(?<![a-z])kw(?![a-z])|kilowatt(?!_?hour)", name.lower()) for name in names)


def check(full_config: Any, key: str, sensor_id: ID) -> str | None:
    """Refuses a sensor that does not measure power; returns a warning, if there is one.

    Raises:
        cv.Invalid: Names the sensor, its unit and the allowed ones.
    """
    declared = declaration(full_config, sensor_id)
    unit = unit_of(declared)
    if unit is None:
        if not looks_like_kilowatts(declared):
            return None
        return (
            f"{key}: sensor '{sensor_id}' has no unit and is called like one in kW; its values are taken as W. "
            "Say what they are with unit_of_measurement: kW (or W)"
        )
    if unit not in WATTS:
        raise cv.Invalid(
            f"{key}: sensor '{sensor_id}' has the unit {unit}, but the meter's power is needed; allowed: "
            f"{', '.join(WATTS)}",
            path=[key],
        )
    if converts_itself(declared, WATTS[unit]):
        return (
            f"{key}: sensor '{sensor_id}' has the unit {unit} and a filter that multiplies by {WATTS[unit]:g}; its "
            "values are taken as W. Say so with unit_of_measurement: W, or remove the filter"
        )
    if WATTS[unit] != 1.0 and any(name in entry for entry in own_filters(declared) for name in RESCALING_FILTERS):
        return (
            f"{key}: sensor '{sensor_id}' has the unit {unit}; what its filters deliver is multiplied by "
            f"{WATTS[unit]:g}. If they deliver W, set unit_of_measurement: W"
        )
    return None
