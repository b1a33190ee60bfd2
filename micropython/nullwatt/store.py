"""config.json as the page shows and changes it: secrets stay here, nothing is written unless it is right."""

import io
import json
import os

from nullwatt import strict_json
from nullwatt.config import SECTIONS, Settings
from nullwatt.keys import ConfigError

NEW = ".new"
_NO_ROOM = 28  # errno has no name for it here
_AT_ONCE = 128
#: Keys that say whom a secret is told: when one changes, the secret has to be typed again.
_ADDRESSES = ("type", "host", "port", "url", "ssid", "user")


def read(path):
    """The document as it stands in the file, {} if there is no file; ConfigError."""
    recover(path)
    try:
        document = strict_json.load(path)
    except OSError:
        return {}
    except (ValueError, RuntimeError):
        raise ConfigError(f"{path}: is not JSON") from None
    return document if isinstance(document, dict) else {}


def exists(path):
    """Whether there is a configuration."""
    recover(path)
    return _size(path) is not None


def recover(path):
    """Finish a writing that a power cut ended between taking away the old file and naming the new one."""
    if _size(path) is not None or _size(path + NEW) is None:
        return
    try:
        strict_json.load(path + NEW)
        os.rename(path + NEW, path)
    except (OSError, ValueError, RuntimeError):
        pass  # cut off, and no older one: as if there had never been one


def check(document):
    """Settings and meter as they are made at start, and whether the core takes its options; ConfigError."""
    from nullwatt.core import Config
    from nullwatt.meters import build
    from nullwatt.option_rows import Rows

    settings = Settings(document, Rows())
    meter = None if settings.meter is None else build(settings.meter)
    try:
        Config(**settings.ct002)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"ct002: {error}") from None
    return settings, meter


def write(path, document):
    """Replace the file; whatever happens, the old or the new one is there, whole. OSError: the old one is."""
    made = path + NEW
    try:
        with open(made, "wb") as file:
            count = _Count(file)
            json.dump(document, count)
            count.write_out()
            file.flush()
        if _size(made) != count.bytes:
            raise OSError(_NO_ROOM)
    except OSError:
        try:
            os.remove(made)
        except OSError:
            pass  # it could not even be made
        raise
    _sync()
    try:
        os.rename(made, path)
    except OSError:  # FAT does not replace; `recover` knows
        os.remove(path)
        os.rename(made, path)
    _sync()


def merge(old, new):
    """The document with whole sections replaced, and the secrets that were told anew.

    A section of None goes away. Of a secret, empty or left out keeps it, None forgets it; it is forgotten too when
    its section turns to another address, so that nobody can have it sent there.

    Returns:
        The document, and the names of the secrets that were forgotten without being asked to.
    """
    merged = dict(old)
    forgotten = []
    for name, section in new.items():
        before = old.get(name)
        if section is None:
            merged.pop(name, None)
            continue
        merged[name] = section
        if not isinstance(section, dict) or not isinstance(before, dict):
            continue
        section = merged[name] = dict(section)
        same = all(section.get(key) == before.get(key) for key in _ADDRESSES)
        for key in secrets_of(name, before):
            if key in section and section[key] is None:
                del section[key]
            elif not section.get(key) and before.get(key):
                if same:
                    section[key] = before[key]
                else:
                    section.pop(key, None)
                    forgotten.append(f"{name}.{key}")
    return merged, forgotten


def public(document):
    """The document without its secrets, and the names of those that are set."""
    shown, kept = {}, []
    for name, section in document.items():
        if isinstance(section, dict):
            hidden = secrets_of(name, section)
            kept += [f"{name}.{key}" for key in hidden if section.get(key)]
            section = {key: value for key, value in section.items() if key not in hidden}
        shown[name] = section
    return shown, kept


def secrets_of(name, section):
    """Keys of a section that are never shown."""
    if name == "meter":
        keys = keys_of(section.get("type"))
        if keys is None:  # nobody knows what is secret in it
            return [key for key in section if key != "type"]
    else:
        keys = SECTIONS.get(name, {})
    return [key for key in keys if keys[key].secret]


def keys_of(kind):
    """The keys of a type of meter; None if there is no such type."""
    import sys

    from nullwatt.meters import TYPES, Meter
    from nullwatt.pages import forget

    if not isinstance(kind, str):
        return None
    if kind in TYPES:
        module, name = TYPES[kind]
        module = "nullwatt.meters." + module
    elif ":" in kind:
        module, _, name = kind.partition(":")
    else:
        return None
    was_there = module in sys.modules
    try:
        found = getattr(__import__(module, None, None, (name,)), name)
        keys = dict(Meter.keys)
        keys.update(found.keys)
        return keys
    except Exception:  # a file of the user's may raise anything
        return None
    finally:
        if not was_there:
            forget(module)


class _Count(io.IOBase):
    """Gathers what goes into a file, as JSON comes letter by letter; counts it."""

    def __init__(self, file):
        self.bytes = 0
        self._file = file
        self._waiting = bytearray()

    def write(self, piece):
        self._waiting.extend(piece)
        if len(self._waiting) >= _AT_ONCE:
            self.write_out()
        return len(piece)

    def write_out(self):
        self.bytes += self._file.write(self._waiting)
        self._waiting = bytearray()


def _size(path):
    try:
        return os.stat(path)[6]
    except OSError:
        return None


def _sync():
    if hasattr(os, "sync"):
        os.sync()
