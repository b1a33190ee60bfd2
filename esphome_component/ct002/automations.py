"""Triggers, actions and conditions of `ct002`."""

from collections.abc import Callable
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import esphome.codegen as cg
import esphome.config_validation as cv
from esphome import automation
from esphome.const import CONF_ID, CONF_MODE, CONF_POWER, CONF_TARGET, CONF_TRIGGER_ID, CONF_WEIGHT
from esphome.core import ID
from esphome.cpp_generator import TemplateArgsType
from esphome.types import ConfigType

from .entity_table import ENTITIES, MODES
from .names import CONF_BATTERY, CT002Component, Setting, ct002_ns
from .tracked import battery_index, battery_name, tracked

CONF_ON_METER_LOST = "on_meter_lost"
CONF_ON_METER_BACK = "on_meter_back"

BatteryEvent = ct002_ns.enum("BatteryEvent", is_class=True)
# Key in the YAML -> event. A MAC fits into a std::string without the heap.
BATTERY_EVENTS = {
    "on_battery_appeared": BatteryEvent.APPEARED,
    "on_battery_lost": BatteryEvent.LOST,
    "on_battery_saturated": BatteryEvent.SATURATED,
}
METER_EVENTS = {CONF_ON_METER_LOST: False, CONF_ON_METER_BACK: True}
BATTERY_ARGUMENTS = [(cg.std_string, "mac"), (cg.uint8, "battery")]

BatteryTrigger = ct002_ns.class_("BatteryTrigger", automation.Trigger.template(cg.std_string, cg.uint8))
MeterTrigger = ct002_ns.class_("MeterTrigger", automation.Trigger.template())
ChangeAction = ct002_ns.class_("ChangeAction", automation.Action)
ForceRotationAction = ct002_ns.class_("ForceRotationAction", automation.Action)
MeterAvailableCondition = ct002_ns.class_("MeterAvailableCondition", automation.Condition)
ActiveControlCondition = ct002_ns.class_("ActiveControlCondition", automation.Condition)
BatteryOnlineCondition = ct002_ns.class_("BatteryOnlineCondition", automation.Condition)
BatterySaturatedCondition = ct002_ns.class_("BatterySaturatedCondition", automation.Condition)


# -- triggers --------------------------------------------------------------------------------


def trigger_schema() -> dict[cv.Optional, Any]:
    """Keys of `ct002:` that hold automations."""
    of_battery = automation.validate_automation({cv.GenerateID(CONF_TRIGGER_ID): cv.declare_id(BatteryTrigger)})
    of_meter = automation.validate_automation({cv.GenerateID(CONF_TRIGGER_ID): cv.declare_id(MeterTrigger)})
    return {cv.Optional(key): of_battery for key in BATTERY_EVENTS} | {
        cv.Optional(key): of_meter for key in METER_EVENTS
    }


async def to_code_of_triggers(var: cg.MockObj, config: ConfigType) -> None:
    for key, event in BATTERY_EVENTS.items():
        for conf in config.get(key, []):
            trigger = cg.new_Pvariable(conf[CONF_TRIGGER_ID], var, event)
            await automation.build_automation(trigger, BATTERY_ARGUMENTS, conf)
    for key, available in METER_EVENTS.items():
        for conf in config.get(key, []):
            trigger = cg.new_Pvariable(conf[CONF_TRIGGER_ID], var, available)
            await automation.build_automation(trigger, [], conf)


# -- actions ---------------------------------------------------------------------------------


def limits(key: str) -> Any:
    """What the number entity of this name may be set to."""
    (row,) = (row for row in ENTITIES if row.platform == "number" and row.key == key)
    return cv.templatable(cv.float_range(min=row.low, max=row.high))


def validate_mode(value: Any) -> str:
    if value is False:
        value = "off"  # which YAML takes for a boolean
    mode: str = cv.one_of(*MODES)(str(value).replace("_", " ").capitalize())
    return mode


BATTERY = cv.templatable(battery_name)


@dataclass(frozen=True)
class Change:
    """An action that changes one setting.

    Attributes:
        setting: Its name in C++.
        keys: What must be said: key -> validator. The first one may stand alone.
        value_of: Finds the value, perhaps a lambda, in the validated configuration.
    """

    setting: str
    keys: dict[str, Any]
    value_of: Callable[[ConfigType], Any]


CHANGES = {
    "set_grid_target": Change("GRID_TARGET", {CONF_TARGET: limits("grid_target")}, itemgetter(CONF_TARGET)),
    "set_manual_target": Change(
        "MANUAL_TARGET", {CONF_BATTERY: BATTERY, CONF_TARGET: limits("manual_target")}, itemgetter(CONF_TARGET)
    ),
    "set_weight": Change("WEIGHT", {CONF_BATTERY: BATTERY, CONF_WEIGHT: limits("weight")}, itemgetter(CONF_WEIGHT)),
    "set_mode": Change(
        "MODE", {CONF_BATTERY: BATTERY, CONF_MODE: validate_mode}, lambda conf: float(MODES.index(conf[CONF_MODE]))
    ),
    "set_max_charge": Change(
        "MAX_CHARGE", {CONF_BATTERY: BATTERY, CONF_POWER: limits("max_charge")}, itemgetter(CONF_POWER)
    ),
    "set_max_discharge": Change(
        "MAX_DISCHARGE", {CONF_BATTERY: BATTERY, CONF_POWER: limits("max_discharge")}, itemgetter(CONF_POWER)
    ),
    "enable_battery": Change("ACTIVE", {CONF_BATTERY: BATTERY}, lambda conf: 1.0),
    "disable_battery": Change("ACTIVE", {CONF_BATTERY: BATTERY}, lambda conf: 0.0),
}


def register_change(name: str, change: Change) -> None:
    keys = {cv.Required(key): validator for key, validator in change.keys.items()}
    schema = automation.maybe_conf(
        next(iter(change.keys)), cv.Schema({cv.GenerateID(): cv.use_id(CT002Component), **keys})
    )

    @automation.register_action(f"ct002.{name}", ChangeAction, schema, synchronous=True)
    async def to_code(
        config: ConfigType, action_id: ID, template_arg: cg.TemplateArguments, args: TemplateArgsType
    ) -> cg.MockObj:
        meter = await cg.get_variable(config[CONF_ID])
        var = cg.new_Pvariable(action_id, template_arg, meter, getattr(Setting, change.setting))
        cg.add(var.set_value(await cg.templatable(change.value_of(config), args, cg.float_)))
        tracked().changes = True
        battery = config.get(CONF_BATTERY)
        if battery is None:
            tracked().house_settings.add(change.setting.lower())
        elif cg.is_template(battery):
            cg.add(var.set_battery_name(await cg.templatable(battery, args, cg.std_string)))
        else:
            cg.add(var.set_battery(battery_index(battery)))
        return var


for name, change in CHANGES.items():
    register_change(name, change)

SIMPLE = cv.Schema({cv.GenerateID(): cv.use_id(CT002Component)})


@automation.register_action("ct002.force_rotation", ForceRotationAction, SIMPLE, synchronous=True)
@automation.register_condition("ct002.meter_available", MeterAvailableCondition, SIMPLE)
@automation.register_condition("ct002.active_control", ActiveControlCondition, SIMPLE)
async def to_code_of_simple(
    config: ConfigType, new_id: ID, template_arg: cg.TemplateArguments, args: TemplateArgsType
) -> cg.MockObj:
    return cg.new_Pvariable(new_id, template_arg, await cg.get_variable(config[CONF_ID]))


# -- conditions ------------------------------------------------------------------------------

ABOUT_BATTERY = automation.maybe_conf(
    CONF_BATTERY,
    cv.Schema({cv.GenerateID(): cv.use_id(CT002Component), cv.Required(CONF_BATTERY): BATTERY}),
)


@automation.register_condition("ct002.battery_online", BatteryOnlineCondition, ABOUT_BATTERY)
@automation.register_condition("ct002.battery_saturated", BatterySaturatedCondition, ABOUT_BATTERY)
async def to_code_of_condition(
    config: ConfigType, condition_id: ID, template_arg: cg.TemplateArguments, args: TemplateArgsType
) -> cg.MockObj:
    var = cg.new_Pvariable(condition_id, template_arg, await cg.get_variable(config[CONF_ID]))
    battery = config[CONF_BATTERY]
    if not cg.is_template(battery):
        battery_index(battery)
    cg.add(var.set_battery(await cg.templatable(battery, args, cg.std_string)))
    return var
