"""config.json: read, checked, and what it means.

    {
      "wifi": {"ssid": "...", "password": "..."},
      "meter": {"type": "shelly", "host": "192.168.1.50"},
      "ct002": {"ct_mac": "", "balancer": {"grid_target": 0}, "filters": {"hampel": {"window": 5}}}
    }

`ct002` takes the keys and blocks of the ESPHome component; times are seconds, or texts with a unit such as "30s".
"""

from nullwatt import strict_json
from nullwatt.keys import ConfigError, Key, check, hint, show

SECTIONS = {
    "wifi": {
        "ssid": Key(str, "", high=32, help="name of the network; empty = set it up over an access point"),
        "password": Key(str, "", high=63, secret=True),
        "hostname": Key(str, "nullwatt", 1, 32),
        "country": Key(str, "", high=2, help="two letters, such as DE"),
        "setup": Key(bool, True, help="offer an access point for setting up while there is no network"),
    },
    "mqtt": {
        "host": Key(str, "", help="broker; empty = none"),
        "port": Key(int, 1883, 1, 65535),
        "user": Key(str, ""),
        "password": Key(str, "", secret=True),
        "topic": Key(str, "nullwatt", 1, 63),
        "device_id": Key(str, "device-1", 1, 63, help="name of the meter in topics and ids"),
        "discovery": Key(bool, True, help="tell Home Assistant what there is"),
        "discovery_prefix": Key(str, "homeassistant", 1, 63),
        "interval": Key(float, 5.0, 1.0, 3600.0, help="s between two states"),
    },
    "web": {
        "port": Key(int, 80, 0, 65535, help="0 = no page"),
        "password": Key(str, "", secret=True, help="asked for before anything is changed"),
    },
    "update": {
        "url": Key(str, "", help="where new versions are; empty = none"),
        "key": Key(str, "", secret=True, help="secret that signs them; empty = their hash alone counts"),
        "interval": Key(float, 86400.0, 600.0, help="s between two looks; 0 is not allowed, leave url empty instead"),
    },
    "log": {"level": Key(str, "info", choices=("debug", "info", "warning", "error"))},
    "watchdog": {"timeout": Key(float, 20.0, 0.0, 120.0, help="s without life until the board resets; 0 = none")},
}
_UNITS = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0}
#: Blocks of `ct002` -> block inside -> prefix of its options, and the option that the block alone switches on.
_FILTER_BLOCKS = {"hampel": "hampel_", "smoothing": "smoothing_", "deadband": "", "pid": "pid_"}


class Settings:
    """A checked configuration: a dict per section, `ct002` flat as `nullwatt.core.Config` takes it, `meter` as is."""

    def __init__(self, document, options):
        """options: the option table of the core. ConfigError."""
        if not isinstance(document, dict):
            raise ConfigError("config: must be an object with the keys wifi, meter, ct002")
        known = dict.fromkeys(SECTIONS)
        known.update({"ct002": None, "meter": None})
        for key in document:
            if key not in known:
                raise ConfigError(f"{key}: unknown section{hint(key, known)}")
        for name, keys in SECTIONS.items():
            setattr(self, name, check(document.get(name, {}), keys, name))
        self.meter = document.get("meter")
        self.ct002 = flatten(document.get("ct002", {}), options)


def load(path, options):
    """The settings in a file; ConfigError for one that cannot be read or used."""
    try:
        document = strict_json.load(path)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read (error {error.errno})") from None
    except (ValueError, RuntimeError):
        raise ConfigError(f"{path}: is not JSON") from None
    try:
        return Settings(document, options)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None


def flatten(section, options):
    """The `ct002` section as keyword arguments for `nullwatt.core.Config`; ConfigError.

    Keys stand in the block of their group (`balancer`, `filters`, `saturation`), as in ESPHome, or flat.
    """
    if not isinstance(section, dict):
        raise ConfigError(f"ct002 = {show(section)}: must be an object")
    groups = {}
    for option in options.values():
        groups.setdefault(option.group, []).append(option.key)
    found = {}
    for key, value in section.items():
        if key in options:
            found[key] = _typed(options[key], value, "ct002." + key)
        elif key == "filters" and isinstance(value, dict):
            _filters(value, options, found)
        elif key in groups and isinstance(value, dict):
            for name, inner in value.items():
                full = name if name in options else f"{key}_{name}"
                path = f"ct002.{key}.{name}"
                if full not in groups[key]:
                    raise ConfigError(f"{path} = {show(inner)}: unknown key{hint(name, groups[key])}")
                found[full] = _typed(options[full], inner, path)
        elif key in groups and key:
            raise ConfigError(f"ct002.{key} = {show(value)}: must be an object")
        else:
            known = [name for name in options if not options[name].group] + [name for name in groups if name]
            raise ConfigError(f"ct002.{key} = {show(value)}: unknown key{hint(key, known)}")
    return found


def _filters(section, options, found):
    for block, values in section.items():
        path = "ct002.filters." + block
        if block in options:
            found[block] = _typed(options[block], values, path)
            if not isinstance(values, dict):
                continue
        if block not in _FILTER_BLOCKS:
            raise ConfigError(f"{path}: unknown filter{hint(block, _FILTER_BLOCKS)}")
        if not isinstance(values, dict):
            raise ConfigError(f"{path} = {show(values)}: must be an object")
        prefix = _FILTER_BLOCKS[block]
        if block == "hampel" and "window" not in values:
            found["hampel_window"] = 7  # the block alone switches it on
        known = [
            name[len(prefix) :] for name in options if options[name].group == "filters" and name.startswith(prefix)
        ]
        if block == "deadband":
            known = ["deadband"]
        for name, value in values.items():
            if name not in known:
                raise ConfigError(f"{path}.{name} = {show(value)}: unknown key{hint(name, known)}")
            found[prefix + name] = _typed(options[prefix + name], value, f"{path}.{name}")


def _typed(option, value, path):
    """Times may carry a unit; everything else goes to the core as it is, which checks it."""
    if option.kind != "seconds" or not isinstance(value, str):
        return value
    number = value.strip()
    for unit in ("ms", "min", "s", "h"):
        if number.endswith(unit):
            try:
                return float(number[: -len(unit)]) * _UNITS[unit]
            except ValueError:
                break
    raise ConfigError(f'{path} = {show(value)}: must be seconds, or a text such as "30s"')
