"""The closed loop: order of events, raster, determinism. The emulator here is a stand-in that notes what it is told."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from nullwatt.battery import decode_frame, encode_frame
from nullwatt.home import ConfigError, HouseConfig, LoadConfig, LoadEvent, MeterConfig, SunConfig, parse_house
from nullwatt.lab import SCENARIOS, Event, Loop, Scenario, battery, run_against, specs_of


class Notebook:
    """Answers each poll with the meter's own values, the way a plain meter would, and notes every call."""

    def __init__(self) -> None:
        self.grid: Sequence[float] | None = None
        self.calls: list[tuple[float, str]] = []
        self.sources: set[str] = set()
        self._replies = 0

    def update_grid(self, values: Sequence[float], at: float) -> None:
        self.grid = values
        self.calls.append((at, "grid"))

    def invalidate_grid(self, at: float) -> None:
        self.grid = None
        self.calls.append((at, "gone"))

    def tick(self, at: float) -> None:
        self.calls.append((at, "tick"))

    def handle(self, datagram: bytes, source: str, at: float) -> bytes | None:
        self.calls.append((at, "poll"))
        self.sources.add(source)
        fields = decode_frame(datagram)
        if fields is None or self.grid is None:
            return None
        self._replies = (self._replies + 1) % 256
        device, mac, ct, ct_mac, *_ = (field.decode() for field in fields)
        watts = [round(value) for value in (*self.grid, 0.0, 0.0)[:3]]
        numbers = [*watts, sum(watts), 1, 1, 1, 1, -50, self._replies, *[0] * 10]
        return encode_frame(["", ct, ct_mac, device, mac, *map(str, numbers)][1:])


HOUSE = HouseConfig(
    phases=1,
    base_load_w=(300.0,),
    noise_w=0.0,
    loads=(LoadConfig("kettle", 1000.0, "A"),),
    events=(LoadEvent(20.0, "kettle", True),),
    sun=SunConfig(max_w=0.0),
    meter=MeterConfig(refresh_s=1.0, latency_s=0.5),
)
ONE = Scenario("one", HOUSE, (battery(1),), duration_s=40)


def test_recording_is_one_row_per_second_whatever_the_polls() -> None:
    slow = replace(ONE.batteries[0], config=replace(ONE.batteries[0].config, poll_interval_s=3.1))
    for scenario in (ONE, replace(ONE, batteries=(slow,)), replace(ONE, batteries=())):
        recording = Loop(scenario, Notebook()).run()
        assert recording.time_s.tolist() == list(range(40))
        assert recording.grid_w.shape == (40, 1)
        assert recording.power_w.shape == recording.soc.shape == (40, len(scenario.batteries))
        assert recording.demand_w.tolist() == [300.0] * 20 + [1300.0] * 20


def test_recorded_grid_is_demand_minus_power() -> None:
    recording = Loop(ONE, Notebook()).run()
    assert np.allclose(recording.grid_total_w, recording.demand_w - recording.power_w.sum(axis=1))
    assert recording.power_w.max() > 1000
    assert recording.soc[-1, 0] < recording.soc[0, 0]


def test_emulator_is_told_everything_in_order_and_in_time() -> None:
    notebook = Notebook()
    Loop(replace(ONE, duration_s=3), notebook).run()
    assert notebook.calls == [
        (0.0, "tick"),
        (0.5, "grid"),  # the sample of 0.0; the poll at the same instant comes after it
        (0.5, "poll"),
        (1.0, "tick"),
        (1.5, "grid"),
        (1.5, "poll"),
        (2.0, "tick"),
        (2.5, "grid"),
        (2.5, "poll"),
    ]
    assert notebook.sources == {"10.0.0.1:22222"}


def test_first_polls_are_staggered() -> None:
    notebook = Notebook()
    pool = tuple(battery(i + 1) for i in range(3))
    Loop(replace(ONE, batteries=pool, duration_s=1), notebook).run()
    assert [at for at, what in notebook.calls if what == "poll"] == pytest.approx([0.5, 0.631, 0.762])


def test_meter_failure_reaches_the_emulator() -> None:
    notebook = Notebook()
    events = (Event(10.2, "meter_fail"), Event(14.7, "meter_restore"))
    Loop(replace(ONE, events=events), notebook).run()
    seen = [(at, what) for at, what in notebook.calls if what in ("grid", "gone") and 9 < at < 17]
    assert seen == [(9.5, "grid"), (10.2, "gone"), (15.5, "grid"), (16.5, "grid")]


def test_offline_battery_stops_polling_and_resumes() -> None:
    notebook = Notebook()
    Loop(replace(ONE, events=(Event(5.0, "offline"), Event(9.25, "online"))), notebook).run()
    polls = [at for at, what in notebook.calls if what == "poll"]
    assert [at for at in polls if 4 < at < 11] == [4.5, 9.25, 10.25]


def test_other_events_act() -> None:
    scenario = replace(
        ONE,
        house=replace(HOUSE, sun=SunConfig(max_w=500.0)),
        batteries=(battery(1), battery(2, device_type="HMJ-2")),
        events=(
            Event(3.0, "solar", 400.0),
            Event(5.0, "soc", 0.25, battery=1),
            Event(7.0, "dc_input", 150.0, battery=1),
        ),
    )
    recording = Loop(scenario, Notebook()).run()
    assert recording.demand_w[2:4].tolist() == [300.0, -100.0]
    assert recording.soc[4:6, 1] == pytest.approx([0.5, 0.25], abs=1e-4)
    assert recording.dc_w[6:8, 1].tolist() == [0.0, 150.0]


def test_same_seed_same_bytes_other_seed_other_bytes() -> None:
    scenario = replace(SCENARIOS["lossy_network"], duration_s=120)

    def bytes_of(seed: int) -> bytes:
        recording = Loop(scenario.with_seed(seed), Notebook()).run()
        return recording.grid_w.tobytes() + recording.power_w.tobytes() + recording.soc.tobytes()

    assert bytes_of(1) == bytes_of(1) != bytes_of(2)


def test_labelled_steps_are_switchings_and_suns_within_the_run() -> None:
    scenario = replace(ONE, events=(Event(5.0, "solar", 1.0), Event(6.0, "soc", 0.5), Event(99.0, "solar")))
    assert scenario.labelled_s == (5.0, 20.0)
    assert replace(scenario, steps_s=(7.0, 50.0)).labelled_s == (7.0,)


def test_impossible_scenarios_are_refused() -> None:
    with pytest.raises(ValueError, match="duration_s"):
        replace(ONE, duration_s=0)
    with pytest.raises(ValueError, match="battery 1"):
        replace(ONE, events=(Event(1.0, "soc", 0.5, battery=1),))
    with pytest.raises(ValueError, match="does not have"):
        Loop(replace(ONE, batteries=(battery(1, "B"),)), Notebook())


def test_a_battery_that_follows_the_meter_settles() -> None:
    quick = battery(1, ratio=50, ramp_rate_w_s=4000.0)
    result = run_against(replace(ONE, batteries=(quick,)), Notebook())
    assert result.metrics.unsettled_events == 0
    assert result.metrics.settle_mean_s is not None and result.metrics.settle_mean_s < 15
    assert result.polls == 40


# --- batteries of a house file

FILE = {
    "ct": {"mac": "AABBCCDDEEFF"},
    "power_update_delay_ticks": 2,
    "batteries": [
        {"mac": "02b250000001", "phase": "D", "meter_dev_type": "VNSD-0", "law": "integrator", "ratio": 50},
        {
            "mac": "02B250000002",
            "phase": "B",
            "meter_dev_type": "HMJ-2",
            "max_dc_input": 600,
            "dc_input_power": 100,
            "power_update_delay_ticks": 0,
            "charge_efficiency": 0.9,
            "jitter": 0.2,
            "request_loss": 0.1,
            "poll_interval": 0.3,
            "participates": False,
        },
    ],
}


def test_house_file_batteries_become_real_ones() -> None:
    first, second = specs_of(parse_house(FILE))
    assert (first.config.law, first.config.ratio, first.config.phase) == ("integrator", 50, "D")
    assert (first.config.command_delay_ticks, second.config.command_delay_ticks) == (2, 0)
    assert first.config.ct_mac == "AABBCCDDEEFF"
    assert (second.config.dc_input_w, second.config.charge_efficiency, second.config.participates) == (100, 0.9, False)
    assert (second.client.jitter_s, second.client.request_loss, second.config.poll_interval_s) == (0.2, 0.1, 0.3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"law": "rampp"}, "house.json: batteries[0].law: 'rampp' is not one of"),
        ({"law": "rampp"}, "did you mean 'ramp'?"),
        ({"meter_dev_type": "HM|G"}, "house.json: batteries[0].meter_dev_type: "),
    ],
)
def test_what_no_battery_can_be_is_one_line(change: dict[str, object], message: str) -> None:
    file = parse_house({"batteries": [{"mac": "02B250000001", "phase": "A", **change}]})
    with pytest.raises(ConfigError) as caught:
        specs_of(file, "house.json")
    assert message in str(caught.value) and "\n" not in str(caught.value)
