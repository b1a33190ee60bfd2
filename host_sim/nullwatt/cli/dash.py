"""`nullwatt dash`: a real board on the page."""

import os
import signal
from importlib.util import find_spec
from typing import Annotated

import typer

from nullwatt.cli.errors import fail

_KEY = "NULLWATT_API_KEY"
#: Exit code of what was stopped before it began; as of a shell.
_STOPPED = 130


def dash(
    device: Annotated[str, typer.Option(help="The board: HOST or HOST:PORT of ESPHome's native API.")],
    encryption_key: Annotated[
        str | None,
        typer.Option(envvar=_KEY, help="Its `api: encryption: key:`; better in the environment, unseen."),
    ] = None,
    control: Annotated[bool, typer.Option("--control", help="Let switches and numbers change the board.")] = False,
    http_host: Annotated[str, typer.Option(help="Address that the page is served on.")] = "127.0.0.1",
    http_port: Annotated[int, typer.Option(min=0, max=65535, help="TCP port of the page, 0 = a free one.")] = 8081,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Only print where the page is.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Keep trying if the board cannot be reached at first.")] = False,
) -> None:
    """Watch a real board, on a web page, until Ctrl-C.

    Exit code 1: the board cannot be watched. 2: bad input.
    """
    # Among what is loaded now is something that swallows an interrupt.
    signal.signal(signal.SIGINT, lambda number, frame: os._exit(_STOPPED))
    if find_spec("aioesphomeapi") is None:
        fail("a board is watched with the package aioesphomeapi; install nullwatt[board]", 1)
    # Only here: aioesphomeapi may be missing.
    from nullwatt.cli import dash_run
    from nullwatt.serve.board_address import BoardAddress, is_key

    try:
        address = BoardAddress.read(device)
    except ValueError as error:
        fail(f"--device {error}")
    if encryption_key and not is_key(encryption_key):
        # Never the value: it would stay in a log.
        fail(f"--encryption-key ({_KEY}): must be 32 bytes in base64, as under `api: encryption: key:` in the YAML")
    how = dash_run.How(encryption_key or None, control, http_host, http_port, not no_browser, wait)
    dash_run.run(address, how)
