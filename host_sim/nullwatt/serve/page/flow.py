"""Which power goes from where to where: sun, grid and batteries on one side, house, grid and batteries on the other."""

import math
from dataclasses import dataclass

#: Below this nothing is drawn as moving.
STILL_W = 15.0
_WIDEST_W = 4000.0

#: Paths between the nodes of a drawing 360 wide and 300 high, from where it comes to where it goes.
PATHS = {
    "sun-house": "M196 70 C196 122 222 142 272 144",
    "sun-grid": "M164 70 C164 122 138 142 88 144",
    "sun-battery": "M180 74 L180 226",
    "battery-house": "M196 230 C196 178 222 158 272 156",
    "battery-grid": "M164 230 C164 178 138 158 88 156",
    "grid-house": "M90 150 L270 150",
    "grid-battery": "M88 156 C138 158 164 178 164 230",
}


@dataclass(frozen=True)
class Flow:
    """Power on one path. stroke: its width in the drawing; speed: how fast its dashes move, per second."""

    power_w: float
    stroke: float
    speed: float


def shares(grid_w: float, solar_w: float, batteries_w: float) -> dict[str, float]:
    """Power on each path of `PATHS`, W, >= 0.

    Sun serves the house first, then the batteries, then the grid; the batteries come before the grid. What comes out
    of each node and goes into it adds up.
    """
    sun = max(0.0, solar_w)
    give, take = max(0.0, batteries_w), max(0.0, -batteries_w)
    bought, sold = max(0.0, grid_w), max(0.0, -grid_w)
    house = max(0.0, sun + give + bought - take - sold)
    left = {"sun": sun, "battery": give, "grid": bought}
    wanted = {"house": house, "battery": take, "grid": sold}
    flows = {}
    for path in (
        *("sun-house", "battery-house", "grid-house"),
        *("sun-battery", "grid-battery"),
        *("sun-grid", "battery-grid"),
    ):
        source, _, sink = path.partition("-")
        flows[path] = min(left[source], wanted[sink])
        left[source] -= flows[path]
        wanted[sink] -= flows[path]
    return flows


def drawn(power_w: float) -> Flow:
    """How a power is drawn: wider and faster with it, by its root so that little ones are seen."""
    if power_w < STILL_W:
        return Flow(power_w, 0.0, 0.0)
    share = math.sqrt(min(1.0, power_w / _WIDEST_W))
    return Flow(power_w, round(2.0 + 8.0 * share, 1), round(12.0 + 60.0 * share, 1))
