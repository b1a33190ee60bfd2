"""The areas of the live view, drawn from the status object. Signs: battery + = discharge, grid + = import."""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from rich.cells import cell_len, set_cell_size
from rich.table import Table
from rich.text import Text

from nullwatt.cli.sim_source import Status

HISTORY = 120  # points of the graph
NUMBER_KEYS = 8  # loads with a key of their own

_IMPORT, _EXPORT = "red", "cyan"
_LEAST_SPAN_W = 200.0  # a quiet grid stays flat instead of being blown up to full height
_LABEL = 9  # cells left of the graph
_LOAD_CELLS = 39
_DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))  # of a braille cell: left and right, top down


@dataclass
class Scene:
    """Everything on show.

    Attributes:
        status: The latest status object, None before the first.
        time: The latest that was told of the time, None if nothing was.
        totals_w: Grid total, a point per second, the newest last; NaN where it was not seen.
        load: Index of the load under the cursor.
        battery: Index of the chosen battery.
    """

    status: Status | None = None
    time: Status | None = None
    totals_w: deque[float] = field(default_factory=lambda: deque(maxlen=HISTORY))
    load: int = 0
    battery: int = 0

    def see(self, status: Status) -> None:
        """Show this status; the house may be another one than before."""
        self.status = status
        self.time = status.get("time", self.time)
        self.load = max(0, min(self.load, len(status["loads"]) - 1))
        self.battery = max(0, min(self.battery, len(status["batteries"]) - 1))


def page(count: int, chosen: int, size: int) -> range:
    """Indices of those of `count` rows that are shown with the chosen one, at most `size` of them."""
    size = max(1, size)
    first = chosen // size * size
    return range(first, min(first + size, count))


def plain(text: object) -> str:
    """Text that cannot move the cursor."""
    return "".join(character if character.isprintable() else "?" for character in str(text))


def fitted(text: str, cells: int) -> str:
    """Exactly so many cells wide, cut with an ellipsis."""
    return set_cell_size(text, cells) if cell_len(text) <= cells else set_cell_size(text, cells - 1) + "…"


def bar(fraction: float, cells: int) -> str:
    """A horizontal bar, 0..1 of its cells full."""
    full = round(max(0.0, min(1.0, fraction)) * cells)
    return "█" * full + "░" * (cells - full)


def title(status: Status | None, time: Status | None, where: str) -> Text:
    """Name, time, automatic mode, address."""
    auto = "?" if status is None else "on" if status["auto_mode"] else "off"
    style = "bold yellow" if auto == "on" else ""
    head = Text.assemble(("nullwatt sim", "bold"))
    if time is not None:
        head.append(f"  {duration(time['now_s'])}")
        if time["scale"] != 1.0:
            head.append(f"  x{time['scale']:g}")
        if time["paused"]:
            head.append("  paused", style="bold yellow")
    return head.append_text(Text.assemble("  auto mode ", (auto, style), "  ", (where, "dim")))


def duration(seconds: float) -> str:
    """Days if there are any, hours, minutes, seconds."""
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    return f"{days} d " * (days > 0) + f"{hour}:{minute:02}:{second:02}"


def grid(status: Status) -> Table:
    """Power per phase and total."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("grid W")
    cells: list[str | Text] = [Text("+ import", style="dim")]
    for name, key in (("A", "phase_a"), ("B", "phase_b"), ("C", "phase_c"), ("total", "total")):
        table.add_column(name, justify="right", min_width=9, no_wrap=True)
        cells.append(_signed(status["grid"][key], 1))
    table.add_row(*cells)
    return table


def _signed(watts: float, digits: int) -> Text:
    return Text(f"{watts:+.{digits}f}", style=_EXPORT if watts < 0 else _IMPORT if watts > 0 else "")


def graph(totals_w: Sequence[float], width: int, height: int) -> Text:
    """The grid total as a line around a zero axis, the newest point at the right edge."""
    cells, dots = max(1, width - _LABEL), 4 * max(1, height)
    step = max(1, 2 * cells // HISTORY)  # dots per point
    cells = min(cells, HISTORY * step // 2)
    points = list(totals_w)[-(2 * cells // step) :]
    seen = [watts for watts in points if math.isfinite(watts)]
    low_w, high_w = min(0.0, *seen, 0.0), max(0.0, *seen, 0.0)
    short_w = max(0.0, _LEAST_SPAN_W - (high_w - low_w))
    low_w, high_w = low_w - short_w / 2, high_w + short_w / 2

    def dot(watts: float) -> int:
        return round((high_w - watts) / (high_w - low_w) * (dots - 1))

    bits = [[0] * cells for _ in range(dots // 4)]
    signs = [[0.0] * cells for _ in range(dots // 4)]

    def put(x: int, y: int, sign: float) -> None:
        bits[y // 4][x // 2] |= _DOTS[x % 2][y % 4]
        signs[y // 4][x // 2] = sign or signs[y // 4][x // 2]

    for x in range(0, 2 * cells, 2):
        put(x, dot(0.0), 0.0)
    before: int | None = None
    for place, watts in enumerate(points, start=2 * cells // step - len(points)):
        if not math.isfinite(watts):
            before = None
            continue
        y = dot(watts)
        last = y if before is None else before
        for upright in range(min(y, last), max(y, last) + 1):
            put(place * step, upright, watts)
        for x in range(place * step, place * step + step):
            put(x, y, watts)
        before = y
    labels = {0: _short(high_w), len(bits) - 1: _short(low_w)} | {dot(0.0) // 4: "0 W"}
    lines = []
    for row, (row_bits, row_signs) in enumerate(zip(bits, signs, strict=True)):
        line = Text.assemble((f"{labels.get(row, ''):>{_LABEL - 1}} ", "dim"))
        for cell, sign in zip(row_bits, row_signs, strict=True):
            line.append(chr(0x2800 + cell), style=_IMPORT if sign > 0 else _EXPORT if sign < 0 else "dim")
        lines.append(line)
    return Text("\n", no_wrap=True).join(lines)


def _short(watts: float) -> str:
    return f"{watts:+.0f} W" if abs(watts) < 9999.5 else f"{watts / 1000:+.0f} kW"


def batteries(scene: Scene, height: int) -> Table:
    """A page of the batteries, a row each under a header."""
    assert scene.status is not None
    all_ = scene.status["batteries"]
    shown = page(len(all_), scene.battery, height - 1)
    delayed = any(battery["power_update_delay_ticks"] > 0 for battery in all_)
    dc = any(battery["max_dc_input"] > 0 for battery in all_)
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="dim")
    table.add_column("")
    table.add_column("battery" if len(shown) == len(all_) else f"{shown.start + 1}-{shown.stop} of {len(all_)}")
    table.add_column("ph")
    targets = ("requested", "applied") if delayed else ("target",)
    for name in ("power", *targets, *(("DC",) if dc else ()), "SoC"):
        table.add_column(name, justify="right", min_width=6, no_wrap=True)
    table.add_column("", no_wrap=True)
    table.add_column("limits", no_wrap=True)
    for index in shown:
        battery, chosen = all_[index], index == scene.battery
        soc, keys = battery["soc"], ("target", "applied_target")[: len(targets)]
        table.add_row(
            "▶" if chosen else "",
            plain(battery["mac"]),
            plain(battery["phase"]),
            f"{battery['power']:+.0f}",
            *(f"{battery[key]:+.0f}" for key in keys),
            *((f"{battery['dc_input']:.0f}",) if dc else ()),
            f"{soc:.0%}",
            Text(bar(soc, 8), style="green" if soc > 0.2 else "yellow"),
            f"-{battery['max_charge']:.0f}/+{battery['max_discharge']:.0f}",
            style="bold" if chosen else "",
        )
    return table


def loads(scene: Scene, width: int, height: int) -> Text:
    """A page of the loads in columns under a header: number key, state, phase, power, name."""
    assert scene.status is not None
    all_ = scene.status["loads"]
    rows, columns = max(1, height - 1), max(1, width // _LOAD_CELLS)
    shown = page(len(all_), scene.load, rows * columns)
    if not all_:
        return Text("no loads", style="dim")
    cells = min(width, _LOAD_CELLS)
    part = "" if len(shown) == len(all_) else f"  {shown.start + 1}-{shown.stop} of {len(all_)}"
    lines = [Text(fitted(f"  key ph state  W      load{part}", width), style="dim")]
    for row in range(min(rows, len(shown))):
        line = Text()
        for index in shown[row::rows]:
            load, chosen = all_[index], index == scene.load
            key = str(index + 1) if index < NUMBER_KEYS else ""
            state = "on" if load["active"] else "off"
            text = f"{'▶' if chosen else ' '} {key:>3} {plain(load['phase']):2} {state:5} {load['power']:5.0f}  "
            style = ("green " if load["active"] else "") + ("bold" if chosen else "")
            line.append(fitted(text + plain(load["name"]), cells), style=style.strip())
        lines.append(line)
    return Text("\n", no_wrap=True).join(lines)


def solar(status: Status) -> Text:
    """A bar of what the sun gives."""
    now_w, most_w = status["solar"]["current"], status["solar"]["max"]
    phases = plain("".join(status["solar"]["phases"]))
    share = now_w / most_w if most_w > 0 else 0.0
    return Text.assemble(
        ("solar ", "dim"), (bar(share, 20), "yellow"), f" {now_w:.0f} of {most_w:.0f} W", (f"  {phases}", "dim")
    )


def help_lines(keys: Sequence[tuple[str, str]], width: int) -> list[Text]:
    """Keys and what they do, as many per line as fit."""
    lines: list[Text] = []
    for key, does in keys:
        item = Text.assemble((key, "bold"), f" {does}")
        if lines and lines[-1].cell_len + 3 + item.cell_len <= width:
            lines[-1].append(" · ", style="dim").append_text(item)
        else:
            lines.append(item)
    return lines
