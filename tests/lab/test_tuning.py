"""Options that change while control goes on: what was learnt stays, and the grid only moves where it is told to."""

import numpy as np
import pytest
from listening import grid, listen
from test_efficiency import HANDOVER_W, LAWS, OVERSHOOT_W, SEEDS, steady, watch

from nullwatt.core import Config, Emulator
from nullwatt.lab import aligned

CHANGE_S = 200


def at_once(second: float, change: dict[str, float]):  # type: ignore[no-untyped-def]
    def script(at: float, emulator: Emulator) -> None:
        if at == second:
            emulator.tune(**change)

    return script


@pytest.mark.parametrize("target_w", [-60.0, 150.0])
@pytest.mark.parametrize("laws", LAWS)
def test_grid_target_is_followed(laws: tuple[str, ...], target_w: float) -> None:
    for seed in SEEDS:
        scenario = aligned(steady(laws, 600.0, 300.0), seed)
        result, _, _ = listen(scenario, at_once(CHANGE_S, {"grid_target": target_w}))
        total_w = result.recording.grid_total_w
        assert np.abs(total_w[CHANGE_S - 60 : CHANGE_S]).mean() < 25.0
        assert np.abs(total_w[CHANGE_S + 20 :] - target_w).mean() < 25.0
        # No step back on the way: nothing was forgotten.
        low_w, high_w = min(0.0, target_w), max(0.0, target_w)
        assert low_w - OVERSHOOT_W < total_w[CHANGE_S:].min() and total_w[CHANGE_S:].max() < high_w + OVERSHOOT_W


@pytest.mark.parametrize("laws", LAWS)
def test_peak_shaving_begins_and_ends(laws: tuple[str, ...]) -> None:
    def script(at: float, emulator: Emulator) -> None:
        if at in (CHANGE_S, 2 * CHANGE_S):
            emulator.tune(peak_shaving_threshold=400.0 if at == CHANGE_S else 0.0)

    for seed in SEEDS:
        result, _, _ = listen(aligned(steady(laws, 600.0, 500.0), seed), script)
        total_w = result.recording.grid_total_w
        assert np.abs(total_w[CHANGE_S + 30 : 2 * CHANGE_S] - 400.0).mean() < 25.0
        assert np.abs(total_w[2 * CHANGE_S + 30 :]).mean() < 25.0


@pytest.mark.parametrize("laws", LAWS)
def test_efficiency_mode_begins_and_ends(laws: tuple[str, ...]) -> None:
    def script(at: float, emulator: Emulator) -> None:
        if at in (CHANGE_S, 800.0):
            emulator.tune(min_efficient_power=200.0 if at == CHANGE_S else 0.0)

    for seed in SEEDS:
        result, log, _ = watch(aligned(steady(laws, 250.0, 1000.0), seed), script)
        assert [sum(battery.parked for battery in log[second]) for second in (CHANGE_S - 1, 700, 990)] == [0, 1, 0]
        shown = grid(result, CHANGE_S)
        assert (shown < HANDOVER_W).mean() > 0.95, (seed, shown.max())
        assert shown.max() < OVERSHOOT_W, (seed, shown.max())


def test_least_power_changes_without_a_hand_over() -> None:
    """From one value to another the turns stay as they are."""

    def script(at: float, emulator: Emulator) -> None:
        if at == CHANGE_S:
            emulator.tune(min_efficient_power=220.0)

    scenario = steady(LAWS[0], 250.0, 400.0)
    scenario.options["min_efficient_power"] = 200.0
    _, log, _ = watch(scenario, script)
    parked = [[battery.parked for battery in log[second]] for second in range(CHANGE_S - 20, 390)]
    assert sum(parked[0]) == 1
    assert all(now == parked[0] for now in parked)


def test_only_what_can_change() -> None:
    emulator = Emulator(Config(grid_target=5.0, udp_port=12000))
    emulator.tune(min_efficient_power=150.0)
    assert (emulator.config.grid_target, emulator.config.min_efficient_power) == (5.0, 150.0)
    with pytest.raises(TypeError, match="'udp_port' cannot change while running; these can: grid_target"):
        emulator.tune(udp_port=1)
    with pytest.raises(TypeError, match="unknown option 'grid_targt'; the closest is 'grid_target'"):
        emulator.tune(grid_targt=1.0)
    with pytest.raises(ValueError, match="option peak_shaving_threshold: -1 is out of range"):
        emulator.tune(peak_shaving_threshold=-1)
    assert emulator.config.peak_shaving_threshold == 0.0


def test_nothing_is_left_of_a_hand_over_that_was_switched_off() -> None:
    """Shares move in small steps while batteries hand over. Once the mode is off they move as ever."""

    def seconds_to_even_out(script_s: tuple[float, ...]) -> int:
        def script(at: float, emulator: Emulator) -> None:
            if at == 20.0:
                emulator.tune(min_efficient_power=400.0 if script_s else 0.0)
            if at in script_s:
                emulator.force_rotation()
            if at == 330.0:
                emulator.tune(min_efficient_power=0.0)
            first = sorted(battery.mac for battery in emulator.consumers())[:1]
            for mac in first:
                if at in (500.0, 600.0):
                    emulator.set_override(mac, max_discharge=0.0 if at == 500.0 else -1.0)

        result, log, _ = watch(steady(LAWS[0], 600.0, 700.0), script)
        if script_s:
            fading = [battery.presence for battery in log[330]]
            assert any(0.0 < presence < 1.0 for presence in fading), fading
        power_w = result.recording.power_w[600:]
        return int(np.argmax(np.abs(power_w[:, 0] - power_w[:, 1]) < 60.0))

    assert seconds_to_even_out((300.0,)) <= seconds_to_even_out(()) + 1
