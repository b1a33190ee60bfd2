"""Block `bluetooth:`: the Marstek app adds the board by "Add device"."""

from collections.abc import Iterator
from typing import Any

import esphome.codegen as cg
import esphome.config_validation as cv
from esphome import automation
from esphome.components import sensor
from esphome.const import CONF_ID
from esphome.core import CORE, ID, TimePeriod
from esphome.cpp_generator import TemplateArgsType
from esphome.types import ConfigType

from .names import ct002_ns

KEY = "bluetooth"
AUTO_LOAD = ["esp32_ble_server"]
FILES = {"bluetooth.cpp": "USE_CT002_BLUETOOTH"}

CONF_ALLOW_WIFI_CHANGE = "allow_wifi_change"
CONF_ALLOW_DIRECTION_CHANGE = "allow_direction_change"
CONF_PAIRING_WINDOW = "pairing_window"
CONF_BLE_ID = "ble_id"
CONF_BLE_SERVER_ID = "ble_server_id"
VOLTAGE_SENSORS = ("voltage_sensor_l1", "voltage_sensor_l2", "voltage_sensor_l3")

LONGEST_WINDOW = TimePeriod(hours=24)
NO_RADIO = ("ESP32S2", "ESP32P4")
# In the place of the names in esp32_ble and esp32_ble_server: importing these on other platforms, and for every user
# without Bluetooth, would be in vain.
ESP32BLE = cg.esphome_ns.namespace("esp32_ble").class_("ESP32BLE", cg.Component)
BLEServer = cg.esphome_ns.namespace("esp32_ble_server").class_("BLEServer", cg.Component)
Bluetooth = ct002_ns.class_("Bluetooth", cg.Component)
OpenPairingWindowAction = ct002_ns.class_("OpenPairingWindowAction", automation.Action)

BLOCK = cv.Schema(
    {
        cv.GenerateID(): cv.declare_id(Bluetooth),
        cv.GenerateID(CONF_BLE_ID): cv.use_id(ESP32BLE),
        cv.GenerateID(CONF_BLE_SERVER_ID): cv.use_id(BLEServer),
        cv.Optional(CONF_ALLOW_WIFI_CHANGE, default=False): cv.boolean,
        cv.Optional(CONF_ALLOW_DIRECTION_CHANGE, default=False): cv.boolean,
        cv.Optional(CONF_PAIRING_WINDOW, default="0s"): cv.All(
            cv.positive_time_period_milliseconds, cv.Range(max=LONGEST_WINDOW)
        ),
        **{cv.Optional(key): cv.use_id(sensor.Sensor) for key in VOLTAGE_SENSORS},
    }
)


def validate_board() -> None:
    if not CORE.is_esp32:
        raise cv.Invalid(f"Bluetooth needs a board of the ESP32 family, not '{CORE.target_platform}'. Remove it")
    from esphome.components.esp32 import get_esp32_variant

    variant = get_esp32_variant()
    if variant in NO_RADIO:
        raise cv.Invalid(f"the {variant} has no Bluetooth radio of its own. Remove the block, or take another board")


def validate(config: Any) -> Any:
    """The block, or False: a boolean is its short form, and may be a text that came from a substitution."""
    if config is None:
        config = {}
    if not isinstance(config, dict):
        if not cv.boolean(config):
            return False
        config = {}
    validate_board()
    return BLOCK(config)


SCHEMA = validate


def final_validate(config: ConfigType, whole: ConfigType) -> Iterator[str]:
    block = config[KEY]
    if opens_window() and not block[CONF_PAIRING_WINDOW].total_milliseconds:
        raise cv.Invalid(
            f"ct002.open_pairing_window opens the window for the time of {CONF_PAIRING_WINDOW}, which is 0s. Set it, "
            f"for example {CONF_PAIRING_WINDOW}: 5min",
            path=[CONF_PAIRING_WINDOW],
        )
    wifi = whole.get("wifi", {})
    if str(wifi.get("power_save_mode", "")).upper() == "NONE":
        yield (
            "wifi: power_save_mode none does not go with Bluetooth: they share one radio, which takes turns only while "
            "Wi-Fi may sleep, and ESP-IDF stops a board where it may not. Take light"
        )
    if config["ct_mac"] and int(config["ct_mac"][1], 16) % 2:
        yield (
            f"ct_mac {config['ct_mac']} is no address a radio can have, as its first byte is odd: the app can add the "
            "board but not reconnect to it"
        )
    if block[CONF_ALLOW_WIFI_CHANGE] and "wifi" not in whole:
        yield f"{KEY}: {CONF_ALLOW_WIFI_CHANGE} is without effect: the board has no wifi"
    if block[CONF_ALLOW_DIRECTION_CHANGE] and config["ct_type"] == "HME-3":
        yield f"{KEY}: {CONF_ALLOW_DIRECTION_CHANGE} is without effect: only a CT002 (ct_type HME-4) has it"
    if any(key in whole for key in ("improv_ble", "esp32_improv")):
        yield (
            "Improv and the app share one Bluetooth advertisement: while Improv waits for credentials, the app may not "
            "find the board"
        )


async def to_code(meter: cg.MockObj, config: ConfigType) -> None:
    from esphome.components import esp32_ble

    block = config[KEY]
    cg.add_define("USE_CT002_BLUETOOTH")
    ble = await cg.get_variable(block[CONF_BLE_ID])
    server = await cg.get_variable(block[CONF_BLE_SERVER_ID])
    var = cg.new_Pvariable(block[CONF_ID], meter, ble, server)
    await cg.register_component(var, block)
    esp32_ble.register_gatts_event_handler(ble, var)
    if registration := config.get("marstek_registration"):
        cg.add((await cg.get_variable(registration[CONF_ID])).set_bluetooth(var))
    for key in (CONF_ALLOW_WIFI_CHANGE, CONF_ALLOW_DIRECTION_CHANGE):
        if block[key]:
            cg.add(getattr(var, f"set_{key}")(True))
    if window_ms := block[CONF_PAIRING_WINDOW].total_milliseconds:
        cg.add(var.set_pairing_window(int(window_ms)))
    for phase, key in enumerate(VOLTAGE_SENSORS):
        if key in block:
            cg.add(var.set_voltage_sensor(phase, await cg.get_variable(block[key])))


# -- action ----------------------------------------------------------------------------------

OPENS_WINDOW = "ct002_opens_pairing_window"


def opens_window() -> bool:
    return bool(CORE.data.get(OPENS_WINDOW))


def note_action(config: ConfigType) -> ConfigType:
    CORE.data[OPENS_WINDOW] = True
    return config


@automation.register_action(
    "ct002.open_pairing_window",
    OpenPairingWindowAction,
    cv.All(automation.maybe_simple_id({cv.GenerateID(): cv.use_id(Bluetooth)}), note_action),
    synchronous=True,
)
async def open_pairing_window_to_code(
    config: ConfigType, action_id: ID, template_arg: cg.TemplateArguments, args: TemplateArgsType
) -> cg.MockObj:
    return cg.new_Pvariable(action_id, template_arg, await cg.get_variable(config[CONF_ID]))
