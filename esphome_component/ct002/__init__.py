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
from esphome.const import CONF_ID, CONF_PLATFORM, CONF_PORT, PLATFORM_ESP32, PLATFORM_HOST
from esphome.core import CORE, ID
from esphome.coroutine import CoroPriority, coroutine_with_priority
from esphome.loader import install_meta_finder
from esphome.types import ConfigType

# A user lists `components: [ct002]` only; its sibling must be found all the same.
install_meta_finder(Path(__file__).parent.parent, allowed_components=["ct002_core"])

from esphome.components.ct002_core import left_out, not_asked_for, options  # noqa: E402

from . import power_sensor  # noqa: E402
from .advice import advice  # noqa: E402
from .automations import to_code_of_triggers, trigger_schema  # noqa: E402
from .names import ON_FIRST_PAGE, CT002Component  # noqa: E402
from .option_schema import FILTER_STAGES, as_member, as_number, block_schema, chosen, misplaced  # noqa: E402
from .services import auto_load, files, service_schema, to_code_of_services, warnings  # noqa: E402
from .tracked import to_code_of_tracked, tracked  # noqa: E402

_LOGGER = logging.getLogger(__name__)

CODEOWNERS: list[str] = []
DEPENDENCIES = ["network", "sensor"]
# No MULTI_CONF: batteries cannot be told another port, so nobody would poll a second meter on this device.


def AUTO_LOAD(config: ConfigType) -> list[str]:  # noqa: N802
    return ["socket", "ct002_core", *auto_load(config)]


CONF_POWER_SENSOR_L1 = "power_sensor_l1"
CONF_POWER_SENSOR_L2 = "power_sensor_l2"
CONF_POWER_SENSOR_L3 = "power_sensor_l3"
CONF_UDP_PORT = "udp_port"
CONF_TEST_CONTROL_PORT = "test_control_port"

POWER_SENSORS = (CONF_POWER_SENSOR_L1, CONF_POWER_SENSOR_L2, CONF_POWER_SENSOR_L3)
# Efficiency mode is on when one of these is above 0.
EFFICIENCY_SWITCHES = ("min_efficient_power", "min_efficient_charge", "min_efficient_discharge")
PLATFORMS = (PLATFORM_ESP32, PLATFORM_HOST)


def validate_platform(config: Any) -> Any:
    if CORE.target_platform not in PLATFORMS:
        raise cv.Invalid(
            f"ct002 does not support {CORE.target_platform}. It runs on the ESP32 family (any variant with a network), "
            "and on 'host' for tests"
        )
    return config


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
    misplaced(()),
    cv.Schema(
        {
            cv.GenerateID(): cv.declare_id(CT002Component),
            cv.Required(CONF_POWER_SENSOR_L1): cv.use_id(sensor.Sensor),
            cv.Optional(CONF_POWER_SENSOR_L2, visibility=ON_FIRST_PAGE): cv.use_id(sensor.Sensor),
            cv.Optional(CONF_POWER_SENSOR_L3, visibility=ON_FIRST_PAGE): cv.use_id(sensor.Sensor),
            **block_schema(),
            **service_schema(),
            **trigger_schema(),
            cv.Optional(CONF_TEST_CONTROL_PORT, visibility=cv.Visibility.YAML_ONLY): cv.port,
        }
    ).extend(cv.COMPONENT_SCHEMA),
    validate_phases,
    consume_sockets,
)


def final_validate(config: ConfigType) -> None:
    validate_ports(config)
    notes = [power_sensor.check(fv.full_config.get(), key, config[key]) for key in POWER_SENSORS if key in config]
    if CONF_TEST_CONTROL_PORT in config:
        notes.append(f"{CONF_TEST_CONTROL_PORT} lets anyone on the network steer the batteries; use it for tests only")
    if CONF_POWER_SENSOR_L2 not in config:
        notes += [
            f"sensor {key}: the meter has one phase, so this one stays unknown; remove it"
            for entry in fv.full_config.get().get("sensor", [])
            for key in ("grid_power_l2", "grid_power_l3")
            if entry.get(CONF_PLATFORM) == "ct002" and key in entry
        ]
    for warning in (*notes, *advice(config), *warnings(config, fv.full_config.get())):
        if warning is not None:
            _LOGGER.warning("ct002: %s", warning)


def validate_ports(config: ConfigType) -> None:
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

OPTIONAL_FILES = {
    "test_control.cpp": "USE_CT002_TEST_CONTROL",
    "batteries.cpp": "USE_CT002_BATTERIES",
    "house_settings.cpp": "USE_CT002_HOUSE_SETTINGS",
    "setting.cpp": "USE_CT002_SETTINGS",
}


def FILTER_SOURCE_FILES() -> list[str]:  # noqa: N802
    return not_asked_for(OPTIONAL_FILES | files())


async def to_code(config: ConfigType) -> None:
    var = cg.new_Pvariable(config[CONF_ID])
    await cg.register_component(var, config)
    for phase, key in enumerate(POWER_SENSORS):
        if key in config:
            await add_power_sensor(var, phase, config[key])
    for option, value in chosen(config):
        cg.add(getattr(var, f"set_{option.key}")(as_member(option, value)))
    if changed := changed_options(config):
        cg.add(var.set_changed_options("\n".join(changed)))
    if CONF_TEST_CONTROL_PORT in config:
        cg.add_define("USE_CT002_TEST_CONTROL")
        cg.add(var.set_test_control_port(config[CONF_TEST_CONTROL_PORT]))
    await to_code_of_services(var, config)
    await to_code_of_triggers(var, config)
    CORE.add_job(to_code_at_last, var, config)


@coroutine_with_priority(CoroPriority.FINAL)
async def to_code_at_last(var: cg.MockObj, config: ConfigType) -> None:
    """What depends on all entities and automations."""
    to_code_of_tracked(var)
    if CONF_TEST_CONTROL_PORT not in config:
        leave_out_unused(config)


async def add_power_sensor(var: cg.MockObj, phase: int, sensor_id: ID) -> None:
    cg.add(var.set_power_sensor(phase, await cg.get_variable(sensor_id)))
    declared = power_sensor.declaration(CORE.config, sensor_id)
    factor = power_sensor.factor_to_watts(declared)
    if factor != 1.0:
        cg.add(var.set_power_factor(phase, factor))
    if power_sensor.unit_of(declared) is None:
        cg.add(var.watch_unit(phase))


def changed_options(config: ConfigType) -> list[str]:
    """What dump_config() prints. Made here because only what was changed then needs room in the flash."""
    defaults = {option.key: option.default for option in options.load()}
    return [
        f"{'.'.join(option.path)}: {str(value).lower() if isinstance(value, bool) else value}"
        for option, value in chosen(config)
        if option.group and as_number(option, value) != defaults[option.key]
    ]


def leave_out_unused(config: ConfigType) -> None:
    """What is not configured is not compiled. The test channel can switch everything on, so there all of it stays."""
    unused = [stage for stage in FILTER_STAGES if stage not in config.get("filters", {})]
    at_run_time = tracked().house_settings & set(EFFICIENCY_SWITCHES)
    if not at_run_time and not any(config.get("balancer", {}).get(key) for key in EFFICIENCY_SWITCHES):
        unused.append("efficiency")
    for part in unused:
        cg.add_build_flag(left_out(part))
