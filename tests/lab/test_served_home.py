"""Orders to the mains and the bill of a served house, as its state shows them."""

import math

import pytest

pytest.importorskip("pvlib", reason="pvlib is not installed")

from nullwatt.core import Config, Emulator
from nullwatt.home import parse_house
from nullwatt.lab import ServedSite, Site, specs_of

BATTERY = {"mac": "02B250000001", "phase": "A"}


@pytest.fixture
def served(request: pytest.FixtureRequest) -> ServedSite:
    file = parse_house({"batteries": [BATTERY], "powermeter": {"base_load": [300, 200, 100]}, **request.param})
    site = Site(file.house_config(), specs_of(file), emulator=Emulator(Config()), address=("127.0.0.1", 0))
    request.addfinalizer(site.close)
    shown = ServedSite(site, lambda: None)
    shown.site = site  # type: ignore[attr-defined]
    return shown


@pytest.mark.parametrize("served", [{}], indirect=True)
def test_mains_are_cut_for_a_while_and_until_restored(served: ServedSite) -> None:
    move = served.site.loop.advance_to  # type: ignore[attr-defined]
    move(30.5)
    mains = served.state().mains
    assert mains is not None and (mains.on, mains.voltage, mains.frequency) == (True, 400, 50)
    assert (mains.until_s, mains.lit) == (None, ["A", "B", "C"])
    served.cut_mains(60.0)
    move(32.0)
    state = served.state()
    assert state.mains is not None and (state.mains.on, state.mains.cut, state.mains.voltage) == (False, True, 0)
    assert state.mains.until_s == pytest.approx(90.5) and state.mains.lit == []
    assert state.grid is not None and state.grid.total == 0 and state.batteries[0].power == 0 and state.house_w == 0
    move(92.0)
    state = served.state()
    assert state.mains is not None and state.mains.on and not state.mains.cut
    served.cut_mains()
    move(5000.0)
    mains = served.state().mains
    assert mains is not None and not mains.on and mains.until_s is None
    served.restore_mains()
    move(5001.0)
    assert served.state().mains.on  # type: ignore[union-attr]
    for wrong in (0.0, -1.0, math.nan):
        with pytest.raises(ValueError, match="must be above 0"):
            served.cut_mains(wrong)
    state = served.state()
    assert (state.money, state.plants, state.hybrids) == (None, None, None), "absent where there is none"


@pytest.mark.parametrize(
    "served", [{"grid": {"outages": [{"from": 5, "to": 9}, {"from": 8, "to": 20}]}}], indirect=True
)
def test_a_planned_outage_is_not_restored_by_hand(served: ServedSite) -> None:
    move = served.site.loop.advance_to  # type: ignore[attr-defined]
    move(6.0)
    mains = served.state().mains
    assert mains is not None and not mains.on and not mains.cut and mains.until_s == 20
    with pytest.raises(ValueError, match="the house file has an outage now; it ends at 20 s"):
        served.restore_mains()
    served.cut_mains(100.0)
    assert served.state().mains.until_s == 106  # type: ignore[union-attr]
    served.restore_mains()
    assert served.state().mains.until_s == 20  # type: ignore[union-attr]


SKY = {
    "weather": {"latitude": 52.5, "longitude": 13.4, "start": "2026-06-21T12:00"},
    "pv": [{"name": "garage", "phase": "A", "strings": [{"peak_w": 700}]}],
    "hybrid": [{"name": "cellar", "island": True, "mppts": [{"strings": [{"peak_w": 6000}]}]}],
    "tariff": {"price": 30, "feed_in": 10, "standing": 25},
}


@pytest.mark.parametrize("served", [SKY], indirect=True)
def test_plants_hybrids_and_money_are_shown_and_an_island_carries_on(served: ServedSite) -> None:
    move = served.site.loop.advance_to  # type: ignore[attr-defined]
    move(60.0)
    state = served.state()
    assert state.plants is not None and state.plants[0].power > 300 and state.plants[0].energy_wh > 0
    assert state.hybrids is not None and state.hybrids[0].pv > 3000 and not state.hybrids[0].islanded
    assert state.money is not None and state.money.today.standing_ct == 25 and state.money.price_ct_kwh == 30
    assert state.money.today.date == "2026-06-21" and len(state.money.days) == 1
    moment = served.record()
    assert moment.sun_w is not None and moment.sun_w > 3500 and moment.hybrids_w is not None
    # All that the moment knows adds up to the house, in which the garage's battery counts too.
    house_w = sum(moment.grid_w) + moment.sun_w + sum(moment.hybrids_w.values()) + sum(moment.batteries_w.values())
    assert house_w == pytest.approx(state.house_w, abs=1)
    served.cut_mains()
    move(75.0)
    state = served.state()
    assert state.mains is not None and not state.mains.on and state.mains.lit == ["A", "B", "C"]
    assert state.hybrids is not None and state.hybrids[0].islanded
    assert state.hybrids[0].power == pytest.approx(600, abs=60) and state.plants[0].power >= 0  # type: ignore[index]
    assert state.grid is not None and state.grid.total == 0


@pytest.mark.parametrize(
    "served", [{"tariff": {"standing": 25}, "step_s": 300.0, "meter": {"refresh_s": 300.0}}], indirect=True
)
def test_the_last_days_are_shown_one_by_one(served: ServedSite) -> None:
    served.site.house.advance_to(16 * 86400.0)  # type: ignore[attr-defined]
    books = served.state().money
    assert books is not None and len(books.days) == 14 and books.days[-1] == books.today
    assert books.today.date == "2026-01-21" and books.days[0].date == "2026-01-08"
    for day in books.days[:-1]:
        assert day.total_ct == pytest.approx(day.energy_ct + 25 - day.earned_ct, abs=0.001) and day.import_kwh > 1
