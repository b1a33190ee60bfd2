"""`nullwatt twin run`: a scenario of a site, as fast as it goes, and what it says of it."""

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from nullwatt.cli.errors import fail
from nullwatt.cli.twin_modbus import require_modbus

if TYPE_CHECKING:
    from nullwatt.lab.twin import SiteResult, SiteScenario

_WIDTH = 120  # of output that goes to a file or a pipe


def run(
    scenario: Annotated[
        str | None, typer.Argument(help="Scenario file, or the name of one that comes along. Default: lists those.")
    ] = None,
    config: Annotated[Path | None, typer.Option("--config", "-c", help="Site file instead of its own.")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", help="Change the site: ASSET.KEY=VALUE, such as store.ramp_rate_kw_per_s=20 (repeatable)."
        ),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of the site. Default: the one in the file.")] = None,
    no_controller: Annotated[
        bool, typer.Option("--no-controller", help="Without the stand-in for an energy management system.")
    ] = False,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write everything to this file as JSON.")] = None,
    csv_file: Annotated[Path | None, typer.Option("--csv", help="Write what was recorded to this file.")] = None,
    show: Annotated[bool, typer.Option("--show", help="Print the scenario file, to begin your own with.")] = False,
) -> None:
    """Play a scenario of a site as fast as it goes, and judge it.

    Exit code 0: every expectation held. 1: at least one FAIL. 2: bad input.
    """
    require_modbus()
    if scenario is None:
        _list()
        return
    if show:
        print(_path(scenario).read_text(encoding="utf-8"), end="")
        return
    from nullwatt.lab.twin import run_site

    changes = {**changed(settings), **({} if seed is None else {"seed": seed})}
    result = run_site(loaded(scenario, config, changes), not no_controller)
    code = tell(result)
    _write("--json", json_file, lambda: json.dumps(result.to_json(), indent=1) + "\n")
    _write("--csv", csv_file, result.to_csv)
    raise typer.Exit(code)


def loaded(scenario: str, config: Path | None, changes: Mapping[str, object]) -> "SiteScenario":
    """The scenario of that name or file; ends the program if it cannot be used."""
    from nullwatt.home import ConfigError
    from nullwatt.lab.twin import load_site_scenario

    try:
        return load_site_scenario(_path(scenario), config, changes)
    except ConfigError as error:
        fail(str(error))


def changed(settings: list[str] | None) -> dict[str, object]:
    """What `--set` says."""
    values: dict[str, object] = {}
    for setting in settings or ():
        key, separator, text = setting.partition("=")
        if not separator or not key:
            fail(f"--set {setting}: must be ASSET.KEY=VALUE, such as store.ramp_rate_kw_per_s=20")
        try:
            values[key] = json.loads(text)
        except ValueError:
            values[key] = text
    return values


def tell(result: "SiteResult") -> int:
    """Print what was expected and what was found; returns the exit code."""
    console = Console(width=None if sys.stdout.isatty() else _WIDTH, highlight=False)
    scenario = result.scenario
    if scenario.title:
        console.print(f"{scenario.name}: {scenario.title}", markup=False, soft_wrap=True)
    for each in result.judged:
        if each.rows:
            console.print(_table(each.rows))
    if result.controller:
        controls = scenario.controller
        assert controls is not None
        told = f"controlled by the stand-in ({controls.setpoint} of {controls.asset}): {result.controller}"
        console.print(told, markup=False, soft_wrap=True)
    for each in result.judged:
        outcome = each.outcome
        print(f"{'ok  ' if outcome.ok else 'FAIL'} {scenario.name}: {outcome.text}: {outcome.found}")
    print(f"{result.failed} of {len(result.judged)} expectations failed")
    return 1 if result.failed else 0


def _table(rows: tuple[dict[str, object], ...]) -> Table:
    """Steps and ramps, one per line."""
    table = Table("from s", "grid Hz", title="frequency response")
    for heading in ("required", "measured", "off by at most", "half s", "all s", "held s"):
        table.add_column(heading, justify="right")
    table.add_column("")
    for row in rows:
        still = row["from_hz"] == row["to_hz"]
        grid = f"{row['to_hz']:.5g}" if still else f"{row['from_hz']:.5g} -> {row['to_hz']:.5g}"
        kind = {"ramp": " ramp"}.get(str(row["kind"]), "")
        numbers = (f"{row[key]:.1f}" for key in ("required", "measured", "deviation"))
        times = ("" if row[key] is None else f"{row[key]:.1f}" for key in ("half_s", "full_s", "held_s"))
        verdict = "PASS" if row["ok"] else "[bold red]FAIL[/]"
        if row["kind"] == "step" and (row["half_s"] is None or row["full_s"] is None):
            times = ("never" if row[key] is None else f"{row[key]:.1f}" for key in ("half_s", "full_s"))
            table.add_row(f"{row['from_s']:g}", grid + kind, *numbers, *times, "", verdict)
        else:
            table.add_row(f"{row['from_s']:g}", grid + kind, *numbers, *times, verdict)
    return table


def _list() -> None:
    from nullwatt.lab.twin import load_site_scenario, shipped_site_scenarios

    table = Table("scenario", "length s", "what it is")
    for name, path in shipped_site_scenarios().items():
        scenario = load_site_scenario(path)
        table.add_row(name, f"{scenario.duration_s:g}", scenario.title)
    Console(width=None if sys.stdout.isatty() else _WIDTH).print(table)


def _path(scenario: str) -> Path:
    from difflib import get_close_matches

    from nullwatt.lab import SUFFIXES
    from nullwatt.lab.twin import shipped_site_scenarios

    files = shipped_site_scenarios()
    if scenario in files:
        return files[scenario]
    if not scenario.endswith(SUFFIXES) and "/" not in scenario:
        near = get_close_matches(scenario, files, n=1, cutoff=0.0)[0]
        fail(f"there is no scenario {scenario!r}; the nearest is {near!r}, files end in {', '.join(SUFFIXES)}")
    return Path(scenario)


def _write(option: str, path: Path | None, text: Callable[[], str]) -> None:
    if path is None:
        return
    try:
        path.write_text(text(), encoding="utf-8")
    except OSError as error:
        fail(f"{option} {path}: cannot be written: {error.strerror or error}")
