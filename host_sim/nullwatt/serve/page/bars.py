"""The signed bar as an element: a track with zero in the middle, limits behind the bar, a mark at the target."""

from collections.abc import Iterable

from ..state import BatteryState
from .axis import bar, place, span
from .live import Value
from .tags import tag
from .words import battery_word, watts


def track(live: str, role: str, test: str = "") -> None:
    """The track; its live value comes from `placed`."""
    with tag("div", "track", live=live, test=test, role="img", data_role=role):
        tag("i", "track-limits")
        tag("i", "track-bar")
        tag("i", "track-zero")
        tag("i", "track-target")


def placed(
    words: str,
    value_w: float,
    extent_w: float,
    limits_w: tuple[float, float] | None = None,
    target_w: float | None = None,
    word: str = "",
) -> Value:
    """The value of a track. limits_w: the least and the most; word: what the colour follows."""
    drawn = bar(value_w, extent_w)
    style = {"--l": f"{drawn.left}%", "--w": f"{drawn.width}%", "--ll": "50%", "--lw": "0%", "--t": "-9%"}
    if limits_w is not None:
        free = span(*limits_w, extent_w)
        style |= {"--ll": f"{free.left}%", "--lw": f"{free.width}%"}
    if target_w is not None:
        style["--t"] = f"{place(target_w, extent_w)}%"
    return {
        "s": style,
        "a": {
            "aria-label": words,
            "data-word": word,
            "data-watts": f"{value_w:.0f}",
            "data-clipped": "" if drawn.clipped else None,
        },
    }


def limits(battery: BatteryState) -> tuple[float, float] | None:
    """What a battery may do, if that is known."""
    if battery.max_charge is None or battery.max_discharge is None:
        return None
    return -battery.max_charge, battery.max_discharge


def placed_battery(name: str, battery: BatteryState, extent_w: float) -> Value:
    """The track of a battery."""
    words = f"{name}: {battery_word(battery)}, {watts(battery.power, signed=True)}"
    return placed(words, battery.power, extent_w, limits(battery), battery.target)


def names(batteries: Iterable[BatteryState]) -> dict[str, str]:
    """What people call each battery, by MAC; two of a kind are told apart by the end of their MAC."""
    plain = {battery.mac: battery.name or battery.type or battery.mac for battery in batteries}
    called = list(plain.values())
    return {mac: f"{name} {mac[-4:]}" if called.count(name) > 1 else name for mac, name in plain.items()}
