"""The energy ledger and the devices it watches: nothing leaks, and a leak is seen and named."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nullwatt.home import (
    Command,
    Device,
    EnergyTerms,
    House,
    HouseConfig,
    Ledger,
    LoadConfig,
    LoadEvent,
    Quantity,
    SunConfig,
    Value,
    check_command,
)

QUIET = HouseConfig(base_load_w=(), noise_w=0.0, sun=SunConfig(max_w=0.0))


@dataclass
class Heater:
    """Draws `set_w` and turns it into heat; `hidden_w` more flows without being reported."""

    name: str = "heater"
    phase: str = "D"
    set_w: float = 900.0
    hidden_w: float = 0.0
    power_w: float = 0.0
    seen_grid_w: list[tuple[float, ...]] = field(default_factory=list)
    house: House | None = None
    _energy_j: float = 0.0

    quantities = {"power_w": Quantity("W", "AC power")}  # noqa: RUF012
    commands = {"set_w": Command("W", "heating power", 0.0, 3000.0), "mode": Command("", "", choices=("eco", "max"))}  # noqa: RUF012

    def advance(self, dt_s: float) -> None:
        self.power_w = -self.set_w
        self._energy_j += self.set_w * dt_s
        if self.house is not None:
            self.seen_grid_w.append(self.house.surroundings.grid_w)

    def telemetry(self) -> Mapping[str, float]:
        return {"power_w": self.power_w}

    def command(self, name: str, value: Value) -> None:
        setattr(self, name, check_command(self.name, self.commands, name, value))

    def take_energy(self) -> EnergyTerms:
        energy_j, self._energy_j = self._energy_j, 0.0
        return EnergyTerms(sink_j=energy_j, bus_j=-energy_j * (1 + self.hidden_w))


def test_books_of_a_plain_day() -> None:
    config = replace(
        QUIET,
        base_load_w=(100.0, 0.0, -50.0),
        loads=(LoadConfig("oven", 1000.0, "B", on_s=60.0, off_s=60.0, active=True),),
        events=(LoadEvent(1800.0, "oven", False),),
        sun=SunConfig(power_w=400.0, phases=("A", "C")),
    )
    ledger = Ledger()
    house = House(config, ledger=ledger)
    house.advance_to(3600.0)
    assert ledger.ticks == 3600
    assert ledger.devices["oven"] == pytest.approx(EnergyTerms(sink_j=900e3, bus_j=-900e3))
    assert ledger.devices["house: sun"] == pytest.approx(EnergyTerms(source_j=1440e3, bus_j=1440e3))
    assert ledger.devices["house: base load"] == pytest.approx(EnergyTerms(sink_j=360e3, source_j=180e3, bus_j=-180e3))
    assert (ledger.import_j, ledger.export_j) == pytest.approx((900e3, 360e3 + 900e3))
    assert ledger.throughput_j == pytest.approx(900e3 + 1440e3 + 180e3)
    assert abs(ledger.balance_j) <= ledger.leak_j + 1e-3 and ledger.leak_j < 1e-9 * ledger.throughput_j


def test_the_grid_of_the_books_is_the_integral_of_the_true_grid() -> None:
    ledger = Ledger()
    config = HouseConfig(noise_w=50.0, sun=SunConfig(mode="clear_sky", clouds=0.5), seed=3)
    house = House(replace(config, loads=(LoadConfig("pump", 700.0, "C", True, 0.7, 1.9),)), ledger=ledger)
    heater = Heater(phase="A")
    house.add_device(heater)
    net_j, heater_j = 0.0, 0.0
    while house.next_event_s <= 600.0:
        before_s, before_w = house.now_s, sum(house.demand_w)
        house.advance_to(house.next_event_s)
        net_j += before_w * (house.now_s - before_s)
        heater_j = heater.set_w * house.now_s
    assert ledger.import_j - ledger.export_j == pytest.approx(net_j + heater_j, rel=1e-9)


def test_a_device_that_hides_energy_is_named() -> None:
    ledger = Ledger()
    house = House(QUIET, ledger=ledger)
    house.add_device(Heater(name="honest"))
    house.add_device(Heater(name="liar", hidden_w=1e-3))
    house.advance_to(10.0)
    assert ledger.leak_j == pytest.approx(10 * 0.9)
    assert ledger.worst == (pytest.approx(0.9), "liar")


def test_opposite_leaks_do_not_cancel() -> None:
    ledger = Ledger()
    ledger.book((0.0,), [("a", EnergyTerms(source_j=5.0)), ("b", EnergyTerms(sink_j=5.0))])
    assert ledger.balance_j == 0.0 and ledger.leak_j == 10.0


def test_energy_lost_between_device_and_grid_is_a_leak_of_the_wiring() -> None:
    ledger = Ledger()
    ledger.book((100.0, 0.0, 0.0), [("kettle", EnergyTerms.of_power(-300.0))])
    assert ledger.worst == (200.0, "wiring")


def test_devices_move_on_the_raster_and_see_the_balance_before() -> None:
    house = House(replace(QUIET, base_load_w=(300.0,), step_s=0.5))
    heater = Heater(house=house)
    house.add_device(heater)
    house.advance_to(1.2)
    assert heater.seen_grid_w == [(300.0, 0.0, 0.0), (600.0, 300.0, 300.0)]
    assert house.surroundings.time_s == 1.0
    heater.command("set_w", 0.0)
    house.advance_to(1.5)
    assert house.grid_w() == (300.0, 0.0, 0.0)
    house.remove_device("heater")
    assert [device.name for device in house.devices] == ["house: base load", "house: sun"]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("set_wat", 1.0, "heater: no command 'set_wat', did you mean 'set_w'?"),
        ("x", 1.0, "heater: no command 'x', it knows set_w, mode"),
        ("set_w", 3001.0, "heater: set_w = 3001.0: must be within 0 and 3000 W"),
        ("set_w", float("nan"), "heater: set_w = nan: must be a number"),
        ("set_w", True, "heater: set_w = True: must be a number"),
        ("set_w", "9", "heater: set_w = '9': must be a number"),
        ("mode", "boost", "heater: mode = 'boost': must be one of eco, max"),
    ],
)
def test_a_wrong_command_is_one_line(name: str, value: Value, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        Heater().command(name, value)
    assert str(caught.value) == message


def test_what_the_house_moves_is_a_device_too() -> None:
    config = replace(
        QUIET, base_load_w=(10.0, 20.0), loads=(LoadConfig("lamp", 40.0, "C"),), sun=SunConfig(max_w=500.0)
    )
    house = House(config)
    base, sun, lamp = house.devices
    device: Device
    for device in (base, sun, lamp):
        assert set(device.telemetry()) == set(device.quantities)
    lamp.command("active", True)
    sun.command("power_w", 300.0)
    assert (lamp.power_w, sun.power_w, base.power_w) == (-40.0, 300.0, -30.0)
    assert lamp.telemetry() == {"power_w": -40.0, "active": 1.0, "running": 1.0}
    assert base.telemetry() == {"power_w": -30.0, "phase_a_w": -10.0, "phase_b_w": -20.0, "phase_c_w": 0.0}
    assert house.grid_w() == (10.0 - 300.0, 20.0, 40.0)
    for device, name, value in ((lamp, "active", 2.0), (sun, "power_w", 501.0), (base, "power_w", 1.0)):
        with pytest.raises(ValueError):
            device.command(name, value)


def test_names_are_taken_once() -> None:
    house = House(replace(QUIET, loads=(LoadConfig("heater", 1.0),)))
    with pytest.raises(ValueError, match="'heater' is taken"):
        house.add_device(Heater())
    with pytest.raises(ValueError, match="taken"):
        house.add_load(LoadConfig("house: sun", 1.0))
    with pytest.raises(ValueError, match="not in this house"):
        House(replace(QUIET, phases=1)).add_device(Heater(phase="B"))
    with pytest.raises(ValueError, match="no device called 'x'"):
        house.remove_device("x")


def test_a_battery_without_books_is_refused() -> None:
    @dataclass
    class Silent:
        phase: str = "A"
        power_w: float = 0.0

    with pytest.raises(ValueError, match="say where their energy went"):
        House(QUIET, [Silent()], Ledger())


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_nothing_leaks_while_things_come_and_go(data: st.DataObject) -> None:
    ledger = Ledger()
    config = HouseConfig(
        phases=data.draw(st.sampled_from([1, 3])),
        base_load_w=(data.draw(st.floats(-500, 500)),),
        noise_w=data.draw(st.floats(0, 100)),
        sun=SunConfig(max_w=3000.0, mode="clear_sky", clouds=data.draw(st.floats(0, 1))),
        step_s=data.draw(st.sampled_from([0.1, 1.0, 7.3])),
        seed=data.draw(st.integers(0, 99)),
    )
    house = House(config, ledger=ledger)
    phases = st.sampled_from("ABC"[: config.phases])
    for number in range(data.draw(st.integers(1, 12))):
        house.advance_to(house.now_s + data.draw(st.floats(0, 30)))
        match data.draw(st.sampled_from(["load", "device", "solar", "switch", "remove"])):
            case "load":
                on_s, off_s = data.draw(st.sampled_from([(0.0, 0.0), (0.3, 1.1), (5.0, 2.0)]))
                power_w = data.draw(st.floats(-3000, 3000))
                house.add_load(LoadConfig(f"load {number}", power_w, data.draw(phases), True, on_s, off_s))
            case "device":
                house.add_device(Heater(f"heater {number}", data.draw(st.sampled_from(["A", "D"]))))
            case "solar":
                house.set_solar(data.draw(st.floats(0, 3000)))
            case "switch" if house.loads:
                house.switch(house.loads[0].name, data.draw(st.booleans()))
            case "remove" if len(house.devices) > 2:
                name = house.devices[-1].name
                house.remove_device(name) if name.startswith("heater") else house.remove_load(name)
    house.advance_to(house.now_s + 10.0)
    house.close_tick()
    assert ledger.leak_j <= 1e-9 * ledger.throughput_j, ledger.worst
    assert abs(ledger.balance_j) <= 1e-9 * ledger.throughput_j
