"""Numbers, states and the sentence about the grid."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nullwatt.serve.page.words import battery_word, duration, grid_word, number, percent, sentence, time_of_day, watts
from nullwatt.serve.state import BatteryState, ControllerState, EmulatorInfo, GridState, State


def plain(text: str) -> str:
    """With ordinary spaces and signs."""
    return (
        text.replace("\N{NARROW NO-BREAK SPACE}", "").replace("\N{NO-BREAK SPACE}", " ").replace("\N{MINUS SIGN}", "-")
    )


def battery(**known: Any) -> BatteryState:
    return BatteryState(**{"mac": "02B250000001", "phase": "A", "power": 0.0, "soc": 0.5} | known)


def grid(total: float, *batteries: BatteryState, **known: Any) -> State:
    values = GridState(phase_a=total, phase_b=0, phase_c=0, total=total)
    return State(grid=values, batteries=list(batteries), **known)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0 W"), (-0.4, "0 W"), (12.4, "12 W"), (-40, "-40 W"), (1234, "1234 W"), (9999, "9999 W"), (12345, "12.3 kW")],
)
def test_powers(value: float, text: str) -> None:
    assert plain(watts(value)) == text


@given(st.floats(-1e6, 1e6))
def test_a_signed_power_has_its_sign_and_zero_has_none(value: float) -> None:
    text = plain(watts(value, signed=True))
    if re.match(r"0(\.0)? ", text):
        assert abs(value) <= 0.5
    else:
        assert text[0] == ("+" if value > 0 else "-")


def test_other_numbers() -> None:
    assert plain(number(-1.005, 2, signed=True)) in ("-1.00", "-1.01")
    assert plain(percent(0.614)) == "61 %"
    assert [plain(duration(seconds)) for seconds in (7, 754, 12345, 90061)] == [
        "0:07",
        "12:34",
        "3:25:45",
        "1 d 1:01:01",
    ]
    assert [time_of_day(hour) for hour in (0, 14.1, 23.999, 24)] == ["00:00", "14:06", "23:59", "00:00"]


@pytest.mark.parametrize(
    ("known", "word"),
    [
        ({"power": 300}, "discharging"),
        ({"power": -300}, "charging"),
        ({"power": 2}, "resting"),
        ({"power": 800, "max_discharge": 800, "max_charge": 2200}, "at its limit"),
        ({"power": -800, "max_discharge": 800, "max_charge": 2200}, "charging"),
        ({"soc": 0.0}, "empty"),
        ({"soc": 1.0}, "full"),
        ({"soc": 1.0, "power": 200}, "discharging"),
        ({"soc": None}, "resting"),
        ({"power": 300, "answered": False}, "not answered"),
    ],
)
def test_what_a_battery_does(known: dict[str, Any], word: str) -> None:
    assert battery_word(battery(**known)) == word


def test_which_way_the_grid_goes() -> None:
    assert [grid_word(total) for total in (0, 40, -40, 41, -41)] == ["held", "held", "held", "import", "export"]


LIMITED = {"power": 800.0, "max_discharge": 800.0, "max_charge": 800.0}


@pytest.mark.parametrize(
    ("state", "text"),
    [
        (State(), ""),
        (grid(12, battery(power=840)), "The grid is held at zero: the batteries give 840 W."),
        (grid(-12, battery(power=-84)), "The grid is held at zero: the batteries take 84 W."),
        (grid(3, battery()), "The grid is held at zero: the batteries rest."),
        (grid(3), "The grid happens to be near zero."),
        (grid(430), "Importing 430 W: there are no batteries."),
        (grid(430, battery(power=100)), "Importing 430 W: the batteries are following."),
        (grid(-430, battery(power=100)), "Exporting 430 W: the batteries are following."),
        (grid(430, battery(**LIMITED)), "Importing 430 W: the batteries are at their limit."),
        (grid(-430, battery(**LIMITED)), "Exporting 430 W: the batteries are following."),
        (grid(430, battery(**LIMITED), battery(power=100)), "Importing 430 W: the batteries are following."),
        (grid(430, battery(**LIMITED), battery(soc=0.0)), "Importing 430 W: the batteries are at their limit."),
        (grid(430, battery(soc=0.0)), "Importing 430 W: the batteries are empty."),
        (grid(-430, battery(soc=1.0)), "Exporting 430 W: the batteries are full."),
        (
            grid(430, battery(), controller=ControllerState(active_control=False)),
            "Importing 430 W: active control is off.",
        ),
        (grid(430, battery(answered=False)), "Importing 430 W: nobody answers the batteries."),
        (
            grid(430, battery(), emulator=EmulatorInfo(where="udp://x", own=False, answers=False)),
            "Importing 430 W: nobody answers the batteries.",
        ),
    ],
)
def test_the_sentence_tells_why(state: State, text: str) -> None:
    assert plain(sentence(state)) == text


def test_an_outage_is_said_and_who_carries_the_house() -> None:
    def told(**known: Any) -> str:
        mains = {"on": False, "voltage": 0, "frequency": 0, "lit": []} | known
        hybrids = [hybrid] if known.get("lit") else None
        return sentence(State(grid=GridState(total=0), mains=mains, hybrids=hybrids, time=TIME))  # type: ignore[arg-type]

    hybrid = {"name": "cellar", "phase": "D", "power": 5, "pv": 0, "available": 0, "battery": 5, "capacity_wh": 1}
    hybrid |= {"mode": "self_use", "islanded": True}
    assert told() == "The mains are off: nothing has power."
    assert told(until_s=160.0) == "The mains are off: nothing has power. They are back in 1:00."
    assert told(lit=["A", "B", "C"]) == "The mains are off: cellar keeps L1\N{EN DASH}L3 alive."
    assert told(lit=["A", "C"]) == "The mains are off: cellar keeps L1 and L3 alive."


TIME = {"now_s": 100.0, "scale": 1.0, "paused": False}
