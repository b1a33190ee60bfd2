"""A hybrid inverter: every joule accounted for, every limit kept, every setting with an effect."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("pvlib", reason="pvlib is not installed")

from pydantic import ValidationError

from nullwatt.home import (
    GridSection,
    House,
    HouseConfig,
    Hybrid,
    HybridConfig,
    HybridSettings,
    Ledger,
    LoadConfig,
    LoadEvent,
    PvPlantConfig,
    SunConfig,
    WeatherConfig,
    parse_house,
)

NOON: dict[str, Any] = {"latitude": 52.52, "longitude": 13.405, "start": "2026-06-21T11:00"}  # UTC
NIGHT = {**NOON, "start": "2026-06-21T23:00"}
PANELS = [{"strings": [{"peak_w": 6000.0}]}]


def hybrid(keys: dict[str, Any], options: dict[str, Any]) -> HybridConfig:
    return HybridConfig(**{"name": "h", "response_s": 0.0, "mppts": PANELS, **keys, "settings": options})


class Home:
    """A house with one constant load and one hybrid inverter."""

    def __init__(
        self,
        load_w: float | Sequence[float] = 1000.0,
        weather: dict[str, Any] | None = NOON,
        step_s: float = 1.0,
        others_w: float = 0.0,
        loads: tuple[LoadConfig, ...] = (),
        events: tuple[LoadEvent, ...] = (),
        noise_w: float = 0.0,
        seed: int = 1,
        *,
        unit: dict[str, Any] | None = None,
        **options: Any,
    ) -> None:
        self.ledger = Ledger()
        if weather is None:
            unit = {"mppts": [], **(unit or {})}
        self.config = hybrid(unit or {}, options)
        config = HouseConfig(
            base_load_w=(load_w,) if isinstance(load_w, float) else tuple(load_w),
            noise_w=noise_w,
            loads=loads,
            events=events,
            sun=SunConfig(max_w=others_w, power_w=others_w),
            seed=seed,
            step_s=step_s,
            weather=None if weather is None else WeatherConfig(**weather),
            hybrids=(self.config,),
        )
        self.house = House(config, ledger=self.ledger)
        device = self.house.device("h")
        assert isinstance(device, Hybrid)
        self.hybrid = device

    def after(self, seconds: float) -> dict[str, float]:
        self.house.advance_to(self.house.now_s + seconds)
        assert self.ledger.leak_j <= 1e-9 * self.ledger.throughput_j + 1e-6, self.ledger.worst
        return {**self.hybrid.telemetry(), "grid_w": sum(self.house.grid_w())}


# -- self-use


def test_by_day_the_house_comes_first_then_the_battery() -> None:
    seen = Home(1000.0).after(10)
    assert seen["grid_w"] == pytest.approx(0, abs=1e-6) and seen["power_w"] == pytest.approx(1000)
    assert seen["battery_w"] < -1500  # the rest of the sun
    assert seen["pv_w"] == seen["available_w"] > 3500


def test_at_night_the_battery_carries_the_house_down_to_its_reserve_and_then_it_sleeps() -> None:
    home = Home(1000.0, NIGHT, unit={"battery": {"capacity_wh": 1000.0, "initial_soc": 0.5}}, reserve_soc=0.2)
    assert home.after(10)["grid_w"] == pytest.approx(0, abs=1e-6)
    seen = home.after(1800)
    assert seen["soc"] == pytest.approx(0.2, abs=1e-9) and seen["battery_w"] == 0
    assert seen["power_w"] == -10.0 and seen["grid_w"] == pytest.approx(1010)


def test_a_full_battery_gives_the_rest_to_the_grid() -> None:
    seen = Home(1000.0, unit={"battery": {"initial_soc": 1.0}}).after(10)
    assert seen["battery_w"] == pytest.approx(0, abs=1e-9) and seen["grid_w"] < -2000


def test_surplus_of_others_is_stored_too() -> None:
    seen = Home(200.0, NIGHT, others_w=1200.0).after(10)
    assert seen["grid_w"] == pytest.approx(0, abs=1e-6)
    assert seen["power_w"] == pytest.approx(-1000) and -1000 < seen["battery_w"] < -900


def test_the_connection_is_held_at_what_was_set() -> None:
    assert Home(1000.0, grid_target_w=150.0).after(10)["grid_w"] == pytest.approx(150)


def test_priorities_say_who_gets_the_sun_first() -> None:
    battery = Home(1000.0, priority="battery").after(10)
    assert battery["battery_w"] == pytest.approx(-0.99 * battery["pv_w"] + 30) and battery["grid_w"] > 990
    grid = Home(1000.0, priority="grid").after(10)
    assert grid["battery_w"] == pytest.approx(0, abs=1e-6) and grid["grid_w"] < -2000
    # What may not be fed in is stored after all.
    limited = Home(1000.0, priority="grid", feed_in_limit_w=500.0).after(10)
    assert limited["grid_w"] == pytest.approx(-500) and limited["battery_w"] < -1000
    for priority in ("battery", "grid"):  # without sun they are the same
        assert Home(1000.0, NIGHT, priority=priority).after(10)["grid_w"] == pytest.approx(0, abs=1e-6)


# -- limits


@pytest.mark.parametrize(
    ("options", "export_w"),
    [
        ({"zero_export": True}, 0.0),
        ({"feed_in_limit_w": 700.0}, 700.0),
        ({"feed_in_limit_percent": 10.0}, 600.0),
        ({"feed_in_limit_w": 700.0, "feed_in_limit_percent": 10.0}, 600.0),
    ],
)
def test_feed_in_limits_throttle_the_panels(options: dict[str, Any], export_w: float) -> None:
    seen = Home(1000.0, unit={"battery": {"initial_soc": 1.0}}, **options).after(10)
    assert seen["grid_w"] == pytest.approx(-export_w, abs=1e-6)
    assert seen["export_limit_w"] == export_w
    assert seen["pv_w"] < seen["available_w"] - 1000


def test_the_limit_holds_for_the_connection_whoever_else_feeds_in() -> None:
    home = Home(1000.0, others_w=900.0, unit={"battery": {"initial_soc": 1.0}}, feed_in_limit_w=300.0)
    assert home.after(10)["grid_w"] == pytest.approx(-300, abs=1e-6)


def test_limits_of_trackers_power_stage_and_battery() -> None:
    tracker = Home(1000.0, unit={"mppts": [{**PANELS[0], "max_w": 1500.0}]}).after(10)
    assert tracker["pv_w"] == pytest.approx(1500)
    asleep = Home(1000.0, unit={"mppts": [{**PANELS[0], "min_w": 5990.0}]}).after(10)
    assert asleep["pv_w"] == 0
    stage = Home(9000.0, unit={"ac_max_w": 2000.0}).after(10)
    assert stage["power_w"] == pytest.approx(2000)
    half = Home(9000.0, unit={"ac_max_w": 2000.0}, power_limit_percent=50.0).after(10)
    assert half["power_w"] == pytest.approx(1000)
    battery = Home(9000.0, NIGHT, discharge_max_w=1200.0).after(10)
    assert battery["battery_w"] == pytest.approx(1200)
    charging = Home(100.0, charge_max_w=300.0).after(10)
    assert charging["battery_w"] == pytest.approx(-300) and charging["grid_w"] < -2000
    rectifier = Home(100.0, NIGHT, others_w=4000.0, unit={"ac_charge_max_w": 800.0}).after(10)
    assert rectifier["power_w"] == pytest.approx(-800)
    full = Home(100.0, unit={"battery": {"capacity_wh": 100.0}}, max_soc=0.6).after(600)
    assert full["soc"] == pytest.approx(0.6, abs=1e-9)


def test_it_follows_with_its_time_constant() -> None:
    home = Home(1000.0, NIGHT, step_s=0.1, unit={"response_s": 2.0})
    assert home.after(2.0)["power_w"] == pytest.approx(1000 * (1 - 0.3679), abs=15)
    assert home.after(20.0)["grid_w"] == pytest.approx(0, abs=0.1)


# -- windows and backup


def test_windows_charge_hold_and_discharge_by_the_clock() -> None:
    windows = [
        {"action": "charge", "from_h": 23.5, "to_h": 1, "power_w": 2000, "soc": 0.6},
        {"action": "hold", "from_h": 1, "to_h": 2},
        {"action": "discharge", "from_h": 2, "to_h": 3, "power_w": 3000, "soc": 0.4},
    ]
    weather = {**NIGHT, "start": "2026-12-21T23:00"}
    home = Home(500.0, weather, step_s=10.0, mode="time_of_use", windows=windows)
    assert home.after(600)["window"] == 0 and home.after(10)["grid_w"] == pytest.approx(0, abs=1e-6)  # self-use
    seen = home.after(1800)  # 23:40, over midnight
    assert seen["window"] == 1 and seen["battery_w"] == pytest.approx(-2000) and seen["grid_w"] > 2500
    seen = home.after(4500)  # 0:55: reached
    assert seen["window"] == 1 and seen["soc"] == pytest.approx(0.6, abs=1e-6)
    assert seen["battery_w"] == pytest.approx(0, abs=1e-6) and seen["grid_w"] == pytest.approx(530, abs=25)
    seen = home.after(1800)  # 1:25
    assert seen["window"] == 2 and seen["soc"] == pytest.approx(0.6, abs=1e-6)
    seen = home.after(2400)  # 2:05
    assert seen["window"] == 3 and seen["battery_w"] == pytest.approx(3000) and seen["grid_w"] < -2000
    seen = home.after(3000)  # 2:55: at its bottom the house is on its own, but for what self-use may still give
    assert seen["soc"] < 0.401 and seen["battery_w"] < 600


def test_windows_that_may_not_use_the_grid_only_hold() -> None:
    windows = [{"action": "charge", "from_h": 0, "to_h": 0, "power_w": 2000}]
    seen = Home(500.0, NIGHT, mode="time_of_use", windows=windows, grid_charge=False).after(10)
    assert seen["battery_w"] == pytest.approx(0, abs=1e-6) and seen["grid_w"] == pytest.approx(530, abs=5)


def test_windows_can_be_set_while_it_runs_and_without_weather() -> None:
    home = Home(500.0, None)  # SunConfig starts at noon
    assert home.after(10)["grid_w"] == pytest.approx(0, abs=1e-6)
    for name, value in (("from_h", 11.0), ("to_h", 13.0), ("power_w", 1500.0), ("soc", 0.9), ("action", "charge")):
        home.hybrid.command(f"window_4_{name}", value)
    assert home.after(10)["window"] == 0
    home.hybrid.command("mode", "time_of_use")
    seen = home.after(10)
    assert seen["window"] == 4 and seen["battery_w"] == pytest.approx(-1500)
    assert home.after(3600)["window"] == 0


def test_backup_fills_the_battery_and_keeps_it() -> None:
    home = Home(500.0, NIGHT, step_s=10.0, unit={"battery": {"capacity_wh": 2000.0}}, mode="backup", charge_max_w=1500)
    assert home.after(10)["battery_w"] == pytest.approx(-1500)
    seen = home.after(3600)
    assert seen["soc"] == pytest.approx(1) and seen["grid_w"] == pytest.approx(530, abs=25)


# -- outages


def outage(home: Home, seconds: float = 5.0) -> dict[str, float]:
    home.house.surroundings.mains = False
    return home.after(seconds)


def test_without_mains_it_leaves_the_wires_and_returns_a_minute_after_them() -> None:
    home = Home(1000.0)
    home.after(10)
    seen = outage(home)
    assert seen["power_w"] == 0 and seen["islanded"] == 0 and seen["battery_w"] < 0  # panels still charge
    home.house.surroundings.mains = True
    assert home.after(59)["power_w"] == 0
    assert home.after(5)["power_w"] == pytest.approx(1000)


def test_an_island_carries_its_own_phase_and_uses_its_reserve() -> None:
    home = Home(
        [800.0, 700.0, 0.0],
        NIGHT,
        unit={"phase": "A", "island": True, "battery": {"capacity_wh": 1000.0, "initial_soc": 0.25}},
        reserve_soc=0.2,
        min_soc=0.1,
    )
    seen = outage(home)
    assert seen["islanded"] == 1 and seen["power_w"] == pytest.approx(800)
    assert home.house.grid_w()[0] == pytest.approx(0, abs=1e-6)
    assert home.after(250)["soc"] < 0.2
    seen = home.after(900)
    assert seen["islanded"] == 0 and seen["power_w"] == 0 and seen["soc"] >= 0.1 - 1e-9


def test_an_overloaded_island_trips_and_tries_again() -> None:
    kettle = LoadConfig("kettle", 6000.0, "A")
    events = (LoadEvent(10.0, "kettle", True), LoadEvent(15.0, "kettle", False))
    home = Home(500.0, NIGHT, loads=(kettle,), events=events, unit={"phase": "A", "island": True, "restart_s": 10.0})
    assert outage(home, 9.5)["islanded"] == 1
    assert home.after(3)["islanded"] == 0 and home.hybrid.power_w == 0
    assert home.after(4)["islanded"] == 0  # the kettle is off, but it waits
    assert home.after(10)["islanded"] == 1


def test_an_island_in_the_sun_throttles_its_panels() -> None:
    home = Home(300.0, unit={"phase": "A", "island": True, "battery": {"initial_soc": 1.0}})
    seen = outage(home)
    assert seen["power_w"] == pytest.approx(300) and 300 < seen["pv_w"] < 400 < seen["available_w"]


# -- settings


def test_every_setting_of_a_file_is_a_command_with_the_same_range() -> None:
    fields = set(HybridSettings.model_fields) - {"windows"}
    commands = {name for name in Hybrid.commands if not name.startswith("window_")} - {"soc", "fault"}
    assert fields == commands
    for name in fields:
        command = Hybrid.commands[name]
        values = command.choices or (command.low, command.high)
        for value in values:
            HybridSettings(**{name: value})
        for wrong in ("x",) if command.choices else (command.low - 1, command.high + 1):
            with pytest.raises(ValidationError):
                HybridSettings(**{name: wrong})
    windows = {name.split("_", 2)[2] for name in Hybrid.commands if name.startswith("window_")}
    assert windows == {"action", "from_h", "to_h", "power_w", "soc"}


def test_settings_can_be_read_where_they_are_told() -> None:
    device = Home(zero_export=True, mode="backup", reserve_soc=0.3).hybrid
    device.command("window_2_action", "hold")
    shown = device.telemetry()
    assert shown.keys() == device.quantities.keys() > device.commands.keys() - {"soc"}
    assert (shown["zero_export"], shown["mode"], shown["reserve_soc"], shown["window_2_action"]) == (1, 2, 0.3, 3)
    assert device.quantities["mode"].text.endswith("0 = self_use, 1 = time_of_use, 2 = backup")


def test_wrong_commands_are_one_line() -> None:
    device = Home().hybrid
    with pytest.raises(ValueError, match=r"^h: no command 'reserve', did you mean 'reserve_soc'\?$"):
        device.command("reserve", 0.3)
    with pytest.raises(ValueError, match=r"^h: reserve_soc = 30: must be within 0 and 1$"):
        device.command("reserve_soc", 30)
    with pytest.raises(ValueError, match=r"^h: mode = 'eco': must be one of self_use, time_of_use, backup$"):
        device.command("mode", "eco")


def test_off_is_off_and_a_charge_set_by_hand_is_booked() -> None:
    home = Home()
    home.hybrid.command("on", False)
    assert home.after(5)["pv_w"] == 0 and home.hybrid.power_w == 0
    home.hybrid.command("soc", 0.9)
    assert home.after(1)["soc"] == 0.9
    assert home.ledger.devices["h"].adjusted_j == pytest.approx(0.4 * 36e6)


def test_a_house_file_has_it_on_the_wires() -> None:
    document = {
        "batteries": [{"mac": "02B250000001", "phase": "A"}],
        "powermeter": {"base_load": [300, 300, 300], "base_noise": 0},
        "weather": NOON,
        "pv": [{"name": "garage", "phase": "B", "strings": [{"peak_w": 1000}]}],
        "hybrid": [{"name": "cellar", "mppts": PANELS, "settings": {"zero_export": True}}],
    }
    house = House(parse_house(document).house_config(), ledger=Ledger())
    house.advance_to(60.0)
    assert [device.name for device in house.devices][-3:] == ["house: weather", "garage", "cellar"]
    assert sum(house.grid_w()) == pytest.approx(0, abs=0.5)
    with pytest.raises(ValueError, match="panels need weather"):
        HouseConfig(pv=(PvPlantConfig(name="p", strings=[{"peak_w": 1.0}]),))  # type: ignore[list-item]


# -- invariants

unit_keys = st.fixed_dictionaries(
    {
        "phase": st.sampled_from("ABCD"),
        "ac_max_w": st.floats(100, 12_000),
        "ac_charge_max_w": st.floats(0, 12_000),
        "standby_w": st.floats(0, 100),
        "night_w": st.floats(0, 20),
        "loss_linear": st.floats(0, 0.2),
        "loss_square": st.floats(0, 0.2),
        "response_s": st.sampled_from([0.0, 1.0, 100.0]),
        "island": st.booleans(),
        "mppts": st.lists(
            st.fixed_dictionaries(
                {
                    "strings": st.just([{"peak_w": 3000.0, "azimuth": 200.0}]),
                    "max_w": st.floats(100, 5000),
                    "min_w": st.floats(0, 500),
                    "efficiency": st.floats(0.9, 1),
                }
            ),
            max_size=2,
        ),
        "battery": st.fixed_dictionaries(
            {
                "capacity_wh": st.sampled_from([0.0, 50.0, 5000.0]),
                "initial_soc": st.floats(0, 1),
                "charge_efficiency": st.floats(0.8, 1),
                "discharge_efficiency": st.floats(0.8, 1),
            }
        ),
    }
)


@settings(max_examples=30, deadline=None)
@given(unit_keys, st.integers(0, 999), st.sampled_from([1.0, 60.0, 900.0]), st.data())
def test_whatever_is_set_energy_balances_and_hard_limits_hold(
    unit: dict[str, Any], seed: int, step_s: float, data: st.DataObject
) -> None:
    weather = {**NOON, "raster_s": 900.0, "clouds": 0.5, "start": f"2026-06-21T{seed % 24:02}:00"}
    loads = (LoadConfig("pump", 2500.0, "B", True, 130.0, 170.0),)
    home = Home(400.0, weather, step_s, 1500.0, loads, noise_w=200.0, seed=seed, unit=unit)
    device, config, around = home.hybrid, home.config, home.house.surroundings
    orders = st.sampled_from([name for name in device.commands if name != "soc"])
    before_soc = device.soc
    for _ in range(40):
        if data.draw(st.booleans()):
            name = data.draw(orders)
            command = device.commands[name]
            value = data.draw(
                st.sampled_from(command.choices)
                if command.choices
                else st.floats(max(command.low, -8000.0), min(command.high, 8000.0))
            )
            device.command(name, value)
        around.mains = data.draw(st.integers(0, 9)) > 0
        seen = home.after(step_s)
        told = device.settings
        assert seen["power_w"] <= config.ac_max_w + 1e-6
        assert seen["power_w"] >= -max(config.ac_charge_max_w or 0.0, 200.0) - 1e-6  # or its own consumption
        if around.mains:
            most_w = config.ac_max_w * float(told["power_limit_percent"]) / 100
            assert seen["power_w"] <= most_w + 1e-6
        assert -float(told["charge_max_w"]) - 1e-6 <= seen["battery_w"] <= float(told["discharge_max_w"]) + 1e-6
        assert 0.0 <= seen["pv_w"] <= seen["available_w"] + 1e-6
        assert 0.0 <= seen["soc"] <= 1.0
        if seen["soc"] < before_soc - 1e-9:
            assert seen["soc"] >= float(told["min_soc"]) - 1e-9
            if around.mains:
                assert seen["soc"] >= float(told["reserve_soc"]) - 1e-9
        if seen["soc"] > before_soc + 1e-9:
            assert seen["soc"] <= float(told["max_soc"]) + 1e-9
        before_soc = seen["soc"]
        assert seen["loss_w"] >= -1e-9
        assert home.ledger.last.loss_j >= -1e-6
    terms = home.ledger.devices["h"]
    assert terms.source_j >= 0 and terms.loss_j >= -1e-6
    assert abs(terms.adjusted_j) < 1e-3
    assert home.ledger.leak_j <= 1e-9 * home.ledger.throughput_j + 1e-6


@settings(max_examples=10, deadline=None)
@given(st.floats(0, 4000), st.floats(0, 6000), st.floats(0, 1), st.floats(0, 3000))
def test_the_feed_in_limit_holds_wherever_panels_can_be_throttled(
    load_w: float, limit_w: float, soc: float, others_w: float
) -> None:
    home = Home(load_w, others_w=others_w, unit={"battery": {"initial_soc": soc}}, feed_in_limit_w=limit_w)
    seen = home.after(5)
    others_export_w = max(0.0, others_w - load_w)
    assert seen["grid_w"] >= -max(limit_w, others_export_w) - 1e-6


# --- in a house whose mains fail by plan


@pytest.mark.parametrize(("keys", "lit"), [({"island": True}, True), ({"island": False}, False)])
def test_a_planned_outage_is_carried_and_nothing_leaks(keys: dict[str, Any], lit: bool) -> None:
    ledger = Ledger()
    battery = {"capacity_wh": 5000, "initial_soc": 0.5}
    config = HouseConfig(
        phases=1,
        base_load_w=(800.0,),
        noise_w=0.0,
        weather=WeatherConfig(**NIGHT),
        hybrids=(hybrid({"mppts": [], "battery": battery, **keys}, {}),),
        grid=GridSection.model_validate({"outages": [{"from": 60, "to": 660}]}),
    )
    house = House(config, ledger=ledger)
    (inverter,) = (device for device in house.devices if isinstance(device, Hybrid))
    house.advance_to(300)
    assert house.lit == (lit,) and not house.mains
    assert inverter.power_w == pytest.approx(800.0 if lit else 0.0)
    assert house.grid_w() == (0.0,)
    stored = inverter.soc
    house.advance_to(600)
    drawn_wh = (stored - inverter.soc) * 5000
    assert 66 < drawn_wh < 80 if lit else drawn_wh < 3  # 800 W for five minutes; what it needs itself
    house.advance_to(900)
    assert house.mains and house.lit == (True,)
    assert ledger.leak_j <= 1e-9 * ledger.throughput_j


def test_an_island_ends_with_the_store_and_comes_back_with_the_mains() -> None:
    ledger = Ledger()
    battery = {"capacity_wh": 100, "initial_soc": 0.3}
    config = HouseConfig(
        phases=1,
        base_load_w=(1000.0,),
        weather=WeatherConfig(**NIGHT),
        hybrids=(hybrid({"mppts": [], "battery": battery, "island": True}, {}),),
        grid=GridSection.model_validate({"outages": [{"from": 10, "to": 1210}]}),
    )
    house = House(config, ledger=ledger)
    house.advance_to(20)
    assert house.lit == (True,)
    house.advance_to(1000)
    assert house.lit == (False,)
    assert ledger.leak_j <= 1e-9 * ledger.throughput_j
