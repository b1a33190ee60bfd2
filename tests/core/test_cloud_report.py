"""What the cloud is told about the meter: URLs byte by byte, and when."""

import math
from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nullwatt.core import CloudReport, Config, Emulator, ReportSchedule, ReportStep, Sums, sums_of

MAC = "02b25010c6a7"
# X, A, B, C, ABC
SUMS = Sums((0, -180, 0, 0, -75), (40, 95, 310, 0, 0))
HEAD = f"http://eu.hamedata.com/prod/api/v1/setCtReporting?id={MAC}&eled=0&elet=0&ap=312&bp=-48&cp=95&dp=359&rssi=-50"
CHARGE = "&cz=0&ca=-180&cb=0&cc=0&cd=-75&dz=40&da=95&db=310&dc=0&dd=0"
NOW = 1772600405


@pytest.mark.parametrize("ct_type", ["HME-4", "HME-3"])
def test_handshake(ct_type: str) -> None:
    assert CloudReport(MAC, ct_type).handshake_url() == (
        f"http://eu.hamedata.com/app/neng/getDateInfoeu.php?uid={MAC}&fcv=202409090159&aid={ct_type}&sv=121"
    )


def test_handshake_of_another_firmware_and_host() -> None:
    url = CloudReport("a b/ü", "HME-4", "us.example:8080", fcv="2026 & x", sv=-3).handshake_url()
    assert url == (
        "http://us.example:8080/app/neng/getDateInfoeu.php?uid=a%20b%2F%C3%BC&fcv=2026%20%26%20x&aid=HME-4&sv=-3"
    )


def report(
    ct_type: str, mqtt: bool = True, unix_s: int = NOW, power_w: tuple[float, ...] = (312.5, -48.5, 95.2)
) -> str:
    return CloudReport(MAC, ct_type).report_url(power_w, unix_s, SUMS, batteries=3, mqtt=mqtt)


def test_report_of_a_ct002() -> None:
    assert report("HME-4") == (
        f"{HEAD}&slv=3&udp=1&mqtt=1&timeNo=1772600405&date=2026-03-04&va=0&vb=0&vc=0&ia=0.00&ib=0.00&ic=0.00{CHARGE}"
    )
    assert "&udp=1&mqtt=0&timeNo" in report("HME-4", mqtt=False)


def test_report_of_a_ct003_lacks_an_ampersand() -> None:
    assert report("HME-3") == f"{HEAD}&slv=3udp=1&mqtt=1&timeNo=1772600405&date=2026-03-04{CHARGE}"


@given(st.integers(1577836800, 2**32 - 1))
def test_date_is_that_of_utc(unix_s: int) -> None:
    query = parse_qs(urlsplit(report("HME-4", unix_s=unix_s)).query)
    assert query["date"] == [datetime.fromtimestamp(unix_s, UTC).strftime("%Y-%m-%d")]
    assert query["timeNo"] == [str(unix_s)]


@given(st.lists(st.floats(-1e5, 1e5, width=32), max_size=3))
def test_total_is_the_sum_of_the_rounded_phases(power_w: list[float]) -> None:
    query = parse_qs(urlsplit(report("HME-4", power_w=tuple(power_w))).query)
    phases = [round(value) for value in power_w] + [0, 0, 0]
    assert [int(query[key][0]) for key in ("ap", "bp", "cp")] == phases[:3]
    assert int(query["dp"][0]) == sum(phases)


def test_meter_that_has_gone_mad() -> None:
    assert "&ap=0&bp=0&cp=0&dp=0&" in report("HME-4", power_w=(math.nan, math.inf, -math.inf))


def test_host_that_does_not_fit() -> None:
    with pytest.raises(ValueError, match="shorten the host"):
        CloudReport(MAC, host="x" * 3000).handshake_url()


@pytest.mark.parametrize("active", [True, False])
def test_sums_are_those_of_the_replies(poll: Callable[..., list[str] | None], active: bool) -> None:
    emulator = Emulator(Config(active_control=active))
    emulator.update_grid([300.0, -200.0, 50.0], at=1.0)
    batteries = [("1", "A", 300), ("2", "A", -200), ("3", "B", 150), ("4", "C", -90), ("5", "D", 40), ("6", "0", -25)]
    for step in range(5):
        for number, phase, power in batteries:
            fields = poll(emulator, 1.0 + step, power, mac=f"60F1A2B3C40{number}", phase=phase)
            assert fields is not None
            sums = sums_of(emulator)
            assert [int(field) for field in fields[14:19]] == list(sums.charge_w)
            assert [int(field) for field in fields[19:24]] == list(sums.discharge_w)
    assert any(sums.charge_w) and any(sums.discharge_w)


# -- schedule --------------------------------------------------------------------------------


@pytest.mark.parametrize("start", [0.0, 2**32 / 1000 - 61])
def test_one_handshake_then_reports(start: float) -> None:
    schedule = ReportSchedule(60)
    assert schedule.next(False, NOW, at=start) is ReportStep.NOTHING
    assert schedule.next(True, NOW, at=start) is ReportStep.HANDSHAKE
    assert schedule.next(True, NOW, at=start + 1) is ReportStep.NOTHING  # still under way
    schedule.finish()
    assert schedule.next(True, NOW, at=start + 1) is ReportStep.REPORT
    schedule.finish()
    # From start to start.
    assert schedule.next(True, NOW, at=start + 60.9) is ReportStep.NOTHING
    assert schedule.next(True, NOW, at=start + 61) is ReportStep.REPORT
    # One that takes longer than the interval delays the next.
    assert schedule.next(True, NOW, at=start + 130) is ReportStep.NOTHING
    schedule.finish()
    assert schedule.next(True, NOW, at=start + 130) is ReportStep.REPORT
    schedule.finish()
    # Without network, or without a MAC.
    assert schedule.next(False, NOW, at=start + 195) is ReportStep.NOTHING
    assert schedule.next(True, NOW, at=start + 196) is ReportStep.HANDSHAKE
    schedule.finish()
    assert schedule.next(True, NOW, at=start + 196) is ReportStep.REPORT


@pytest.mark.parametrize("start", [0.0, 2**32 / 1000 - 100])
def test_a_network_that_comes_and_goes_is_not_greeted_each_time(start: float) -> None:
    schedule = ReportSchedule(60)
    asked: dict[ReportStep, list[int]] = {ReportStep.HANDSHAKE: [], ReportStep.REPORT: []}
    for second in range(241):
        step = schedule.next(second % 3 != 0, NOW, at=start + second)
        if step is not ReportStep.NOTHING:
            asked[step].append(second)
            schedule.finish()
    assert asked == {ReportStep.HANDSHAKE: [1, 62, 124, 185], ReportStep.REPORT: [2, 64, 125, 187]}


def test_handshake_after_a_loss_waits_for_the_next_report() -> None:
    schedule = ReportSchedule(60)
    for second, step in ((0, ReportStep.HANDSHAKE), (0, ReportStep.REPORT), (60, ReportStep.REPORT)):
        assert schedule.next(True, NOW, at=second) is step
        schedule.finish()
    assert schedule.next(False, NOW, at=70) is ReportStep.NOTHING
    assert schedule.next(True, NOW, at=71) is ReportStep.NOTHING
    assert schedule.next(True, NOW, at=119) is ReportStep.NOTHING
    assert schedule.next(True, NOW, at=120) is ReportStep.HANDSHAKE
    schedule.finish()
    assert schedule.next(True, NOW, at=120) is ReportStep.REPORT


def test_another_name_is_greeted_at_once() -> None:
    schedule = ReportSchedule(60)
    assert schedule.next(True, NOW, at=0) is ReportStep.HANDSHAKE
    schedule.rename()
    assert schedule.next(True, NOW, at=1) is ReportStep.NOTHING  # one request at a time
    schedule.finish()
    assert schedule.next(True, NOW, at=1) is ReportStep.HANDSHAKE
    schedule.finish()
    assert schedule.next(True, NOW, at=1) is ReportStep.REPORT


def test_no_report_while_the_clock_was_never_set() -> None:
    schedule = ReportSchedule(60)
    assert schedule.next(True, 0, at=0) is ReportStep.HANDSHAKE
    schedule.finish()
    assert schedule.next(True, 120, at=120) is ReportStep.NOTHING
    assert schedule.next(True, 1577836799, at=130) is ReportStep.NOTHING
    assert schedule.next(True, 1577836800, at=131) is ReportStep.REPORT


def test_interval_is_never_below_5_s() -> None:
    schedule = ReportSchedule(0)
    schedule.next(True, NOW, at=0)
    schedule.finish()
    asked = []
    for tenth in range(200):
        if schedule.next(True, NOW, at=tenth / 10) is ReportStep.REPORT:
            asked.append(tenth / 10)
            schedule.finish()
    assert asked == [0.0, 5.0, 10.0, 15.0]
