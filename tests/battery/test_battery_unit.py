"""One battery through its door: configuration, what it reads, what it sends, what it ignores."""

import pytest

from nullwatt.battery import Battery, BatteryConfig, decode_frame, encode_frame

MAC = "02b250000001"


def battery(**options: object) -> Battery:
    return Battery(BatteryConfig(**({"mac": MAC, "inspection_polls": 0} | options)))  # type: ignore[arg-type]


def reply(
    phases: tuple[int, int, int] = (0, 0, 0),
    total: int | None = None,
    counts: tuple[int, int, int, int] = (0, 0, 0, 0),
    index: int = 0,
    mac: str = MAC.upper(),
) -> bytes:
    numbers = [*phases, sum(phases) if total is None else total, *counts, -50, index, *([0] * 10)]
    return encode_frame(["HME-4", "112233445566", "HMG-50", mac, *map(str, numbers)])


def poll(unit: Battery, answer: bytes | None) -> bool:
    unit.advance(1.0)
    unit.request()
    return unit.accept(answer)


@pytest.mark.parametrize(("phase", "target_w"), [("A", 95), ("B", 195), ("C", 295), ("D", 595)])
def test_own_phase_or_total_is_read(phase: str, target_w: float) -> None:
    unit = battery(phase=phase, law="integrator")
    assert poll(unit, reply((100, 200, 300)))
    assert unit.target_w == target_w


def test_the_total_is_read_from_its_own_field() -> None:
    unit = battery(phase="D", law="integrator")
    poll(unit, reply((100, 200, 300), total=50))
    assert unit.target_w == 45


def test_sum_reading_adds_the_phases() -> None:
    unit = battery(phase="B", law="integrator", reading="sum")
    poll(unit, reply((100, 200, 300), total=50))
    assert unit.target_w == 595


@pytest.mark.parametrize(("phase", "target_w"), [("A", 395), ("B", 195), ("C", 95), ("D", 75)])
def test_share_count_is_that_of_the_own_bucket(phase: str, target_w: float) -> None:
    unit = battery(phase=phase, device_type="VNSA-0")
    polls = 2 if phase == "A" else 1  # only alone on its bucket does it hold the first sample as a spike
    for index in range(polls):
        poll(unit, reply((400, 400, 400), total=400, counts=(1, 2, 4, 5), index=index))
    assert unit.target_w == target_w


def test_request_tells_phase_power_and_participation() -> None:
    unit = battery(participates=False, phase="D", initial_power_w=-300.5, device_type="HMG-50")
    unit.advance(1e-6)
    fields = decode_frame(unit.request())
    assert fields == [b"HMG-50", MAC.upper().encode(), b"HME-4", b"112233445566", b"D", b"-300", b"0"]


def test_inspection_lasts_until_it_was_answered() -> None:
    unit = battery(inspection_polls=2, phase="B", law="integrator")

    def phase_sent() -> bytes:
        unit.advance(1.0)
        return decode_frame(unit.request())[4]  # type: ignore[index]

    assert phase_sent() == b"0"
    assert not unit.accept(None)
    assert phase_sent() == b"0"
    assert not unit.accept(b"rubbish")
    assert phase_sent() == b"0"
    assert not unit.accept(reply((500, 500, 500), index=1))
    assert phase_sent() == b"0"
    assert not unit.accept(reply((500, 500, 500), index=2))
    assert unit.target_w == 0, "inspection replies steer nothing"
    assert phase_sent() == b"B"
    assert unit.accept(reply((500, 500, 500), index=3))
    assert unit.target_w == 495


def test_repeated_index_is_discarded_unless_told_otherwise() -> None:
    unit = battery(law="integrator")
    assert poll(unit, reply((100, 0, 0), index=7))
    assert not poll(unit, reply((100, 0, 0), index=7))
    assert poll(unit, reply((100, 0, 0), index=8))
    assert unit.target_w == 190
    unit = battery(law="integrator", discard_repeated_index=False)
    assert poll(unit, reply((100, 0, 0), index=7))
    assert poll(unit, reply((100, 0, 0), index=7))
    assert unit.target_w == 190


def test_replies_to_others_and_bad_frames_leave_the_target() -> None:
    unit = battery(law="integrator", initial_power_w=200)
    assert not poll(unit, reply((100, 0, 0), mac="02B250000002"))
    assert not poll(unit, reply((100, 0, 0))[:-1])
    assert not poll(unit, None)
    assert unit.target_w == 200
    assert poll(unit, reply((100, 0, 0), mac=MAC)), "the echo may come in any case"


def test_command_delay_counts_polls_not_advances() -> None:
    unit = battery(law="integrator", command_delay_ticks=2, startup_delay_s=0, min_power_w=0)
    applied = []
    for index in range(4):
        for _ in range(10):
            unit.advance(0.1)
        unit.request()
        unit.accept(reply((100, 0, 0), index=index))
        applied.append((unit.target_w, unit.applied_target_w))
    assert applied == [(95, 0), (190, 0), (285, 95), (380, 190)]


def test_finer_advances_give_the_same_energy() -> None:
    coarse, fine = (battery(law="integrator", startup_delay_s=0, initial_power_w=500) for _ in range(2))
    for _ in range(100):
        coarse.advance(1.0)
        for _ in range(20):
            fine.advance(0.05)
    assert fine.soc == pytest.approx(coarse.soc, abs=1e-9)


def test_limits_changed_at_run_time_reach_plant_and_law() -> None:
    unit = battery(law="integrator", max_charge_w=800, max_discharge_w=800, startup_delay_s=0)
    for index in range(6):
        poll(unit, reply((500, 0, 0), index=index))
    assert (unit.target_w, unit.power_w) == (800, 800)
    unit.set_limits(max_discharge_w=300)
    poll(unit, reply((500, 0, 0), index=10))
    assert (unit.target_w, unit.power_w, unit.max_charge_w, unit.max_discharge_w) == (300, 300, 800, 300)
    poll(unit, reply((-100, 0, 0), index=11))
    assert unit.target_w == 200, "the law's own setpoint was limited, so it comes down at once"
    with pytest.raises(ValueError, match="max_charge_w: -1"):
        unit.set_limits(max_charge_w=-1)
    with pytest.raises(ValueError, match="max_discharge_w: nan"):
        unit.set_limits(max_discharge_w=float("nan"))


def test_a_unit_without_ac_input_never_charges() -> None:
    unit = battery(device_type="JPLS-8H", max_charge_w=800, startup_delay_s=0)
    unit.set_limits(max_charge_w=900)
    for index in range(8):
        poll(unit, reply((-700, 0, 0), index=index))
        assert unit.power_w >= 0
    assert unit.max_charge_w == 0


def test_dc_input_is_clamped_and_soc_checked() -> None:
    unit = battery(max_dc_input_w=600, dc_input_w=100)
    assert unit.dc_input_w == 100
    unit.dc_input_w = 900
    assert unit.dc_input_w == 600
    unit.dc_input_w = -5
    assert unit.dc_input_w == 0
    unit.soc = 1
    assert unit.soc == 1.0
    with pytest.raises(ValueError, match=r"soc: 1\.1"):
        unit.soc = 1.1


def test_defaults_come_from_the_model() -> None:
    unit = battery(device_type="HMJ-2")
    assert (unit.law_name, unit.max_charge_w, unit.max_discharge_w) == ("dc-regulator", 0, 800)
    unit = battery(device_type="VNSE3-0")
    assert (unit.law_name, unit.poll_interval_s) == ("integrator-2", 0.45)
    assert battery(ct_type="HME-3").law_name == "ramp"
    assert battery(law="ramp").law_name == "ramp"


@pytest.mark.parametrize(
    ("field", "value", "part"),
    [
        ("mac", "02b25000001", "12 hex"),
        ("mac", 5, "12 hex"),
        ("mac", "02b250000001\n", "12 hex"),
        ("ct_mac", "xyz", "12 hex"),
        ("phase", "E", "A, B, C, D"),
        ("phase", "a", "A, B, C, D"),
        ("device_type", "A|B", "printable"),
        ("device_type", None, "printable"),
        ("ct_type", "\n", "printable"),
        ("law", "ramb", "did you mean 'ramp'"),
        ("reading", "total", "own, sum"),
        ("ratio", 29, "in 30..100"),
        ("ratio", 50.5, "whole number"),
        ("max_charge_w", -1, "at least 0"),
        ("max_discharge_w", float("inf"), "not a number"),
        ("capacity_wh", -1, "at least 0"),
        ("initial_soc", 1.01, "in 0..1"),
        ("initial_soc", True, "not a number"),
        ("initial_soc", "0.5", "not a number"),
        ("ramp_rate_w_s", 0, "above 0"),
        ("min_power_w", float("nan"), "not a number"),
        ("startup_delay_s", -1, "at least 0"),
        ("command_delay_ticks", 1.5, "whole number"),
        ("command_delay_ticks", -1, "at least 0"),
        ("inspection_polls", -1, "at least 0"),
        ("max_dc_input_w", -1, "at least 0"),
        ("dc_input_w", 10, "max_dc_input_w"),
        ("initial_power_w", 900, "in -800..800"),
        ("charge_efficiency", 0, "above 0"),
        ("discharge_efficiency", 1.1, "in 0..1"),
        ("standby_w", -1, "at least 0"),
        ("poll_interval_s", 0, "at least 0.05"),
        ("participates", 1, "True nor False"),
    ],
)
def test_bad_configuration_is_one_clear_line(field: str, value: object, part: str) -> None:
    with pytest.raises(ValueError, match=part) as caught:
        BatteryConfig(**({"mac": MAC} | {field: value}))  # type: ignore[arg-type]
    message = str(caught.value)
    assert message.startswith(f"{field}: ")
    assert "\n" not in message
