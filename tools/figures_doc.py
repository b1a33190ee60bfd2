"""Writes the table of figures and the pictures of docs/control.md. Run by `make figures`.

Takes the file that `nullwatt lab figures --json FILE` wrote and runs the pictured scenarios itself.
"""

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from xml.sax.saxutils import escape

from nullwatt.lab import SCENARIOS, Comparison, Scenario, aligned, compare
from nullwatt.lab.suite.building import stepping, unit

DOCS = Path(__file__).parents[1] / "docs"
PAGE = DOCS / "control.md"
BEGIN, END = "<!-- figures:begin -->", "<!-- figures:end -->"

# -- the table -------------------------------------------------------------------------------


def number(value: float | None, unit: str = "") -> str:
    if value is None:
        return ""
    text = f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return f"{text} {unit}".rstrip()


def row(entry: dict[str, Any], name: str, notes: list[str]) -> str:
    """One line; the sentence on a miss is appended to `notes` once and referred to by its number."""
    verdict = {None: "", True: "ok", False: "MISS"}[entry["ok"]]
    if entry["ok"] is False:
        if not entry["why"]:
            sys.exit(f"figures: {entry['case']}, {entry['figure']}: missed without a guard, see lab/figures/limits.py")
        if entry["why"] not in notes:
            notes.append(entry["why"])
        verdict += f" ({notes.index(entry['why']) + 1})"
    scale = entry["scale"] or {"core": None, "ideal": None, "naive": None, "unit": ""}
    cells = (
        name,
        entry["figure"].replace("|", "\\|"),
        number(entry["limit"], entry["unit"]),
        number(entry["value"], entry["unit"]),
        verdict,
        *(number(scale[run], scale["unit"]) for run in ("core", "ideal", "naive")),
    )
    return f"| {' | '.join(cells)} |".replace("|  |", "| |").replace("|  |", "| |")


def table(entries: Sequence[dict[str, Any]]) -> str:
    judged = [entry for entry in entries if entry["ok"] is not None]
    missed = sum(entry["ok"] is False for entry in judged)
    lines = [
        f"{len(judged)} goals, {missed} missed. Lower is better, except for *better than naive*.",
        "",
        "| Case | Figure | Goal | Value | | core | ideal | naive |",
        "|---|---|---|---|---|---|---|---|",
    ]
    notes: list[str] = []
    case = ""
    for entry in entries:
        lines.append(row(entry, entry["title"] if entry["case"] != case else "", notes))
        case = entry["case"]
    lines.append("")
    lines += [f"{index}. {note}" for index, note in enumerate(notes, 1)]
    return "\n".join(lines)


def write_table(entries: Sequence[dict[str, Any]]) -> None:
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        sys.exit(f"figures: {PAGE.name}: needs a line {BEGIN} and one {END}")
    PAGE.write_text(f"{before}{BEGIN}\n{table(entries)}\n{END}{after}", encoding="utf-8")


# -- pictures --------------------------------------------------------------------------------

# A background of their own: they are readable on light and dark pages alike.
COLOURS = {"core": "#0b6fa4", "naive": "#d9480f", "ideal": "#2b8a3e", "demand": "#495057"}
BATTERY_COLOURS = ("#1864ab", "#9c36b5", "#2b8a3e", "#a61e4d")
DASHES = {"naive": "5 3", "ideal": "2 3"}
WIDTH, PANEL, LEFT, RIGHT, TOP, GAP = 860, 190, 66, 24, 30, 52


class Line(NamedTuple):
    name: str
    values: Sequence[float]  # one per second
    colour: str


class Panel(NamedTuple):
    title: str
    low_w: float
    high_w: float
    tick_w: float
    lines: Sequence[Line]


def ticks(low: float, high: float, step: float) -> list[float]:
    first = -int(-low // step)
    return [step * index for index in range(first, int(high // step) + 1)]


def draw_panel(panel: Panel, top: float, seconds: Sequence[float], tick_s: float) -> list[str]:
    right, bottom = WIDTH - RIGHT, top + PANEL
    wide = seconds[-1] - seconds[0]

    def x(second: float) -> float:
        return LEFT + (right - LEFT) * (second - seconds[0]) / wide

    def y(watts: float) -> float:
        return bottom - PANEL * (watts - panel.low_w) / (panel.high_w - panel.low_w)

    clip = f"panel{top:.0f}"
    parts = [
        f'<clipPath id="{clip}"><rect x="{LEFT}" y="{top}" width="{right - LEFT}" height="{PANEL}"/></clipPath>',
        f'<text class="title" x="{LEFT}" y="{top - 9}">{escape(panel.title)}</text>',
        f'<text class="unit" transform="translate(16 {top + PANEL / 2}) rotate(-90)">power, W</text>',
    ]
    for watts in ticks(panel.low_w, panel.high_w, panel.tick_w):
        kind = "zero" if watts == 0 else "grid"
        parts.append(f'<path class="{kind}" d="M{LEFT} {y(watts):.1f}H{right}"/>')
        parts.append(f'<text class="y" x="{LEFT - 7}" y="{y(watts) + 4:.1f}">{watts:.0f}</text>')
    for second in ticks(seconds[0], seconds[-1], tick_s):
        parts.append(f'<path class="grid" d="M{x(second):.1f} {top}V{bottom}"/>')
        parts.append(f'<text class="x" x="{x(second):.1f}" y="{bottom + 16}">{second:.0f}</text>')
    for line in panel.lines:
        points = " ".join(f"{x(at):.1f},{y(value):.1f}" for at, value in zip(seconds, line.values, strict=True))
        dash = f' stroke-dasharray="{DASHES[line.name]}"' if line.name in DASHES else ""
        parts.append(f'<polyline clip-path="url(#{clip})" stroke="{line.colour}"{dash} points="{points}"/>')
    return parts + draw_legend(panel.lines, right, top - 13)


def draw_legend(lines: Sequence[Line], right: float, y: float) -> list[str]:
    parts = []
    x = right - sum(44 + 7 * len(line.name) for line in lines)
    for line in lines:
        dash = f' stroke-dasharray="{DASHES[line.name]}"' if line.name in DASHES else ""
        parts.append(f'<path d="M{x} {y}h24" stroke="{line.colour}" stroke-width="2"{dash}/>')
        parts.append(f'<text x="{x + 29}" y="{y + 4}">{escape(line.name)}</text>')
        x += 44 + 7 * len(line.name)
    return parts


STYLE = """
text{font:13px system-ui,sans-serif;fill:#212529}.title{font-weight:600}.x,.unit{text-anchor:middle}.y{text-anchor:end}
path{fill:none}.grid{stroke:#dee2e6}.zero{stroke:#868e96}polyline{fill:none;stroke-width:1.7;stroke-linejoin:round}
"""


def svg(panels: Sequence[Panel], seconds: Sequence[float], tick_s: float) -> str:
    height = TOP + len(panels) * (PANEL + GAP) + 4
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}">',
        f"<style>{STYLE}</style>",
        f'<rect width="{WIDTH}" height="{height}" rx="8" fill="#fbfcfd"/>',
    ]
    for index, panel in enumerate(panels):
        parts += draw_panel(panel, TOP + index * (PANEL + GAP), seconds, tick_s)
    parts.append(f'<text class="x" x="{(LEFT + WIDTH - RIGHT) / 2}" y="{height - 12}">time, s</text></svg>')
    return "\n".join(parts) + "\n"


def grid_lines(runs: Comparison, rows: slice) -> list[Line]:
    shown = (("naive", runs.naive), ("ideal", runs.ideal), ("core", runs.core))
    return [Line(name, run.recording.grid_total_w[rows].tolist(), COLOURS[name]) for name, run in shown]


def typical(scenario: Scenario, rows: slice) -> Comparison:
    """Of nine alignments the one in which the core is in the middle: neither the best nor the worst to show."""
    runs = [compare(aligned(scenario, seed)) for seed in range(1, 10)]
    runs.sort(key=lambda run: float(abs(run.core.recording.grid_total_w[rows]).mean()))
    return runs[len(runs) // 2]


def kettle() -> str:
    """A load of 2 kW comes and goes; the meter is nearly prompt."""
    start, end, step = 34, 120, 40
    panels = []
    for law, text in (("ramp", "ramp law"), ("integrator-2", "newer integrator law")):
        runs = typical(
            stepping("kettle", text, unit(1, law), every_s=float(step), steps_w=(2000.0,)), slice(start, end)
        )
        panels.append(Panel(f"Grid, {text}", -2500.0, 2500.0, 1000.0, grid_lines(runs, slice(start, end))))
    return svg(panels, [float(second - step) for second in range(start, end)], 10.0)


def late_meter() -> str:
    """The same with a meter that is 3 s late."""
    start, end, step = 290, 400, 300
    panels = []
    for name, text in (("late_ramp", "ramp law"), ("late_integrator", "newer integrator law")):
        runs = typical(SCENARIOS[name], slice(start, end))
        panels.append(
            Panel(f"Grid, meter 3 s late, {text}", -3000.0, 3000.0, 1000.0, grid_lines(runs, slice(start, end)))
        )
    return svg(panels, [float(second - step) for second in range(start, end)], 10.0)


def household() -> str:
    """Four minutes of an evening on three phases."""
    start, end = 650, 891
    rows = slice(start, end)
    scenario = SCENARIOS["evening"]
    runs = compare(scenario)
    recording = runs.core.recording
    outputs = [
        Line(f"{spec.config.law}, phase {spec.config.phase}", recording.power_w[rows, index].tolist(), colour)
        for index, (spec, colour) in enumerate(zip(scenario.batteries, BATTERY_COLOURS, strict=False))
    ]
    demand = Line("demand", recording.demand_w[rows].tolist(), COLOURS["demand"])
    panels = (
        Panel("Demand of the house", 0.0, 5000.0, 1000.0, [demand]),
        Panel("Grid", -4000.0, 3000.0, 1000.0, grid_lines(runs, rows)),
        Panel("Batteries under the core", 0.0, 2500.0, 500.0, outputs),
    )
    return svg(panels, [float(second - start) for second in range(start, end)], 30.0)


PICTURES: dict[str, Callable[[], str]] = {"kettle": kettle, "late-meter": late_meter, "household": household}


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit("usage: figures_doc.py FILE   (written by `nullwatt lab figures --json FILE`)")
    write_table(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    (DOCS / "pictures").mkdir(exist_ok=True)
    for name, draw in PICTURES.items():
        (DOCS / "pictures" / f"{name}.svg").write_text(draw(), encoding="utf-8")


if __name__ == "__main__":
    main()
