"""ESPHome component `ct002`: the grid meter that Marstek batteries poll.

Keys, defaults and ranges come from the option table of the core (ct002_core/options.h).
"""

import logging
from pathlib import Path
from typing import Any

import esphome.codegen as cg
import esphome.config_validation as cv
import esphome.final_validate as fv
from esphome.components import sensor, socket
from esphome.config_helpers import filter_source_files_from_defines
from esphome.const import CONF_ID, CONF_PORT, PLATFORM_ESP32, PLATFORM_HOST
from esphome.core import CORE, TimePeriod
from esphome.loader import install_meta_finder
from esphome.types import ConfigType

# A user lists `components: [ct002]` only; its sibling must be found all the same.
install_meta_finder(Path(__file__).parent.parent, allowed_components=["ct002_core"])

from esphome.components.ct002_core import options  # noqa: E402

_LOGGER = logging.getLogger(__name__)

CODEOWNERS: list[str] = []
DEPENDENCIES = ["network", "sensor"]
AUTO_LOAD = ["socket", "ct002_core"]

ct002_ns = cg.esphome_ns.namespace("ct002")
CT002Component = ct002_ns.class_("CT002Component", cg.Component)

CONF_POWER_SENSOR_L1 = "power_sensor_l1"
CONF_POWER_SENSOR_L2 = "power_sensor_l2"
CONF_POWER_SENSOR_L3 = "power_sensor_l3"
CONF_UDP_PORT = "udp_port"
CONF_TEST_CONTROL_PORT = "test_control_port"

POWER_SENSORS = (CONF_POWER_SENSOR_L1, CONF_POWER_SENSOR_L2, CONF_POWER_SENSOR_L3)
PLATFORMS = (PLATFORM_ESP32, PLATFORM_HOST)
# Times that take milliseconds; the others are whole seconds.
MILLISECOND_KEYS = frozenset({"max_sensor_age", "dedupe_window"})

TOP_LEVEL_OPTIONS = tuple(option for option in options.load() if option.group == "")


def validate_platform(config: Any) -> Any:
    if CORE.target_platform not in PLATFORMS:
        raise cv.Invalid(
            f"ct002 does not support {CORE.target_platform}. It runs on the ESP32 family (any variant with a network), "
            "and on 'host' for tests"
        )
    return config


def validate_mac(value: Any) -> str:
    expected = "'ct_mac' must be empty or a 12-hex-char MAC address (optionally separated by ':' or '-')"
    if not isinstance(value, str):
        # YAML reads bare digits as a number and drops what a number does not need.
        raise cv.Invalid(f'{expected}. Put it in quotes, for example ct_mac: "112233445566"')
    mac = value.replace(":", "").replace("-", "").lower()
    if value and (len(mac) != 12 or not set(mac) <= set("0123456789abcdef")):
        raise cv.Invalid(expected)
    return mac


def option_validator(option: options.Option) -> Any:
    """Validator of one row of the option table."""
    if option.kind == "TEXT":
        return validate_mac if option.choices == ("<mac>",) else cv.one_of(*option.choices, upper=True)
    if option.kind == "BOOL":
        return cv.boolean
    low, high = option.low, option.high
    if option.kind == "INT":
        return cv.int_range(min=None if low is None else int(low), max=None if high is None else int(high))
    if option.kind == "FLOAT":
        return cv.float_range(min=low, max=high)
    period = cv.positive_time_period_milliseconds if option.key in MILLISECOND_KEYS else cv.positive_time_period_seconds
    return period if high is None else cv.All(period, cv.Range(max=TimePeriod(seconds=int(high))))


def option_key(option: options.Option) -> cv.Optional:
    if option.default is None:
        return cv.Optional(option.key)
    return cv.Optional(option.key, default=f"{option.default:g}s" if option.kind == "SECONDS" else option.default)


def validate_phases(config: ConfigType) -> ConfigType:
    l2, l3 = config.get(CONF_POWER_SENSOR_L2), config.get(CONF_POWER_SENSOR_L3)
    if (l2 is None) != (l3 is None):
        raise cv.Invalid(
            f"power_sensor_l2 and power_sensor_l3 must both be set or both be omitted (got l2={l2}, l3={l3})"
        )
    return config


def consume_sockets(config: ConfigType) -> ConfigType:
    # Worst case: one socket for all batteries, and one for the test channel when it is asked for.
    count = 2 if CONF_TEST_CONTROL_PORT in config else 1
    socket.consume_sockets(count, "ct002", socket.SocketType.UDP)(config)
    return config


CONFIG_SCHEMA = cv.All(
    cv.require_esphome_version(2026, 6, 0),
    validate_platform,
    cv.Schema(
        {
            cv.GenerateID(): cv.declare_id(CT002Component),
            cv.Required(CONF_POWER_SENSOR_L1): cv.use_id(sensor.Sensor),
            cv.Optional(CONF_POWER_SENSOR_L2): cv.use_id(sensor.Sensor),
            cv.Optional(CONF_POWER_SENSOR_L3): cv.use_id(sensor.Sensor),
            **{option_key(option): option_validator(option) for option in TOP_LEVEL_OPTIONS},
            cv.Optional(CONF_TEST_CONTROL_PORT): cv.port,
        }
    ).extend(cv.COMPONENT_SCHEMA),
    validate_phases,
    consume_sockets,
)


def final_validate(config: ConfigType) -> None:
    if CONF_TEST_CONTROL_PORT in config:
        _LOGGER.warning(
            "%s lets anyone on the network steer the batteries; use it for tests only", CONF_TEST_CONTROL_PORT
        )
    ports = {key: config[key] for key in (CONF_UDP_PORT, CONF_TEST_CONTROL_PORT) if key in config}
    if len(set(ports.values())) < len(ports):
        raise cv.Invalid(
            f"{CONF_TEST_CONTROL_PORT} and {CONF_UDP_PORT} must differ (both are {config[CONF_UDP_PORT]})",
            path=[CONF_TEST_CONTROL_PORT],
        )
    for other in fv.full_config.get().get("udp", []):
        port = other[CONF_PORT]
        listens = port if isinstance(port, int) else port["listen_port"]
        for key, own in ports.items():
            if own == listens:
                raise cv.Invalid(f"{key} {own} is also the port of a 'udp' component; choose another one", path=[key])


FINAL_VALIDATE_SCHEMA = final_validate

FILTER_SOURCE_FILES = filter_source_files_from_defines({"test_control.cpp": "USE_CT002_TEST_CONTROL"})


async def to_code(config: ConfigType) -> None:
    var = cg.new_Pvariable(config[CONF_ID])
    await cg.register_component(var, config)
    for phase, key in enumerate(POWER_SENSORS):
        if key in config:
            cg.add(var.set_power_sensor(phase, await cg.get_variable(config[key])))
    for option in TOP_LEVEL_OPTIONS:
        if option.key in config:
            value = config[option.key]
            if option.kind == "SECONDS":
                # The core counts in 32 bit; a time beyond 24 days is as good as its longest one.
                value = min(int(value.total_milliseconds), 2**31 - 1)
            cg.add(getattr(var, f"set_{option.key}")(value))
    if CONF_TEST_CONTROL_PORT in config:
        cg.add_define("USE_CT002_TEST_CONTROL")
        cg.add(var.set_test_control_port(config[CONF_TEST_CONTROL_PORT]))
