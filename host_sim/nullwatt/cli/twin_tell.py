"""`nullwatt twin add`, `remove`, `reload`: assets come and go while `nullwatt twin serve` runs."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from nullwatt.cli.errors import fail
from nullwatt.cli.twin_control import ask, socket_of

SiteFile = Annotated[Path, typer.Option("--config", "-c", help="Site file, JSON or YAML.")]
ControlSocket = Annotated[
    Path | None, typer.Option("--control", help="Socket for add, remove and reload. Default: found by the site file.")
]


def add(
    asset: Annotated[str, typer.Argument(help="As in a site file: {...}, or a file, JSON or YAML.")],
    config: SiteFile,
    control: ControlSocket = None,
) -> None:
    """Add an asset to the site that is being served."""
    inline = asset.lstrip().startswith("{")
    document, name = (_inline(asset), "asset") if inline else (_file(asset), asset)
    _order(config, control, {"order": "add", "asset": document, "name": name})


def _inline(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError as error:
        fail(f"asset: is not JSON: {error}")


def _file(path: str) -> object:
    from nullwatt.home import ConfigError, read_document

    try:
        return read_document(path)
    except ConfigError as error:
        fail(str(error))


def remove(
    asset_id: Annotated[str, typer.Argument(help="Its asset_id; `bess-1` and so on where the file has none.")],
    config: SiteFile,
    control: ControlSocket = None,
) -> None:
    """Remove an asset from the site that is being served."""
    _order(config, control, {"order": "remove", "asset_id": asset_id})


def reload(config: SiteFile, control: ControlSocket = None) -> None:
    """Have the site that is being served read its file again: assets that differ come, go or change."""
    _order(config, control, {"order": "reload"})


def _order(config: Path, control: Path | None, order: dict[str, Any]) -> None:
    try:
        done = ask(control or socket_of(config), order)
    except (FileNotFoundError, ConnectionRefusedError):
        fail(f"{control or config}: no `nullwatt twin serve` runs with it")
    except OSError as error:
        fail(f"{control or config}: it cannot be told: {error.strerror or error}")
    except ValueError as error:
        fail(str(error))
    for line in done:
        print(line)
