"""Grid meters. `meter.type` in config.json names one of the table, or a file of yours: "my_meter:MyMeter"."""

from nullwatt.keys import REQUIRED, ConfigError, Key, check, hint
from nullwatt.meters.meter import Meter

__all__ = ["TYPES", "Meter", "build"]

#: Type -> module and class; a module is loaded only when it is wanted, which keeps the rest out of memory.
TYPES = {
    "shelly": ("shelly", "Shelly"),
    "tasmota": ("tasmota", "Tasmota"),
    "http": ("http_json", "HttpJson"),
    "home_assistant": ("home_assistant", "HomeAssistant"),
    "modbus": ("modbus_tcp", "ModbusTcp"),
    "mqtt": ("mqtt", "Mqtt"),
    "sml": ("sml", "Sml"),
}


def build(section):
    """The meter of a `meter` section; ConfigError, one line, for what cannot be used."""
    if not isinstance(section, dict):
        raise ConfigError("meter: must be an object with the key type")
    name = section.get("type")
    if not isinstance(name, str):
        raise ConfigError("meter: needs the key type: one of {}, or FILE:CLASS".format(", ".join(sorted(TYPES))))
    if ":" in name:
        module, _, kind = name.partition(":")
    elif name in TYPES:
        module, kind = TYPES[name]
        module = "nullwatt.meters." + module
    else:
        raise ConfigError(f'meter.type = "{name}": no such meter{hint(name, TYPES)}')
    try:
        found = getattr(__import__(module, None, None, (kind,)), kind)
    except ImportError:
        raise ConfigError(f'meter.type = "{name}": there is no file {module}.py on this board') from None
    except AttributeError:
        raise ConfigError(f'meter.type = "{name}": {module} has no class {kind}') from None
    keys = {"type": Key(str, REQUIRED)}
    keys.update(Meter.keys)
    keys.update(found.keys)
    values = check(section, keys, "meter")
    return found(values)
