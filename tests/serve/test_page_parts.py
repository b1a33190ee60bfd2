"""What the page tells a browser, part by part, without one."""

from nullwatt.serve.page.bars import names, placed, placed_battery
from nullwatt.serve.page.controller import presence_word, share_of
from nullwatt.serve.page.live import Shown
from nullwatt.serve.state import BatteryState, SteeredState


def test_only_what_has_changed_is_told() -> None:
    shown = Shown()
    assert shown.changes({"a": "1", "b": {"t": "x"}}) == {"a": "1", "b": {"t": "x"}}
    assert shown.changes({"a": "1", "b": {"t": "x"}}) == {}
    assert shown.changes({"a": "2"}) == {"a": "2"}
    assert shown.changes({"a": "2", "b": {"t": "y"}}) == {"b": {"t": "y"}}


def battery(mac: str, **known: object) -> BatteryState:
    return BatteryState.model_validate({"mac": mac, "phase": "A", "power": 0.0} | known)


def test_batteries_of_a_kind_are_told_apart() -> None:
    called = names([battery("02B250000001", name="Venus E"), battery("02B250000002", name="Venus E")])
    assert called == {"02B250000001": "Venus E 0001", "02B250000002": "Venus E 0002"}
    called = names([battery("02B250000001", name="Venus E"), battery("02B250000002", type="HMG-50"), battery("AB")])
    assert list(called.values()) == ["Venus E", "HMG-50", "AB"]


def test_a_track_shows_limits_and_target_only_where_they_are_known() -> None:
    unknown = placed("x", 100, 1000)
    assert not isinstance(unknown, str)
    assert (unknown["s"]["--lw"], unknown["s"]["--t"]) == ("0%", "-9%")
    known = placed_battery("x", battery("AB", power=250, max_charge=500, max_discharge=1000, target=500), 1000)
    assert not isinstance(known, str)
    assert known["s"] == {"--l": "50.0%", "--w": "12.5%", "--ll": "25.0%", "--lw": "75.0%", "--t": "75.0%"}
    assert known["a"]["aria-label"] == "x: discharging, +250\N{NO-BREAK SPACE}W"


def test_share_of_the_demand() -> None:
    assert share_of(100, 400) == 0.25
    assert share_of(-100, -400) == 0.25
    assert share_of(500, 400) == 1
    assert share_of(-100, 400) is None
    assert share_of(5, 5) is None
    assert share_of(None, 400) is None


def test_how_a_battery_takes_part() -> None:
    def word(**known: object) -> str:
        return presence_word(SteeredState.model_validate({"mac": "AB"} | known))

    assert word() == "steered"
    assert word(presence=0.5) == "50\N{NO-BREAK SPACE}%"
    assert word(presence=0.0, parked=True) == "parked"
    assert word(online=False, active=False) == "gone"
    assert word(active=False, in_pool=False) == "inactive"
    assert word(manual=True, in_pool=False) == "manual"
    assert word(in_pool=False) == "not in the pool"
