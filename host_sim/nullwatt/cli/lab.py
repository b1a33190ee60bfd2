"""`nullwatt lab`: run scenarios against the core and its yardsticks, compare, and check the figures that must hold."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from nullwatt.cli.errors import fail

if TYPE_CHECKING:
    from nullwatt.lab import Scenario, SideBySide
    from nullwatt.lab.figures import Figure
    from nullwatt.serve import HomeResult

lab = typer.Typer(help="Simulated scenarios, faster than time.", no_args_is_help=True)

_DETAILED = 4  # more scenarios than this get one line each instead of a table each
_WIDTH = 120  # of output that goes to a file or a pipe

_Jobs = Annotated[int | None, typer.Option(help="Processes. Default: one per processor.", min=1, max=64)]
_Json = Annotated[Path | None, typer.Option("--json", help="Write everything to this file as JSON.")]
_Html = Annotated[Path | None, typer.Option(help="Write a page with the traces to this file.")]
_Seeds = Annotated[int, typer.Option(help="Seeded alignments of each scenario.", min=1, max=10_000)]
_Seed = Annotated[int | None, typer.Option(help="The first seed. Default: the one in the file; 1 for names.", min=0)]
_Set = Annotated[list[str] | None, typer.Option("--set", help="Option of the core as KEY=VALUE (repeatable).")]

type _Options = dict[str, float | bool | str]


@lab.callback()
def _lab() -> None:
    """Simulated scenarios, faster than time."""


@lab.command("list")
def list_() -> None:
    """Show the scenarios, the scenario files that come along, and the cases of the figures."""
    from nullwatt.lab import COMBINATIONS, SCENARIOS, load_scenario, shipped
    from nullwatt.lab.figures import CASES

    table = Table("scenario", "batteries", "length s", "what happens")
    for scenario in SCENARIOS.values():
        table.add_row(scenario.name, str(len(scenario.batteries)), str(scenario.duration_s), scenario.title)
    table.add_row(f"random_000 ... random_{COMBINATIONS - 1:03}", "1-3", "420", "drawn at random")
    table.add_row("identify_LAW_GAIN_TYPE", "1", "380", "a law under a declared type, e.g. identify_ramp_100_VNSD")
    files = Table("scenario file", "batteries", "length s", "what happens")
    for name, path in shipped().items():
        scenario = load_scenario(path)
        files.add_row(name, str(len(scenario.batteries)), str(scenario.duration_s), scenario.title)
    cases = Table("case of `lab figures`", "what is judged")
    for case in CASES.values():
        cases.add_row(case.name, case.title)
    console = _console()
    console.print(table)
    console.print(files)
    console.print(cases)


@lab.command("run")
def run(
    scenarios: Annotated[
        list[str] | None,
        typer.Argument(help="Names, patterns such as 'steps_*', or scenario files. Default: all named ones."),
    ] = None,
    seeds: _Seeds = 1,
    seed: _Seed = None,
    settings: _Set = None,
    json_file: _Json = None,
    html: _Html = None,
    jobs: _Jobs = None,
) -> None:
    """Run scenarios on the core, the naive controller, ideal actuators and perfect foresight.

    Prints the scores side by side with the ratios of the core to the naive controller and to
    ideal actuators. More than four scenarios get one line each; --json and --html have all.

    Exit code 0: every expectation held. 1: at least one FAIL. 2: bad input.
    """
    from nullwatt.lab import details_table, render_page, summary_table

    chosen = _with_options(_scenarios(scenarios or ["*"]), _options("--set", settings))
    _require_plotly(html)
    results = _played(chosen, seeds, seed, jobs)
    console = _console()
    if len(results) <= _DETAILED:
        for result in results:
            console.print(details_table(result))
            print(f"{result.scenario}: trace sha256 {result.trace_sha256}")
    if len(results) > 1:
        console.print(summary_table(results))
    _write("--json", json_file, lambda: json.dumps([result.to_json() for result in results], indent=1))
    _write("--html", html, lambda: render_page(results))
    raise typer.Exit(_tell_outcomes(results))


def _tell_outcomes(results: "list[SideBySide]") -> int:
    """One line per expectation; returns the exit code."""
    told = failed = 0
    for result in results:
        for outcome in result.outcomes:
            told += 1
            failed += not outcome.ok
            print(f"{'ok  ' if outcome.ok else 'FAIL'} {result.scenario}: {outcome.text}: {outcome.found}")
    if told:
        print(f"{failed} of {told} expectations failed")
    return 1 if failed else 0


@lab.command("compare")
def compare(
    a: Annotated[str, typer.Argument(help="Names, a pattern, a scenario file, or a file written by `run --json`.")],
    b: Annotated[str | None, typer.Argument(help="The same; default: A again, with --set-b.")] = None,
    settings: _Set = None,
    settings_a: Annotated[list[str] | None, typer.Option("--set-a", help="The same, only for A.")] = None,
    settings_b: Annotated[list[str] | None, typer.Option("--set-b", help="The same, only for B.")] = None,
    seeds: _Seeds = 1,
    seed: _Seed = None,
    json_file: _Json = None,
    html: _Html = None,
    jobs: _Jobs = None,
) -> None:
    """Hold two results against each other: every metric of the core, one score, and guardrails.

    Exit code 0: no guardrail broken. 1: at least one is. 2: bad input.
    """
    from nullwatt.lab import judge, render_comparison, verdict_table

    common = _options("--set", settings)
    sides = [
        _Side.of(a, common | _options("--set-a", settings_a)),
        _Side.of(a if b is None else b, common | _options("--set-b", settings_b)),
    ]
    _require_plotly(html)
    to_play = [scenario for side in sides for scenario in side.scenarios]
    played = iter(_played(to_play, seeds, seed, jobs) if to_play else [])
    for side in sides:
        side.runs = [next(played) for _ in side.scenarios]
        side.entries |= {run.scenario: _core_metrics(run.to_json(), side.given) for run in side.runs}
    pairs = _pairs(*sides)
    verdict = judge({name: (sides[0].entries[left], sides[1].entries[right]) for name, (left, right) in pairs.items()})
    names = (sides[0].title, sides[1].title)
    _console().print(verdict_table(verdict, names))
    print(verdict)
    _write("--json", json_file, lambda: json.dumps(verdict.to_json(), indent=1))
    firsts = [{run.scenario: run.first.core for run in side.runs} for side in sides]
    traces = [(name, firsts[0].get(left), firsts[1].get(right)) for name, (left, right) in pairs.items()]
    _write("--html", html, lambda: render_comparison(verdict, names, [run for run in traces if run[1] or run[2]]))
    raise typer.Exit(1 if verdict.broken else 0)


@dataclass
class _Side:
    """A or B: results read from a file, or scenarios to play. entries: scenario -> metrics of the core."""

    given: str
    title: str
    entries: dict[str, dict[str, float | None]]
    scenarios: "list[Scenario]"
    runs: "list[SideBySide]"

    @classmethod
    def of(cls, given: str, options: _Options) -> "_Side":
        title = ", ".join([given, *(f"{key}={value}" for key, value in options.items())])
        results = _results(given)
        if results is None:
            return cls(given, title, {}, _with_options(_scenarios([given]), options), [])
        if options:
            fail(f"{given}: is a result already; options are for what is run now")
        return cls(given, title, results, [], [])


def _results(given: str) -> dict[str, dict[str, float | None]] | None:
    """The metrics of the core per scenario, out of a file that `run --json` wrote; None for anything else."""
    from nullwatt.home import ConfigError, read_document

    if not given.endswith(".json"):
        return None
    try:
        document = read_document(given)
    except ConfigError as error:
        fail(str(error))
    if not isinstance(document, list):
        return None
    return {str(entry.get("scenario")): _core_metrics(entry, given) for entry in document if isinstance(entry, dict)}


def _core_metrics(entry: dict[str, object], given: str) -> dict[str, float | None]:
    runs = entry.get("metrics")
    core = runs.get("core") if isinstance(runs, dict) else None
    if not isinstance(core, dict) or not all(isinstance(value, int | float | None) for value in core.values()):
        fail(f"{given}: {entry.get('scenario')}: has no metrics of the core; it must be written by `lab run --json`")
    return core


def _pairs(a: _Side, b: _Side) -> dict[str, tuple[str, str]]:
    """What is compared with what: the same names; if each side is one scenario, those two."""
    if len(a.entries) == len(b.entries) == 1:
        (left,), (right,) = a.entries, b.entries
        return {left if left == right else f"{left} / {right}": (left, right)}
    common = {name: (name, name) for name in a.entries if name in b.entries}
    if not common:
        fail(f"{a.given} and {b.given} have no scenario in common")
    return common


def _played(scenarios: "list[Scenario]", seeds: int, seed: int | None, jobs: int | None) -> "list[SideBySide]":
    from nullwatt.lab import run_side_by_side, to_play_s

    with _progress(to_play_s(scenarios, seeds)) as progress:
        return run_side_by_side(scenarios, seeds, jobs, progress, seed)


def _options(option: str, settings: list[str] | None) -> _Options:
    values: _Options = {}
    for setting in settings or ():
        key, separator, text = setting.partition("=")
        if not separator:
            fail(f"{option} {setting}: must be KEY=VALUE, such as grid_target=20")
        values[key] = _value(text)
    return values


def _value(text: str) -> float | bool | str:
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    try:
        return float(text)
    except ValueError:
        return text


def _with_options(scenarios: "list[Scenario]", options: _Options) -> "list[Scenario]":
    """The scenarios with these options of the core instead of or besides their own."""
    from nullwatt.core import Config

    if not options:
        return scenarios
    changed = [replace(scenario, options={**scenario.options, **options}) for scenario in scenarios]
    for scenario in changed:
        try:
            Config(**scenario.options)
        except (TypeError, ValueError) as error:
            fail(f"{scenario.name}: {error}")
    return changed


def _require_plotly(html: Path | None) -> None:
    """Tell now rather than after a long run that a page cannot be made."""
    from nullwatt.lab import require_plotly

    if html is not None:
        try:
            require_plotly()
        except ModuleNotFoundError:
            fail(f"--html {html}: needs the package plotly; run: pip install plotly")


@lab.command("what-if")
def what_if_(
    a: Annotated[Path, typer.Argument(help="House file.")],
    b: Annotated[Path, typer.Argument(help="Another one.")],
    days: Annotated[int, typer.Option(help="Simulated days from the start of the house file.", min=1, max=3660)] = 365,
    json_file: _Json = None,
) -> None:
    """Compare two homes over a year: energy, self-consumption, cost, battery cycles.

    At steps of a minute, each home in a process of its own. Hybrid inverters work as they are; batteries that poll a
    meter are ideal: at once, exactly and together they hold the grid at zero. Both get the seed of the first file.

    Exit code 0: done. 2: bad input.
    """
    from nullwatt.home import ConfigError
    from nullwatt.lab import Home, WhatIfError, what_if

    try:
        homes = [Home.of(a), Home.of(b)]
        with _progress(1.0) as advance:
            before = 0.0

            def progress(done: float) -> None:
                nonlocal before
                advance(done - before)
                before = done

            results = what_if(homes, days, progress)
    except (ConfigError, WhatIfError) as error:
        fail(str(error))
    _console().print(_homes_table(results))
    for note in dict.fromkeys(note for result in results for note in result.notes):
        print(f"note: {note}")
    _write("--json", json_file, lambda: json.dumps([result.model_dump(mode="json") for result in results], indent=1))


def _homes_table(results: "list[HomeResult]") -> Table:
    rows = {
        "import_kwh": "from the grid, kWh",
        "export_kwh": "into the grid, kWh",
        "sun_kwh": "sun, kWh",
        "used_kwh": "used by the loads, kWh",
        "self_consumption": "self-consumption",
        "self_sufficiency": "self-sufficiency",
        "energy_ct": "cost of energy, ct",
        "standing_ct": "standing charge, ct",
        "demand_ct": "demand charge, ct",
        "earned_ct": "earned, ct",
        "total_ct": "total, ct",
        "battery_cycles": "battery cycles",
        "stored_kwh": "stored at the end, more, kWh",
    }
    a, b = results
    table = Table("", title=f"{a.days} days")
    for heading in (a.name, b.name, "difference"):
        table.add_column(heading, justify="right")
    for key, label in rows.items():
        values: list[float | None] = [getattr(a, key), getattr(b, key)]
        known = [value for value in values if value is not None]
        if known:
            cells = ["" if value is None else f"{value:.3f}" for value in values]
            table.add_row(label, *cells, f"{known[1] - known[0]:+.3f}" if len(known) == len(values) else "")
    return table


@lab.command()
def schema() -> None:
    """Print the JSON Schema of a scenario file, for editors."""
    from nullwatt.lab import scenario_schema

    print(json.dumps(scenario_schema(), indent=2))


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


def _scenarios(given: list[str]) -> "list[Scenario]":
    """What names, patterns and files stand for, each once, in their order."""
    from nullwatt.home import ConfigError
    from nullwatt.lab import SCENARIOS, SUFFIXES, find, load_scenario, shipped

    files = shipped()
    chosen: dict[str, Scenario] = {}
    for name in given:
        try:
            if name.endswith(SUFFIXES) or "/" in name:
                found = [load_scenario(name)]
            elif name in files:
                found = [load_scenario(files[name])]
            else:
                matches = [SCENARIOS[known] for known in SCENARIOS if fnmatchcase(known, name)]
                found = matches or [find(name, files)]
        except KeyError as error:
            fail(str(error.args[0]))
        except ConfigError as error:
            fail(str(error))
        for scenario in found:
            if chosen.setdefault(scenario.name, scenario) != scenario:
                fail(f"{name}: another scenario given is called {scenario.name!r} too")
    return list(chosen.values())


def _nearest(name: str, known: list[str]) -> str:
    from difflib import get_close_matches

    return repr(get_close_matches(name, known, n=1, cutoff=0.0)[0])


def _console() -> Console:
    console = Console()
    return console if console.is_terminal else Console(width=_WIDTH)


@contextmanager
def _progress(total: float) -> Iterator[Callable[..., None]]:
    """A bar on standard error while it is a terminal; yields what to call after each step, or with how many."""
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("running", total=total)
        yield lambda steps=1: progress.advance(task, steps)


def _write(option: str, path: Path | None, text: Callable[[], str]) -> None:
    if path is None:
        return
    try:
        path.write_text(text(), encoding="utf-8")
    except OSError as error:
        fail(f"{option} {path}: cannot be written: {error.strerror or error}")
