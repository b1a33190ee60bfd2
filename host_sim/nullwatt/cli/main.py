"""Entry point: turns usage errors into one line."""

import re
import sys
from typing import Annotated

import typer
from typer.exceptions import Abort, TyperException

import nullwatt
from nullwatt.cli.errors import fail
from nullwatt.cli.verbs import Verbs

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, cls=Verbs)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"nullwatt {nullwatt.__version__}")
        raise typer.Exit


@app.callback()
def _top(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """A smart meter that holds the grid of a home with batteries at zero."""


def _with_value(message: str, arguments: list[str]) -> str:
    """The message, with the value that was given for the option it names."""
    named = re.search(r"^Invalid value for '(--[a-z-]+)'", message)
    if named:
        option = named[1]
        for argument, following in zip(arguments, [*arguments[1:], ""], strict=True):
            value = following if argument == option else argument.removeprefix(option + "=")
            if argument == option or argument.startswith(option + "="):
                message = message.replace(named[0], f"Invalid value {value!r} for '{option}'")
    return message.rstrip(".")


def main() -> None:
    """Runs the command line; never a traceback for a mistake in it."""
    try:
        code = app(standalone_mode=False)
    except TyperException as error:
        fail(f"{_with_value(error.format_message(), sys.argv)}; see nullwatt --help", error.exit_code)
    except Abort:
        fail("stopped", 130)
    sys.exit(code if isinstance(code, int) else 0)
