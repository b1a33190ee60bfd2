"""ESPHome's `mqtt` for the host, where ESPHome has none: the shipped schema, over libmosquitto.

For tests only. A component of this name takes the place of the shipped one. The broker's port comes at run time, from
the environment variable MQTT_BROKER_PORT.
"""

import importlib.util
from pathlib import Path

import esphome
import esphome.codegen as cg
import esphome.config_validation as cv
from esphome.const import CONF_BIRTH_MESSAGE, CONF_CLEAN_SESSION, CONF_ID, CONF_SHUTDOWN_MESSAGE, CONF_WILL_MESSAGE
from esphome.types import ConfigType

spec = importlib.util.spec_from_file_location(
    "esphome_mqtt_as_shipped", Path(esphome.__file__).parent / "components" / "mqtt" / "__init__.py"
)
assert spec is not None and spec.loader is not None
shipped = importlib.util.module_from_spec(spec)
spec.loader.exec_module(shipped)
# Entities ask this module for the names of their C++ classes.
globals().update({name: value for name, value in vars(shipped).items() if not name.startswith("__")})

AUTO_LOAD: list[str] = []  # its JSON library would be fetched
FILTER_SOURCE_FILES = None
# Without the list of its platforms.
CONFIG_SCHEMA = cv.All(*shipped.CONFIG_SCHEMA.validators[:2])


async def to_code(config: ConfigType) -> None:
    var = cg.new_Pvariable(config[CONF_ID])
    await cg.register_component(var, config)
    cg.add_define("USE_MQTT")
    cg.add_build_flag("-lmosquitto")
    cg.add_build_flag("-Wl,--wrap=malloc")
    cg.add(var.set_clean_session(config[CONF_CLEAN_SESSION]))
    setters = {
        CONF_BIRTH_MESSAGE: var.set_birth_message,
        CONF_WILL_MESSAGE: var.set_last_will,
        CONF_SHUTDOWN_MESSAGE: var.set_shutdown_message,
    }
    for key, setter in setters.items():
        if config[key]:
            cg.add(setter(shipped.exp_mqtt_message(config[key])))
