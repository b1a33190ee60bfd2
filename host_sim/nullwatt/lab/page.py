"""One self-contained HTML page: traces of all runs on top of each other, with what happened and their scores; or two
sets of results held against each other.

Needs the package plotly, imported only here; its script is embedded, so the page works offline and for ever.
"""

from collections.abc import Sequence
from html import escape
from importlib import import_module
from typing import Any

import numpy as np

from .recording import Floats
from .report import LabResult
from .side_by_side import RATIOS, RUNS, SideBySide
from .verdict import Verdict, change_texts

_COLOURS = {"core": "#0b7285", "naive": "#e8590c", "ideal": "#5c940d", "oracle": "#868e96"}
_BATTERY_COLOURS = ("#1864ab", "#862e9c", "#2b8a3e", "#a61e4d")
_MOST_POINTS = 4000
_HEIGHT_PX = 760
_MOST_LINES = 60  # events beyond that are marks only
_COMPARED_COLOURS = ("#868e96", "#0b7285")
_STYLE = """
body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:1200px;padding:0 1rem;color:#212529}
table{border-collapse:collapse;margin:.5rem 0 1.5rem}td,th{padding:.15rem .7rem;text-align:right;
border-bottom:1px solid #dee2e6}td:first-child,th:first-child{text-align:left}h2{margin-top:2.5rem}
nav a{margin-right:1rem}.fail{color:#c92a2a;font-weight:600}ul{list-style:none;padding:0}
"""
_INTRO = (
    "The same house four times: the core, the naive controller (equal split of the meter reading), the core with "
    "ideal actuators, and perfect foresight. Grid + = import, battery + = discharge. Click a name in a legend to hide "
    "its trace, drag to zoom. Traces: first seed; tables: mean over the seeds, lower is better."
)


def require_plotly() -> None:
    """Raise ModuleNotFoundError now rather than after a long run if the package is missing."""
    import_module("plotly.graph_objects")


def render_page(results: Sequence[SideBySide]) -> str:
    """The page as text. Raises ModuleNotFoundError without plotly."""
    links = "".join(f'<a href="#{escape(item.scenario)}">{escape(item.scenario)}</a> ' for item in results)
    return _page("nullwatt lab", f"<p>{_INTRO}</p><nav>{links}</nav>{''.join(map(_section, results))}")


def render_comparison(
    verdict: Verdict, names: tuple[str, str], runs: Sequence[tuple[str, LabResult | None, LabResult | None]] = ()
) -> str:
    """The page of a verdict; runs: scenario and the first run in A and B, where they were played just now.

    Raises ModuleNotFoundError without plotly.
    """
    rows = "".join(
        f"<tr><td{' class=fail' if change.broken else ''}>{change.metric}</td>"
        f"{''.join(f'<td>{text}</td>' for text in change_texts(change))}</tr>"
        for change in verdict.changes
    )
    heads = ("metric", f"A: {names[0]}", f"B: {names[1]}", "change", "weight")
    table = f"<table><tr>{''.join(f'<th>{escape(head)}</th>' for head in heads)}</tr>{rows}</table>"
    plots = "".join(_compared(*run) for run in runs)
    return _page("nullwatt lab: comparison", f"<p>{escape(str(verdict))}</p>{table}{plots}")


def _page(title: str, body: str) -> str:
    offline: Any = import_module("plotly.offline")
    return (
        f"<!doctype html><html lang='en'><head><meta charset='utf-8'><title>{title}</title>"
        f"<style>{_STYLE}</style><script>{offline.get_plotlyjs()}</script></head><body>"
        f"<h1>{title}</h1>{body}</body></html>"
    )


def _compared(name: str, *runs: LabResult | None) -> str:
    subplots: Any = import_module("plotly.subplots")
    titles = ("grid, W", "output of the pool, W")
    figure = subplots.make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.08, subplot_titles=titles)
    for label, run, colour in zip("AB", runs, _COMPARED_COLOURS, strict=True):
        if run is not None:
            recording = run.recording
            _add(figure, 1, label, recording.time_s, recording.grid_total_w, colour, "solid", legend=True)
            _add(figure, 2, label, recording.time_s, recording.power_w.sum(axis=1), colour, "solid")
    figure.update_xaxes(title_text="s", row=2, col=1)
    return f"<h2>{escape(name)}</h2>{_html(figure)}"


def _html(figure: Any) -> str:
    figure.update_layout(height=_HEIGHT_PX, hovermode="x unified", margin={"t": 40, "b": 40}, template="plotly_white")
    text: str = figure.to_html(full_html=False, include_plotlyjs=False)
    return text


def _section(result: SideBySide) -> str:
    name = escape(result.scenario)
    return (
        f"<h2 id='{name}'>{name}</h2><p>{escape(result.title)}</p>{_outcomes(result)}{_html(_plot(result))}"
        f"{_events(result)}{_table(result)}<p>trace of the core, SHA-256: <code>{result.trace_sha256}</code></p>"
    )


def _outcomes(result: SideBySide) -> str:
    lines = "".join(
        f"<li{'' if outcome.ok else ' class=fail'}>{'ok' if outcome.ok else 'FAIL'}: {escape(outcome.text)}: "
        f"{escape(outcome.found)}</li>"
        for outcome in result.outcomes
    )
    return f"<ul>{lines}</ul>" if lines else ""


def _events(result: SideBySide) -> str:
    happened = result.first.core.happened
    lines = "".join(f"<li>{time_s:g} s: {escape(what)}</li>" for time_s, what in happened)
    return f"<details><summary>events: {len(happened)}</summary><ul>{lines}</ul></details>" if lines else ""


def _plot(result: SideBySide) -> Any:
    subplots: Any = import_module("plotly.subplots")
    titles = ("grid, W", "output of the pool and demand of the house, W", "each battery under the core, W")
    figure = subplots.make_subplots(rows=3, cols=1, shared_xaxes=True, vertical_spacing=0.06, subplot_titles=titles)
    for name, run in result.first:
        dash = "dot" if name == "oracle" else "solid"
        recording = run.recording
        _add(figure, 1, name, recording.time_s, recording.grid_total_w, _COLOURS[name], dash, legend=True)
        if name != "oracle":
            _add(figure, 2, name, recording.time_s, recording.power_w.sum(axis=1), _COLOURS[name], dash)
    core = result.first.core
    _add(figure, 2, "demand", core.recording.time_s, core.recording.demand_w, "#adb5bd", "dot", legend=True)
    _add_batteries(figure, core)
    _add_events(figure, core)
    figure.update_xaxes(title_text="s", row=3, col=1)
    return figure


def _add_events(figure: Any, core: LabResult) -> None:
    """A mark with its text for each event, above the grid, and lines through all plots while they are few."""
    if not core.happened:
        return
    objects: Any = import_module("plotly.graph_objects")
    times_s, texts = zip(*core.happened, strict=True)
    top_w = float(core.recording.grid_total_w.max())
    marker = {"symbol": "triangle-down", "color": "#495057", "size": 9}
    marks = objects.Scatter(
        x=times_s, y=[round(top_w, 1)] * len(times_s), text=texts, name="events", mode="markers", marker=marker
    )
    marks.hovertemplate = "%{text}"
    figure.add_trace(marks, row=1, col=1)
    if len(times_s) <= _MOST_LINES:
        line = {"color": "#ced4da", "width": 1, "dash": "dot"}
        lines = [
            {"type": "line", "xref": "x", "yref": "paper", "x0": time_s, "x1": time_s, "y0": 0, "y1": 1, "line": line}
            for time_s in sorted(set(times_s))
        ]
        figure.update_layout(shapes=[{**shape, "layer": "below"} for shape in lines])


def _add_batteries(figure: Any, core: LabResult) -> None:
    power_w = core.recording.power_w
    for index in range(power_w.shape[1]):
        colour = _BATTERY_COLOURS[index % len(_BATTERY_COLOURS)]
        _add(figure, 3, f"battery {index + 1}", core.recording.time_s, power_w[:, index], colour, "solid", legend=True)


def _add(
    figure: Any, row: int, name: str, time_s: Floats, values: Floats, colour: str, dash: str, legend: bool = False
) -> None:
    objects: Any = import_module("plotly.graph_objects")
    x, y = thinned(time_s, values)
    line = {"color": colour, "dash": dash, "width": 1.4}
    trace = objects.Scatter(
        x=x, y=np.round(y, 1), name=name, legendgroup=name, showlegend=legend, mode="lines", line=line
    )
    figure.add_trace(trace, row=row, col=1)


def thinned(time_s: Floats, values: Floats) -> tuple[Floats, Floats]:
    """At most some thousand points: lowest and highest of each stretch, so that no peak is lost."""
    stretch = -(-2 * len(values) // _MOST_POINTS)
    if stretch < 4:
        return time_s, values
    rows = len(values) // stretch * stretch
    blocks = values[:rows].reshape(-1, stretch)
    starts = np.arange(0, rows, stretch)
    picked = np.sort(np.stack([starts + blocks.argmin(axis=1), starts + blocks.argmax(axis=1)]), axis=0).T.ravel()
    return time_s[picked], values[picked]


def _table(result: SideBySide) -> str:
    heads = ("metric", *RUNS, *(f"{own}/{other}" for own, other in RATIOS))
    rows = []
    for metric in result.means["core"]:
        values = [result.means[run][metric] for run in RUNS] + [result.ratio(metric, other) for _, other in RATIOS]
        cells = "".join(f"<td>{'-' if value is None else f'{value:.4g}'}</td>" for value in values)
        rows.append(f"<tr><td>{metric}</td>{cells}</tr>")
    head = "".join(f"<th>{text}</th>" for text in heads)
    return f"<table><tr>{head}</tr>{''.join(rows)}</table>"
