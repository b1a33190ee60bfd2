"""What a hybrid inverter is made of, and the settings its app has. Every setting may be changed at run time."""

from typing import Annotated, Literal

from pydantic import Field, FiniteFloat

from .device import FLAGS, Command
from .pv_array import PvString
from .pv_plant import Share
from .section import AnyPhase, Name, NotNegative, Positive, Section, Unit

#: Slots for windows of the day, as many as common inverters have at least.
WINDOWS = 4
#: A feed-in limit that is none, W.
NO_LIMIT_W = 100_000.0

_ACTIONS = ("off", "charge", "discharge", "hold")
_MODES = ("self_use", "time_of_use", "backup")
_PRIORITIES = ("house", "battery", "grid")

_Efficiency = Annotated[FiniteFloat, Field(gt=0.5, le=1)]
_Hour = Annotated[FiniteFloat, Field(ge=0, le=24)]
_Percent = Annotated[FiniteFloat, Field(ge=0, le=100)]
_Watts = Annotated[FiniteFloat, Field(ge=0, le=NO_LIMIT_W)]


class WindowSection(Section):
    """Every day from `from_h` to `to_h` (local hours; over midnight if it ends before it begins, all day if equal).

    charge: with `power_w` at least until `soc`, then hold. discharge: with `power_w` at least down to `soc`, into the
    grid if need be. hold: the battery gives nothing. power_w: at the battery. Where windows overlap the first counts.
    """

    action: Literal["off", "charge", "discharge", "hold"] = "charge"
    from_h: _Hour
    to_h: _Hour
    power_w: _Watts = 3000.0
    soc: Unit = 1.0


class HybridSettings(Section):
    """What owners set.

    mode: self_use; time_of_use: the same outside its windows; backup: the battery is kept full for outages.
    priority: who gets the sun first. reserve_soc: kept for outages. charge_max_w, discharge_max_w: of the battery.
    grid_charge: windows and backup may draw from the grid. zero_export: the connection gives nothing away.
    feed_in_limit_w, feed_in_limit_percent: at the connection; percent of the panels' peak; 100000 and 100: none.
    grid_target_w: what the connection is held at. power_limit_percent: AC output, of ac_max_w.
    """

    on: bool = True
    mode: Literal["self_use", "time_of_use", "backup"] = "self_use"
    priority: Literal["house", "battery", "grid"] = "house"
    reserve_soc: Unit = 0.1
    min_soc: Unit = 0.05
    max_soc: Unit = 1.0
    charge_max_w: _Watts = 5000.0
    discharge_max_w: _Watts = 5000.0
    grid_charge: bool = True
    zero_export: bool = False
    feed_in_limit_w: _Watts = NO_LIMIT_W
    feed_in_limit_percent: _Percent = 100.0
    grid_target_w: Annotated[FiniteFloat, Field(ge=-NO_LIMIT_W, le=NO_LIMIT_W)] = 0.0
    power_limit_percent: _Percent = 100.0
    windows: Annotated[list[WindowSection], Field(max_length=WINDOWS)] = Field(default=[])


class MpptSection(Section):
    """A tracker. max_w: takes no more; None = whatever comes. min_w: starts there, for want of voltage."""

    strings: Annotated[list[PvString], Field(min_length=1)]
    max_w: Positive | None = None
    min_w: NotNegative = 0.0
    efficiency: _Efficiency = 0.99


class CellsSection(Section):
    """The battery on the DC bus. capacity_wh: 0 = none. Efficiencies: between bus and cells, one way."""

    capacity_wh: NotNegative = 10000.0
    initial_soc: Unit = 0.5
    charge_efficiency: _Efficiency = 0.97
    discharge_efficiency: _Efficiency = 0.97


class HybridConfig(Section):
    """A hybrid inverter.

    ac_max_w: out of it; ac_charge_max_w: into it, None = the same. standby_w: own consumption while it runs, None =
    0.6 % of ac_max_w; night_w: while there is nothing to do. loss_linear, loss_square: see `PowerStage`. response_s:
    time constant with which it follows the house; 0 = at once. island: keeps its phase alive in an outage; after an
    overload it tries again in restart_s. reconnect_s: waits so long when the mains are back (VDE-AR-N 4105: 60 s).
    """

    name: Name
    phase: AnyPhase = "D"
    ac_max_w: Positive = 5000.0
    ac_charge_max_w: NotNegative | None = None
    standby_w: NotNegative | None = None
    night_w: NotNegative = 10.0
    loss_linear: Share = 0.018
    loss_square: Share = 0.017
    response_s: NotNegative = 1.0
    island: bool = False
    restart_s: NotNegative = 10.0
    reconnect_s: NotNegative = 60.0
    mppts: list[MpptSection] = Field(default=[])
    battery: CellsSection = CellsSection()
    settings: HybridSettings = HybridSettings()


def _window_commands(number: int) -> dict[str, Command]:
    window = f"window {number}: "
    return {
        f"window_{number}_action": Command("", window + "what happens", choices=_ACTIONS),
        f"window_{number}_from_h": Command("h", window + "begins", 0.0, 24.0),
        f"window_{number}_to_h": Command("h", window + "ends", 0.0, 24.0),
        f"window_{number}_power_w": Command("W", window + "power of the battery", 0.0, NO_LIMIT_W),
        f"window_{number}_soc": Command("", window + "state of charge at which it ends", 0.0, 1.0),
    }


#: The settings as commands, by the keys of `HybridSettings`; those of windows by `window_<1 ...>_<key>`.
SETTINGS: dict[str, Command] = {
    "on": Command("", "run", choices=FLAGS),
    "mode": Command("", "what it works for", choices=_MODES),
    "priority": Command("", "who gets the sun first", choices=_PRIORITIES),
    "reserve_soc": Command("", "state of charge kept for outages", 0.0, 1.0),
    "min_soc": Command("", "state of charge at least", 0.0, 1.0),
    "max_soc": Command("", "state of charge at most", 0.0, 1.0),
    "charge_max_w": Command("W", "charge the battery with at most", 0.0, NO_LIMIT_W),
    "discharge_max_w": Command("W", "discharge the battery with at most", 0.0, NO_LIMIT_W),
    "grid_charge": Command("", "may charge from the grid", choices=FLAGS),
    "zero_export": Command("", "give nothing to the grid", choices=FLAGS),
    "feed_in_limit_w": Command("W", "give the grid at most", 0.0, NO_LIMIT_W),
    "feed_in_limit_percent": Command("%", "give the grid at most, of the panels' peak", 0.0, 100.0),
    "grid_target_w": Command("W", "hold the connection at, + = import", -NO_LIMIT_W, NO_LIMIT_W),
    "power_limit_percent": Command("%", "AC output at most, of the AC limit", 0.0, 100.0),
    **{name: command for number in range(1, WINDOWS + 1) for name, command in _window_commands(number).items()},
}
