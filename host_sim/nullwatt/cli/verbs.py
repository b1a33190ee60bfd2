"""The verbs of the command line, each loaded when it is asked for: most need little of what all need together."""

from collections.abc import Iterator, Mapping, MutableMapping
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_command, get_group

#: Module below `nullwatt.cli` and name there, of a function or of a `Typer` with verbs of its own.
_WHERE: Mapping[str, tuple[str, str]] = {
    "demo": ("demo", "demo"),
    "dash": ("dash", "dash"),
    "emulator": ("emulator", "emulator"),
    "mqtt-check": ("mqtt_check", "mqtt_check"),
    "node": ("node", "node"),
    "lab": ("lab", "lab"),
    "sim": ("sim", "sim"),
    "twin": ("twin", "twin"),
}


def _load(name: str) -> Any:
    module, attribute = _WHERE[name]
    verb = getattr(import_module(f"nullwatt.cli.{module}"), attribute)
    if isinstance(verb, typer.Typer):
        group = get_group(verb)
        group.name = name
        return group
    alone = typer.Typer(add_completion=False)
    alone.command(name)(verb)
    return get_command(alone)


class _Loaded(MutableMapping[str, Any]):
    def __init__(self) -> None:
        self._commands: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._commands:
            self._commands[name] = _load(name)
        return self._commands[name]

    def __setitem__(self, name: str, command: Any) -> None:
        self._commands[name] = command

    def __delitem__(self, name: str) -> None:
        del self._commands[name]

    def __iter__(self) -> Iterator[str]:
        return iter(_WHERE)

    def __len__(self) -> int:
        return len(_WHERE)


class Verbs(TyperGroup):
    """The group of all verbs."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = _Loaded()
