"""Homes over days: the numbers against what they must be, the ideal batteries, and the command."""

import json
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

pytest.importorskip("pvlib", reason="pvlib is not installed")

from nullwatt.cli.lab import lab
from nullwatt.home import HouseFile, LoadConfig, parse_house, read_text
from nullwatt.lab import Home, HomeComparing, HouseFiles, WhatIfError, demo_house, simulate, specs_of, what_if
from nullwatt.lab.ideal_storage import IdealStorage

#: A battery that can do nothing.
NONE = {"mac": "02B250000001", "phase": "A", "max_charge_power": 0, "max_discharge_power": 0}
WEATHER = {"latitude": 52.5, "longitude": 13.4, "start": "2026-06-29T00:00", "clouds": 0.3}
TARIFF = {"price": 30, "feed_in": 8, "standing": 40, "demand": 500}


def home(**keys: Any) -> HouseFile:
    power = {"base_load": [400, 300, 300], "base_noise": 0, "solar_max": 0} | keys.pop("powermeter", {})
    return parse_house({"powermeter": power, "batteries": [NONE], **keys})


def test_a_home_without_sun_buys_what_it_uses_and_its_months_add_up() -> None:
    seen: list[float] = []
    result = simulate(
        Home.of(home(tariff=TARIFF, date="2026-01-30", powermeter={"sun": {"start": 0}}), "plain"), 4, seen.append
    )
    assert result.import_kwh == pytest.approx(4 * 24.0) == result.used_kwh
    assert (result.export_kwh, result.sun_kwh, result.self_consumption) == (0, 0, None)
    assert result.self_sufficiency == pytest.approx(0, abs=1e-9)
    assert result.peak_w == pytest.approx(1000) and result.battery_cycles == 0
    assert result.demand_ct == pytest.approx(2 * 500)
    assert result.total_ct == pytest.approx(96 * 30 + 4 * 40 + 2 * 500)
    assert [month.month for month in result.months] == ["2026-01", "2026-02"]
    assert [month.import_kwh for month in result.months] == pytest.approx([48, 48])
    assert sum(month.total_ct or 0 for month in result.months) == pytest.approx(result.total_ct)
    assert seen == pytest.approx([0.25, 0.5, 0.75, 1.0])
    assert result.leak_kwh < 1e-9


def test_a_home_with_panels_and_a_hybrid_buys_less_and_its_energy_adds_up() -> None:
    strings = [{"tilt": 35, "azimuth": 180, "peak_w": 6000}]
    cellar = {"name": "cellar", "mppts": [{"strings": strings}], "battery": {"capacity_wh": 8000}}
    plain = simulate(Home.of(home(weather=WEATHER), "plain"), 2)
    rich = simulate(Home.of(home(weather=WEATHER, hybrid=[cellar]), "rich"), 2)
    assert rich.used_kwh == pytest.approx(plain.used_kwh) and rich.import_kwh < 0.5 * plain.import_kwh
    assert rich.sun_kwh > 40 and rich.export_kwh > 0
    assert rich.self_consumption == pytest.approx(1 - rich.export_kwh / rich.sun_kwh)
    assert rich.self_sufficiency == pytest.approx(1 - rich.import_kwh / rich.used_kwh)
    lost = rich.import_kwh + rich.sun_kwh - rich.export_kwh - rich.used_kwh - (rich.stored_kwh or 0)
    assert 0 < lost < 0.12 * rich.sun_kwh
    assert rich.battery_cycles == pytest.approx((rich.battery_kwh or 0) / (8.0 + 2.56)) and rich.battery_cycles > 0.3
    assert rich.leak_kwh < 1e-6 and rich.total_ct is None and rich.months[0].total_ct is None
    assert [month.month for month in rich.months] == ["2026-06"], "the house begins when its weather does"


def test_ideal_batteries_take_the_surplus_and_give_it_back() -> None:
    battery = {"mac": "02B250000001", "phase": "A", "capacity_wh": 4000, "initial_soc": 0.0, "max_charge_power": 1500}
    battery |= {"charge_efficiency": 0.9, "discharge_efficiency": 0.9, "max_discharge_power": 1500}
    sun = {"mode": "clear_sky", "start": 0, "sunrise": 6, "sunset": 18}
    power = {"solar_max": 3000, "sun": sun}
    alone = simulate(Home.of(home(powermeter=power), "alone"), 2)
    kept = simulate(Home.of(home(powermeter=power, batteries=[battery]), "kept"), 2)
    assert kept.import_kwh < alone.import_kwh - 3 and kept.export_kwh < alone.export_kwh - 4
    given_back = alone.import_kwh - kept.import_kwh
    taken = alone.export_kwh - kept.export_kwh
    assert given_back / 0.9 + (kept.stored_kwh or 0) == pytest.approx(taken * 0.9, abs=1e-6)
    assert kept.leak_kwh < 1e-9 and "ideal" in kept.notes[0]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 1), st.floats(0, 3000), st.floats(100, 5000)), min_size=1, max_size=4),
    st.lists(st.floats(-9000, 9000), min_size=1, max_size=8),
)
def test_ideal_batteries_never_overdo_it(units: list[tuple[float, float, float]], balances: list[float]) -> None:
    sections = [
        {"mac": f"02B25000000{at}", "phase": "A", "initial_soc": soc, "max_charge_power": w, "max_discharge_power": w}
        | {"capacity_wh": capacity}
        for at, (soc, w, capacity) in enumerate(units)
    ]
    storage = IdealStorage(specs_of(home(batteries=sections)))
    for balance_w in balances:
        storage.follow(balance_w, 60.0)
        given_w = sum(battery.power_w for battery in storage.batteries)
        assert abs(given_w) <= abs(balance_w) + 1e-6 and given_w * balance_w >= 0, "no more than is needed"
        for battery, (_, most_w, _) in zip(storage.batteries, units, strict=True):
            assert abs(battery.power_w) <= most_w + 1e-6
            books = battery.take_energy()
            assert books.overdrawn_j + books.turned_away_j == pytest.approx(0, abs=1e-3)
        free = [b for b in storage.batteries if 0.001 < b.soc < 0.999 and abs(b.power_w) < b.max_discharge_w - 1e-6]
        if free:
            assert given_w == pytest.approx(balance_w, abs=1e-6), "and all of it while one can"


def test_ideal_batteries_stand_in_an_outage() -> None:
    battery = {"mac": "02B250000001", "phase": "A", "initial_soc": 1.0, "capacity_wh": 1e6, "max_discharge_power": 2000}
    grid = {"outages": [{"from": 3600, "to": 7200}], "reconnect": 600}
    result = simulate(Home.of(home(batteries=[battery], grid=grid), "dark"), 1)
    assert result.used_kwh == pytest.approx(23.0)
    assert result.import_kwh == pytest.approx(600 / 3600, abs=0.02), "until they may feed in again"
    assert result.leak_kwh < 1e-9


def test_two_homes_side_by_side_under_one_sky_and_stopped() -> None:
    plant = {"name": "roof", "strings": [{"peak_w": 3000}]}
    a, b = home(weather=WEATHER, seed=1), home(weather=WEATHER, seed=2, pv=[plant])
    done: list[float] = []
    first, second = what_if([Home.of(a, "a"), Home.of(b, "b")], 2, done.append)
    assert (first.name, second.name) == ("a", "b") and second.import_kwh < first.import_kwh
    assert done == sorted(done) and done[-1] <= 1
    same = simulate(Home.of(home(weather=WEATHER, seed=1, pv=[plant]), "b"), 2)
    assert second == same, "the seed of the first counts"
    with pytest.raises(WhatIfError, match="stopped"):
        what_if([Home.of(a, "a")], 3000, stopped=lambda: True)


def test_beside_a_running_house(tmp_path: Path) -> None:
    (tmp_path / "prices.csv").write_text("time,price\n2026-01-05T00:00,20\n2026-01-05T12:00,30\n")
    document = {
        "powermeter": {
            "base_load": [500],
            "phases": 1,
            "appliances": [{"kind": "fridge", "name": "cold", "phase": "A"}],
        },
        "batteries": [{"mac": "112233445566", "phase": "A"}],
        "grid": {"outages": [{"from": 5, "to": 6}]},
        "tariff": {"kind": "dynamic", "file": "prices.csv"},
        "mqtt_insights": {"broker": "mqtt://me:secret@broker"},
        "http": {"port": 1234},
    }
    file = parse_house(document, folder=tmp_path)
    comparing = HomeComparing(HouseFiles(file, tmp_path))
    text = comparing.own()
    assert "secret" not in text and "1234" not in text
    again = parse_house(read_text(text), folder=tmp_path)
    home_of = ("powermeter", "batteries", "grid", "tariff")
    assert again.model_dump(include=set(home_of)) == file.model_dump(include=set(home_of))
    assert comparing.state() is None
    for broken, words in (
        ("a: [", "home B: line 1: not YAML"),
        (text.replace("112233445566", "112233"), "home B: batteries[0].mac ="),
        (text.replace("base_load", "base_laod"), 'unknown key, did you mean "base_load"?'),
        (
            text.replace("prices.csv", "/etc/passwd"),
            "home B: tariff.file = '/etc/passwd': on the page only files beside",
        ),
        ("x" * 60_001, "longer than 60000 characters"),
    ):
        with pytest.raises(ValueError) as told:
            comparing.check(broken, "home B")
        assert words in str(told.value) and "\n" not in str(told.value)
    comparing.check(text, "home A")
    comparing.start([text, text.replace("500", "400")], ["home A", "home B"], 2)
    with pytest.raises(ValueError, match="a comparison is running; stop it first"):
        comparing.start([text, text], ["a", "b"], 2)
    end = time.monotonic() + 60
    while (state := comparing.state()) is not None and state.running and time.monotonic() < end:
        time.sleep(0.05)
    assert state is not None and state.failed is None and state.done == 1
    assert [result.name for result in state.homes] == ["home A", "home B"]
    assert (state.homes[0].total_ct or 0) > (state.homes[1].total_ct or 0) > 0
    comparing.start([text, text], ["home A", "home B"], 3000)
    comparing.stop()
    comparing.close()
    state = comparing.state()
    assert state is not None and state.failed == "stopped" and not state.running
    assert "what-if" not in [thread.name for thread in threading.enumerate()]


def test_very_many_events_are_not_shown() -> None:
    text = HomeComparing(HouseFiles(demo_house(0))).own()
    assert text.startswith("# 8638 events of loads are left out\n") and len(text.splitlines()) < 60
    HomeComparing(HouseFiles(demo_house(0))).check(text, "demo")
    assert "events:" in HomeComparing(HouseFiles(demo_house(120))).own()


def test_what_is_found_out_late_is_told() -> None:
    fine = Home.of(home(), "a")
    broken = replace(fine, house=replace(fine.house, phases=1, base_load_w=(), loads=(LoadConfig("x", 1.0, "B"),)))
    with pytest.raises(WhatIfError, match=r"^a: .* phase B, which this house does not have$"):
        what_if([broken], 1)


def test_the_command(tmp_path: Path) -> None:
    for name, load in (("a.yaml", 500), ("b.json", 300)):
        text = {"powermeter": {"base_load": [load], "phases": 1, "solar_max": 0}, "batteries": [NONE], "tariff": {}}
        (tmp_path / name).write_text(json.dumps(text))
    out = tmp_path / "out.json"
    arguments = ["what-if", str(tmp_path / "a.yaml"), str(tmp_path / "b.json"), "--days", "1", "--json", str(out)]
    result = CliRunner().invoke(lab, arguments)
    assert result.exit_code == 0, result.output
    assert "from the grid, kWh" in result.output and "note: batteries that poll a meter are ideal" in result.output
    homes = json.loads(out.read_text())
    assert [round(each["import_kwh"], 3) for each in homes] == pytest.approx([12.0, 7.2], abs=0.1)
    (tmp_path / "b.json").write_text('{"batteries": []}')
    result = CliRunner().invoke(lab, arguments)
    assert result.exit_code == 2 and "b.json: batteries = []: must not be empty" in result.output
