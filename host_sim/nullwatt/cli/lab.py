"""`nullwatt lab`: run scenarios against the core and its yardsticks, and check the figures that must hold."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from nullwatt.cli.errors import fail

if TYPE_CHECKING:
    from nullwatt.lab import Scenario
    from nullwatt.lab.figures import Figure

lab = typer.Typer(help="Simulated scenarios, faster than time.", no_args_is_help=True)

_DETAILED = 4  # more scenarios than this get one line each instead of a table each
_WIDTH = 120  # of output that goes to a file or a pipe

_Jobs = Annotated[int | None, typer.Option(help="Processes. Default: one per processor.", min=1, max=64)]
_Json = Annotated[Path | None, typer.Option("--json", help="Write everything to this file as JSON.")]


@lab.callback()
def _lab() -> None:
    """Simulated scenarios, faster than time."""
    try:
        # Only here: an installation that just runs the emulator has no simulation packages.
        import nullwatt.lab  # noqa: F401
    except ModuleNotFoundError as error:
        fail(f"the lab needs the package {error.name}; install nullwatt[sim]")


@lab.command("list")
def list_() -> None:
    """Show the scenarios and the cases of the figures."""
    from nullwatt.lab import COMBINATIONS, SCENARIOS
    from nullwatt.lab.figures import CASES

    table = Table("scenario", "batteries", "length s", "what happens")
    for scenario in SCENARIOS.values():
        table.add_row(scenario.name, str(len(scenario.batteries)), str(scenario.duration_s), scenario.title)
    table.add_row(f"random_000 ... random_{COMBINATIONS - 1:03}", "1-3", "420", "drawn at random")
    table.add_row("identify_LAW_GAIN_TYPE", "1", "380", "a law under a declared type, e.g. identify_ramp_100_VNSD")
    cases = Table("case of `lab figures`", "what is judged")
    for case in CASES.values():
        cases.add_row(case.name, case.title)
    console = _console()
    console.print(table)
    console.print(cases)


@lab.command("run")
def run(
    scenarios: Annotated[
        list[str] | None, typer.Argument(help="Names or patterns such as 'steps_*'. Default: all named ones.")
    ] = None,
    seeds: Annotated[int, typer.Option(help="Seeded alignments of each scenario.", min=1, max=10_000)] = 1,
    json_file: _Json = None,
    html: Annotated[Path | None, typer.Option(help="Write a page with the traces to this file.")] = None,
    jobs: _Jobs = None,
) -> None:
    """Run scenarios on the core, the naive controller, ideal actuators and perfect foresight.

    Prints the scores side by side with the ratios of the core to the naive controller and to
    ideal actuators. More than four scenarios get one line each; --json and --html have all.
    """
    from nullwatt.lab import details_table, render_page, require_plotly, run_side_by_side, summary_table

    chosen = _scenarios(scenarios or ["*"])
    if html is not None:
        try:
            require_plotly()
        except ModuleNotFoundError:
            fail(f"--html {html}: needs the package plotly; run: pip install plotly")
    with _progress(len(chosen) * seeds) as done:
        results = run_side_by_side(chosen, seeds, jobs, done)
    console = _console()
    if len(results) <= _DETAILED:
        for result in results:
            console.print(details_table(result))
    if len(results) > 1:
        console.print(summary_table(results))
    _write("--json", json_file, lambda: json.dumps([result.to_json() for result in results], indent=1))
    _write("--html", html, lambda: render_page(results))


@lab.command("figures")
def figures_(
    case: Annotated[list[str] | None, typer.Option(help="Only this case (repeatable).")] = None,
    seeds: Annotated[int, typer.Option(help="Seeded alignments of each case.", min=1, max=10_000)] = 20,
    json_file: _Json = None,
    jobs: _Jobs = None,
) -> None:
    """Compute the figures that must hold, with their limits.

    Exit code 0: all hold. 1: at least one MISS. 2: bad input.
    """
    from nullwatt.lab.figures import CASES, figures, measurements

    for name in case or ():
        if name not in CASES:
            fail(f"--case {name}: is not a case; the nearest is {_nearest(name, list(CASES))}")
    with _progress(measurements(case, seeds)) as done:
        found = figures(case, seeds, jobs, done)
    _console().print(_figure_table(found))
    _write("--json", json_file, lambda: json.dumps([figure.to_json() for figure in found], indent=1))
    missed = sum(figure.ok is False for figure in found)
    print(f"{missed} of {sum(figure.ok is not None for figure in found)} limits missed")
    raise typer.Exit(1 if missed else 0)


def _figure_table(found: "list[Figure]") -> Table:
    table = Table("case", "figure", "value", "limit", "", "note", title="figures and limits; lower is better")
    case = ""
    for figure in found:
        if figure.case != case:
            table.add_section()
        verdict = {None: "", True: "ok", False: "[bold red]MISS[/]"}[figure.ok]
        limit = "" if figure.limit is None else f"{figure.limit:g}"
        value = f"{figure.value:.3g} {figure.unit}".rstrip()
        table.add_row(figure.case if figure.case != case else "", figure.figure, value, limit, verdict, figure.note)
        case = figure.case
    return table


def _scenarios(names: list[str]) -> "list[Scenario]":
    """What the names and patterns stand for, each once, in their order."""
    from nullwatt.lab import SCENARIOS, find

    chosen: dict[str, Scenario] = {}
    for name in names:
        matches = [known for known in SCENARIOS if fnmatchcase(known, name)]
        try:
            chosen |= {match: SCENARIOS[match] for match in matches} or {name: find(name)}
        except KeyError as error:
            fail(str(error.args[0]))
    return list(chosen.values())


def _nearest(name: str, known: list[str]) -> str:
    from difflib import get_close_matches

    return repr(get_close_matches(name, known, n=1, cutoff=0.0)[0])


def _console() -> Console:
    console = Console()
    return console if console.is_terminal else Console(width=_WIDTH)


@contextmanager
def _progress(total: int) -> Iterator[Callable[[], None]]:
    """A bar on standard error while it is a terminal; yields what to call after each step."""
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("running", total=total)
        yield lambda: progress.advance(task)


def _write(option: str, path: Path | None, text: Callable[[], str]) -> None:
    if path is None:
        return
    try:
        path.write_text(text(), encoding="utf-8")
    except OSError as error:
        fail(f"{option} {path}: cannot be written: {error.strerror or error}")
