"""Batteries, house and ledger together: nothing leaks in a month, and keeping books changes no result."""

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nullwatt.battery import Battery, BatteryConfig
from nullwatt.core import Config, Emulator
from nullwatt.home import APPLIANCES, House, HouseConfig, Ledger, LoadConfig, SunConfig, parse_appliance
from nullwatt.lab import SCENARIOS, BatteryDevice, Loop

DAYS, STEP_S = 30, 600.0


def a_battery(rng: random.Random, number: int) -> Battery:
    return Battery(
        BatteryConfig(
            mac=f"02B2500000{number:02X}",
            phase=rng.choice("ABCD"),
            device_type=rng.choice(["HMG-50", "VNSD-0", "HMJ-2"]),
            capacity_wh=rng.choice([0.0, 500.0, 5120.0]),
            initial_soc=rng.random(),
            startup_delay_s=rng.choice([0.0, 2.0]),
            charge_efficiency=rng.uniform(0.8, 1),
            discharge_efficiency=rng.uniform(0.8, 1),
            standby_w=rng.uniform(0, 20),
            max_dc_input_w=1000.0,
        )
    )


def a_house(rng: random.Random, ledger: Ledger, step_s: float = STEP_S) -> tuple[House, list[BatteryDevice]]:
    def load(number: int) -> LoadConfig:
        cycle_s = rng.choice([(0.0, 0.0), (rng.uniform(60, 9000), rng.uniform(60, 9000))])
        return LoadConfig(f"load {number}", rng.uniform(-500, 3000), rng.choice("ABC"), rng.random() < 0.5, *cycle_s)

    sun = SunConfig(
        max_w=rng.uniform(0, 6000), phases=tuple(rng.sample("ABC", 2)), mode="clear_sky", clouds=rng.random()
    )
    base_w = (rng.uniform(-100, 500), rng.uniform(0, 300), 0.0)
    kinds = rng.sample(sorted(set(APPLIANCES) - {"replay", "television", "induction_hob"}), 3)  # both too busy
    appliances = [{"name": f"my {kind}", "kind": kind, "phase": rng.choice("ABCD"), "active": True} for kind in kinds]
    loads = (*(load(i) for i in range(5)), *map(parse_appliance, appliances))
    config = HouseConfig(3, base_w, rng.uniform(0, 50), 60.0, loads, sun=sun, step_s=step_s)
    house = House(replace(config, meter=replace(config.meter, refresh_s=3600.0), seed=rng.randrange(99)), (), ledger)
    devices = [BatteryDevice(a_battery(rng, number)) for number in range(rng.randint(1, 4))]
    for device in devices:
        house.add_device(device)
    return house, devices


def live(house: House, devices: list[BatteryDevice], rng: random.Random, end_s: float) -> None:
    """Somebody steers, switches and meddles at random times."""
    while house.now_s < end_s:
        house.advance_to(min(end_s, house.now_s + rng.uniform(10, 7200)))
        device = rng.choice(devices)
        device.battery.plant.target_w = rng.uniform(-1000, 1000)
        match rng.randrange(6):
            case 0:
                house.switch(rng.choice(house.loads).name, rng.random() < 0.5)
            case 1:
                device.command("dc_input_w", rng.uniform(0, 1000))
            case 2 if rng.random() < 0.1:
                device.command("soc", rng.random())
            case 3:
                device.command("max_discharge_w", rng.uniform(0, 1000))


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32))
def test_nothing_leaks_in_thirty_random_days(seed: int) -> None:
    rng, ledger = random.Random(seed), Ledger()
    house, devices = a_house(rng, ledger)
    live(house, devices, rng, DAYS * 86400.0)
    assert ledger.ticks == DAYS * 86400 / STEP_S
    assert ledger.leak_j < 1e-9 * ledger.throughput_j, ledger.worst
    assert abs(ledger.balance_j) < 1e-9 * ledger.throughput_j


def test_a_battery_that_forgets_its_standby_is_caught() -> None:
    class Forgetful(BatteryDevice):
        def take_energy(self):  # type: ignore[no-untyped-def]
            return super().take_energy()._replace(loss_j=0.0)

    ledger = Ledger()
    house = House(HouseConfig(), (), ledger)
    house.add_device(Forgetful(Battery(BatteryConfig(mac="02B250000001", standby_w=5.0))))
    house.advance_to(100.0)
    assert ledger.leak_j == pytest.approx(500.0) and ledger.worst[1] == "02B250000001"


def test_books_change_no_result_and_close_to_nothing_in_the_loop() -> None:
    scenario = replace(SCENARIOS["three_phase_mixed"], duration_s=300)
    plain = Loop(scenario, Emulator(Config()))
    ledger = Ledger()
    booked = Loop(scenario, Emulator(Config()), ledger=ledger)
    one, two = plain.run(), booked.run()
    for name in ("grid_w", "demand_w", "power_w", "target_w", "soc"):
        assert getattr(one, name).tobytes() == getattr(two, name).tobytes(), name
    assert ledger.ticks == 299
    assert set(ledger.devices) >= {battery.mac for battery in booked.batteries}
    assert ledger.leak_j < 1e-9 * ledger.throughput_j, ledger.worst


def test_battery_device_shows_and_takes_what_it_says() -> None:
    device = BatteryDevice(Battery(BatteryConfig(mac="02b250000001", phase="D", max_dc_input_w=500.0)))
    assert device.name == "02B250000001" and device.phase == "D"
    assert set(device.telemetry()) == set(device.quantities)
    for name, value in (("soc", 0.25), ("dc_input_w", 300.0), ("max_charge_w", 400.0), ("max_discharge_w", 350.0)):
        device.command(name, value)
        assert device.telemetry()[name] == value
    for name, value in (("soc", 1.1), ("dc_input_w", 501.0), ("max_charge_w", -1.0), ("sock", 1.0)):
        with pytest.raises(ValueError, match="02B250000001: "):
            device.command(name, value)
