"""What a battery and a host see of the emulator, through the Python door."""

import math
from collections.abc import Callable

import pytest

from nullwatt.core import MAX_BATTERIES, Config, ConsumerState, Emulator, TableFullError, encode_frame

type Poll = Callable[..., list[str] | None]

# Whole seconds on both sides of the wrap, so that both origins round to milliseconds alike.
BEFORE_WRAP_S = 2**32 // 1000 - 20


def reading(fields: list[str] | None, phase: str = "A") -> int:
    assert fields is not None
    return int(fields[4 + "ABC".index(phase)])


def test_reading_stands_on_the_own_phase_only(poll: Poll) -> None:
    for phase in "ABC":
        emulator = Emulator()
        emulator.update_grid([100, 200, 300], at=0)
        fields = poll(emulator, 0.1, phase=phase)
        assert fields is not None
        assert reading(fields, phase) > 0
        assert [fields[4 + i] for i in range(3) if "ABC"[i] != phase] == ["0", "0"]
        assert fields[7] == fields[4 + "ABC".index(phase)]


def test_combined_battery_gets_its_reading_in_the_total(poll: Poll) -> None:
    emulator = Emulator()
    emulator.update_grid([100, 200, 300], at=0)
    fields = poll(emulator, 0.1, phase="D")
    assert fields is not None
    assert int(fields[7]) > 0
    assert fields[11] == "1"


def test_counts_are_one_in_active_control_and_n_in_relay(poll: Poll) -> None:
    for active, count in ((True, "1"), (False, "3")):
        emulator = Emulator(Config(active_control=active))
        emulator.update_grid([300.0], at=0)
        for battery in range(3):
            fields = poll(emulator, 0.1, 100, mac=f"60F1A2B3C40{battery}")
        assert fields is not None
        assert fields[8] == count


def test_demand_is_shared_equally_and_by_weight(poll: Poll) -> None:
    emulator = Emulator()
    macs = ["60f1a2b3c401", "60f1a2b3c402"]
    emulator.update_grid([0.0], at=0)
    for mac in macs:
        poll(emulator, 0.1, 200, mac=mac)
    emulator.update_grid([440.0], at=1)
    targets = {c.mac: c.target_w for c in steered(emulator, poll, macs, 1.1)}
    assert targets == pytest.approx({macs[0]: 420.0, macs[1]: 420.0})
    emulator.set_override(macs[0], weight=10)
    targets = {c.mac: c.target_w for c in steered(emulator, poll, macs, 2.1)}
    assert targets == pytest.approx({macs[0]: 840 * 10 / 11, macs[1]: 840 / 11})


def steered(emulator: Emulator, poll: Poll, macs: list[str], at: float) -> list[ConsumerState]:
    for mac in macs:
        poll(emulator, at, 200, mac=mac)
    return emulator.consumers()


def test_surplus_goes_to_batteries_that_can_charge_from_the_grid(poll: Poll) -> None:
    emulator = Emulator()
    kinds = {"60f1a2b3c401": "HMJ-2", "60f1a2b3c402": "VNSE3-0", "60f1a2b3c403": "HMN-1"}
    emulator.update_grid([0.0], at=0)
    for at in (0.1, 1.1):
        for mac, kind in kinds.items():
            poll(emulator, at, 0, mac=mac, kind=kind)
        emulator.update_grid([-600.0], at=1)
    targets = {c.mac: c.target_w for c in emulator.consumers()}
    assert targets == pytest.approx({"60f1a2b3c401": 0.0, "60f1a2b3c402": -600.0, "60f1a2b3c403": 0.0})


def test_inspecting_battery_takes_no_share_and_reads_the_meter(poll: Poll) -> None:
    emulator = Emulator()
    emulator.update_grid([400.0, 10.0, 20.0], at=0)
    fields = poll(emulator, 0.1, phase="0", mac="60F1A2B3C499")
    assert fields is not None
    assert fields[4:8] == ["400", "10", "20", "430"]
    poll(emulator, 0.2)
    assert emulator.state().pool_size == 1
    assert emulator.consumers()[1].target_w == 430.0


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 1.7e38, -1e12])
def test_value_that_is_not_finite_makes_the_meter_unavailable_and_poisons_nothing(poll: Poll, bad: float) -> None:
    disturbed, untouched = Emulator(), Emulator()
    for emulator in (disturbed, untouched):
        emulator.update_grid([100.0, 0.0, 0.0], at=0)
        poll(emulator, 0.5, 0)
    disturbed.update_grid([100.0, bad, 0.0], at=1)
    held = poll(disturbed, 1.5, 0)
    assert held is not None
    assert held[4:8] == ["0", "0", "0", "0"]
    assert disturbed.state().grid_w is None
    for emulator in (disturbed, untouched):
        emulator.update_grid([100.0, 0.0, 0.0], at=60)
        poll(emulator, 60.5, 0)
    assert disturbed.state().demand_w == untouched.state().demand_w == 100.0


def test_meter_is_unavailable_until_every_phase_has_reported(poll: Poll) -> None:
    emulator = Emulator()
    emulator.update_grid_phase(0, 3, 500.0, at=0)
    emulator.update_grid_phase(2, 3, 100.0, at=0)
    assert reading(poll(emulator, 0.1)) == 0
    emulator.update_grid_phase(1, 3, 200.0, at=1)
    assert reading(poll(emulator, 1.1)) > 0
    assert emulator.state().grid_total_w == 800.0


def test_one_silent_phase_makes_the_meter_unavailable(poll: Poll) -> None:
    emulator = Emulator(Config(max_sensor_age=30))
    for second in range(40):
        emulator.update_grid_phase(0, 2, 500.0, at=second)
        if second < 5:
            emulator.update_grid_phase(1, 2, 100.0, at=second)
        poll(emulator, second + 0.5)
        assert (emulator.state().grid_w is not None) == (second + 0.5 - min(second, 4) <= 30)


def test_phases_that_arrive_together_are_one_sample(poll: Poll) -> None:
    emulator = Emulator()
    for second in range(3):
        for phase in range(3):
            emulator.update_grid_phase(phase, 3, 100.0, at=second)
        poll(emulator, second + 0.5)
    assert emulator.state().grid_samples == 3


def test_old_meter_reading_is_not_steered_on_and_zero_age_never_ends(poll: Poll) -> None:
    for age, available in ((30, False), (0, True)):
        emulator = Emulator(Config(max_sensor_age=age))
        emulator.update_grid([500.0], at=0)
        poll(emulator, 30.0)
        assert emulator.state().grid_w is not None
        fields = poll(emulator, 30.1)
        assert (reading(fields) != 0) == available


def test_silent_battery_leaves_the_pool_and_its_output_becomes_the_houses(poll: Poll) -> None:
    emulator = Emulator()
    emulator.update_grid([0.0], at=0)
    for second in range(4):
        poll(emulator, second, 300, mac="60F1A2B3C401")
        poll(emulator, second, 500, mac="60F1A2B3C402")
    emulator.update_grid([0.0], at=4)
    for second in range(4, 12):
        poll(emulator, second, 500, mac="60F1A2B3C402")
    state = emulator.state()
    assert state.pool_size == 1
    assert state.demand_w == 500.0


def test_battery_that_leaves_or_returns_is_no_change_of_demand(poll: Poll) -> None:
    emulator = Emulator()
    macs = ["60f1a2b3c401", "60f1a2b3c402"]
    emulator.update_grid([0.0], at=0)
    for second in range(4):
        emulator.update_grid([0.0], at=second)
        poll(emulator, second + 0.1, 400, mac=macs[0])
        poll(emulator, second + 0.2, 400, mac=macs[1])
    assert emulator.state().demand_w == 800.0
    emulator.set_override(macs[1], manual=True, manual_target=400)
    assert emulator.state().demand_w == 400.0
    assert reading(poll(emulator, 4.1, 400, mac=macs[0])) == 0
    emulator.set_override(macs[1], manual=False)
    assert emulator.state().demand_w == 800.0


def test_parts_of_a_watt_are_summed_before_they_are_rounded(poll: Poll) -> None:
    emulator = Emulator(Config(active_control=False))
    emulator.update_grid([0.9, 0.9, 0.9], at=0)
    assert emulator.state().grid_total_w == pytest.approx(2.7)
    fields = poll(emulator, 0.1)
    assert fields is not None and fields[7] == "3"


def test_expired_battery_is_forgotten_by_tick_and_its_settings_are_not(poll: Poll) -> None:
    emulator = Emulator()
    emulator.update_grid([0.0], at=0)
    emulator.set_override("60F1A2B3C401", weight=3, manual_target=-250, manual=True)
    poll(emulator, 0)
    poll(emulator, 1)
    emulator.tick(at=6.0)
    assert [c.online for c in emulator.consumers()] == [True]
    emulator.tick(at=6.1)
    assert emulator.consumers() == []
    poll(emulator, 100)
    (back,) = emulator.consumers()
    assert (back.weight, back.manual, back.manual_target_w) == (3.0, True, -250.0)
    assert back.poll_interval_s is None


def test_ten_second_poller_is_gone_after_25_seconds(poll: Poll) -> None:
    emulator = Emulator(Config(active_control=False))
    emulator.update_grid([0.0], at=0)
    for at in (0, 10, 20, 30):
        poll(emulator, at, 100)
    fields = poll(emulator, 45, mac="60F1A2B3C402")
    assert fields is not None and fields[8] == "2"
    fields = poll(emulator, 55, mac="60F1A2B3C402")
    assert fields is not None and fields[8] == "1"


def test_table_full_is_counted_and_named_and_an_expired_battery_makes_room(poll: Poll) -> None:
    emulator = Emulator()
    emulator.update_grid([0.0], at=0)
    for battery in range(MAX_BATTERIES):
        assert poll(emulator, 1, mac=f"60F1A2B3{battery:04X}") is not None
    assert poll(emulator, 2, mac="60F1A2B3FFFF") is None
    assert emulator.last_drop == "no room for another battery"
    assert emulator.state().refused_full == 1
    assert emulator.state().consumers == MAX_BATTERIES
    assert poll(emulator, 40, mac="60F1A2B3FFFF") is not None
    assert emulator.state().consumers == 1


def test_settings_table_full_is_refused_and_loses_nothing() -> None:
    emulator = Emulator()
    for battery in range(2 * MAX_BATTERIES):
        emulator.set_override(f"60F1A2B3{battery:04X}", weight=2)
    with pytest.raises(TableFullError, match="battery 60F1A2B3FFFF: settings of 32 batteries are held already"):
        emulator.set_override("60F1A2B3FFFF", weight=2)
    emulator.set_override("60F1A2B30000", weight=3)
    assert emulator.state().refused_overrides == 1


@pytest.mark.parametrize(
    "setting",
    [{"weight": 10.5}, {"weight": -1}, {"weight": math.nan}, {"manual_target": math.inf}, {"window_weight": 1.5}],
)
def test_setting_out_of_range_changes_nothing(poll: Poll, setting: dict[str, float]) -> None:
    emulator = Emulator()
    poll(emulator, 0)
    with pytest.raises(ValueError, match=r"battery 60F1A2B3C401: .* is out of range; allowed: "):
        emulator.set_override("60F1A2B3C401", **setting)  # type: ignore[arg-type]
    (battery,) = emulator.consumers()
    assert (battery.weight, battery.manual_target_w, battery.window_weight) == (1.0, 0.0, 1.0)


def test_power_range_and_locks_bound_the_target_and_the_others_take_the_rest(poll: Poll) -> None:
    emulator = Emulator()
    macs = ["60f1a2b3c401", "60f1a2b3c402"]
    emulator.set_override(macs[0], max_discharge=250, max_charge=0)
    for surplus, expected in ((1000.0, (250.0, 750.0)), (-600.0, (0.0, -600.0))):
        for second in range(30):
            emulator.update_grid([surplus], at=second)
            for mac in macs:
                poll(emulator, second + 0.1, 0, mac=mac, kind="IDEAL")
        shares = emulator.consumers()
        assert (shares[0].max_discharge_w, shares[0].max_charge_w) == (250.0, 0.0)
        low, high = sorted((0.0, expected[0]))
        assert low <= shares[0].target_w <= high
        emulator = Emulator()
        emulator.set_override(macs[0], max_discharge=250, max_charge=0)


def test_bound_is_taken_away_by_minus_one(poll: Poll) -> None:
    emulator = Emulator()
    poll(emulator, 0)
    emulator.set_override("60F1A2B3C401", max_charge=100)
    assert emulator.consumers()[0].max_charge_w == 100.0
    emulator.set_override("60F1A2B3C401", max_charge=-1)
    assert emulator.consumers()[0].max_charge_w is None


def test_manual_target_alone_does_not_change_the_mode(poll: Poll) -> None:
    emulator = Emulator()
    emulator.update_grid([0.0], at=0)
    poll(emulator, 0)
    emulator.set_override("60F1A2B3C401", manual_target=500)
    assert emulator.consumers()[0].in_pool
    emulator.set_override("60F1A2B3C401", manual=True)
    assert reading(poll(emulator, 1, 100)) == 400


def test_battery_that_crawls_under_a_constant_reading_is_set_free_469(poll: Poll) -> None:
    # Its step is measured to the reading before: 10 W unless that one was clearly larger. Nobody knows its law.
    emulator = Emulator()
    power = before = 0
    for second in range(30):
        emulator.update_grid([1500.0 - power], at=second)
        told = reading(poll(emulator, second + 0.1, power, kind=""))
        if abs(told) > 20:
            power += 10 if told >= max(60, 0.85 * before) else min(told, 400)
        before = told
    assert power == pytest.approx(1500, abs=60)


def test_battery_without_a_mac_is_known_by_its_source() -> None:
    emulator = Emulator()
    request = encode_frame(["HMG-50", "", "HME-4", "", "A", "0"])
    emulator.handle(request, source="192.0.2.1:1000", at=0)
    emulator.handle(request, source="192.0.2.1:1001", at=0)
    assert [c.mac for c in emulator.consumers()] == ["192.0.2.1:1000", "192.0.2.1:1001"]


def test_long_macs_stay_apart(poll: Poll) -> None:
    emulator = Emulator()
    for tail in "ab":
        poll(emulator, 0, mac="f" * 60 + tail)
        poll(emulator, 1, mac="F" * 60 + tail)
    assert len(emulator.consumers()) == 2


def test_oversized_datagram_and_reply_are_dropped(poll: Poll) -> None:
    emulator = Emulator()
    assert poll(emulator, 0, kind="x" * 300) is None
    assert emulator.last_drop == "longer than 256 bytes"
    assert poll(emulator, 0, kind="x" * 190) is None
    assert emulator.last_drop == "reply does not fit a datagram"
    assert emulator.state().info_index == 0


def test_last_drop_is_none_after_an_answer(poll: Poll) -> None:
    emulator = Emulator()
    assert emulator.handle(b"nonsense", at=0) is None
    assert emulator.last_drop == "shorter than 10 bytes"
    poll(emulator, 0)
    assert emulator.last_drop is None


def test_configured_mac_may_have_separators(poll: Poll) -> None:
    emulator = Emulator(Config(ct_mac="5C:CE:1B-7A-90-D4"))
    fields = poll(emulator, 0, ct_mac="5cce1b7a90d4")
    assert fields is not None
    assert fields[1] == "5CCE1B7A90D4"


def test_switching_active_control_does_not_replay_old_control(poll: Poll) -> None:
    emulator = Emulator()
    emulator.update_grid([800.0], at=0)
    for second in range(5):
        poll(emulator, second, 0)
    emulator.set_active_control(False)
    fields = poll(emulator, 5, 0)
    assert fields is not None and fields[4] == "800"
    emulator.set_active_control(True)
    fresh = Emulator()
    fresh.update_grid([800.0], at=5)
    assert poll(emulator, 6, 0) is not None
    assert reading(poll(emulator, 7, 0)) <= reading(poll(fresh, 6, 0)) + 50


def test_poll_that_arrives_twice_gets_the_same_reply_and_steers_once(poll: Poll) -> None:
    twice, once = Emulator(), Emulator()
    for emulator in (twice, once):
        emulator.update_grid([500.0], at=0)
        poll(emulator, 0.0, 0)
        emulator.update_grid([500.0], at=1)
    first = poll(twice, 1.0, 40)
    assert poll(twice, 1.05, 40) == first == poll(once, 1.0, 40)
    for emulator in (twice, once):
        emulator.update_grid([100.0], at=2)
    assert poll(twice, 2.0, 440) == poll(once, 2.0, 440)


def test_second_poll_with_something_new_is_answered_anew(poll: Poll) -> None:
    emulator = Emulator()
    emulator.update_grid([500.0], at=0)
    poll(emulator, 0.0, 0)
    first = poll(emulator, 1.0, 40)
    newer_report = poll(emulator, 1.05, 60)
    emulator.update_grid([0.0], at=1.1)
    newer_sample = poll(emulator, 1.12, 60)
    assert first is not None and newer_report is not None and newer_sample is not None
    assert [int(first[13]) + i for i in (1, 2)] == [int(newer_report[13]), int(newer_sample[13])]


def test_control_runs_across_the_wrap_of_the_millisecond_counter(poll: Poll) -> None:
    def run(origin: float) -> list[list[str] | None]:
        emulator = Emulator(Config(max_sensor_age=5, dedupe_window=0.5))
        answers = []
        for tenth in range(0, 400, 3):
            at = origin + tenth / 10
            if tenth % 10 < 3 and tenth < 300:
                emulator.update_grid([300.0 - tenth, 10.0, 5.0], at=at)
            answers.append(poll(emulator, at, tenth // 4))
            if tenth < 100:
                answers.append(poll(emulator, at, 50, mac="60F1A2B3C402", phase="B"))
            emulator.tick(at=at)
        return answers

    assert run(BEFORE_WRAP_S) == run(1000.0)
