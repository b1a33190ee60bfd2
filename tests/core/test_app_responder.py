"""What the Marstek app asks over MQTT and what it is answered, byte by byte."""

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nullwatt.core import (
    AppPacer,
    AppPoll,
    AppSlave,
    Config,
    Emulator,
    app_answer_topics,
    app_poll_topics,
    encode_frame,
    is_app_poll,
    normalize_ct_mac,
    parse_app_poll,
    runtime_frame,
    slave_list,
)

MAC = "02b25012abcd"
TAIL = "cur_d=0,ble_s=0,fc4_v=202409090159,kwh=0.00,n_kwh=0.00,used_kwh=0.00,fed_kwh=0.00"

WATTS = st.floats(-1e5, 1e5, width=32)
# What a battery may call itself, and whatever else the network brings.
NAMES = st.text(st.characters(min_codepoint=1, max_codepoint=0x2FF), min_size=1, max_size=40)


# -- topics ----------------------------------------------------------------------------------


@pytest.mark.parametrize("ct_type", ["HME-4", "HME-3"])
def test_topics_of_both_models_under_both_prefixes(ct_type: str) -> None:
    assert app_poll_topics(ct_type, MAC) == (
        f"hame_energy/{ct_type}/App/{MAC}/ctrl",
        f"marstek_energy/{ct_type}/App/{MAC}/ctrl",
    )
    assert app_answer_topics(ct_type, MAC) == (
        f"hame_energy/{ct_type}/device/{MAC}/ctrl",
        f"marstek_energy/{ct_type}/device/{MAC}/ctrl",
    )
    for topic in app_poll_topics(ct_type, MAC):
        assert is_app_poll(topic, ct_type, MAC)
        assert is_app_poll(topic.replace(MAC, MAC.upper()), ct_type, MAC)
    for topic in app_answer_topics(ct_type, MAC):
        assert not is_app_poll(topic, ct_type, MAC)


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "/",
        "////",
        f"hame_energy/HME-3/App/{MAC}/ctrl",
        f"hame_energy/hme-4/App/{MAC}/ctrl",
        f"Hame_energy/HME-4/App/{MAC}/ctrl",
        f"other_energy/HME-4/App/{MAC}/ctrl",
        "hame_energy/HME-4/App/02b25012abce/ctrl",
        "hame_energy/HME-4/App//ctrl",
        f"hame_energy//App/{MAC}/ctrl",
        f"hame_energy/HME-4/app/{MAC}/ctrl",
        f"hame_energy/HME-4/App/{MAC}/ctrl/",
        f"/hame_energy/HME-4/App/{MAC}/ctrl",
        f"hame_energy/HME-4/App/{MAC}/Ctrl",
        f"hame_energy/HME-4/App/{MAC}",
    ],
)
def test_other_topics_are_not_ours(topic: str) -> None:
    assert not is_app_poll(topic, "HME-4", MAC)
    assert not is_app_poll(topic, "HME-4", "")


@pytest.mark.parametrize(
    ("text", "mac"),
    [
        ("02:B2:50:12:AB:CD", MAC),
        ("02-b2-50-12-ab-cd", MAC),
        ("  02b2 5012 abcd\n", MAC),
        ("02b25012abc", None),
        ("02b25012abcde", None),
        ("02b25012abcg", None),
        ("02b25012abcd:", MAC),
        ("", None),
        ("::::", None),
    ],
)
def test_mac(text: str, mac: str | None) -> None:
    assert normalize_ct_mac(text) == mac


# -- polls -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("payload", "poll"),
    [
        (b"cd=1", AppPoll.RUNTIME),
        (b"cd=01", AppPoll.RUNTIME),
        (b" cd = 1 ", AppPoll.RUNTIME),
        (b"CD=1", AppPoll.RUNTIME),
        (b"x=2,cd=1,y", AppPoll.RUNTIME),
        (b"noise,,=,cd=1,", AppPoll.RUNTIME),
        ("größe=3,cd=1".encode(), AppPoll.RUNTIME),
        (b"cd=4,cd=1", AppPoll.RUNTIME),
        (b"cd=x,cd=1", AppPoll.RUNTIME),
        (b"cd=4,p1=0", AppPoll.SLAVES),
        (b"p1=2,cd=4", AppPoll.SLAVES),
        (b"cd=4,p1=x,P1= -7 ", AppPoll.SLAVES),
        (b"cd=1,cd=4", AppPoll.NONE),
        (b"cd=1,cd=x", AppPoll.NONE),
        (b"cd=1,cd=", AppPoll.NONE),
        (b"cd=4", AppPoll.NONE),
        (b"cd=4,p1=", AppPoll.NONE),
        (b"cd=4,p1=a", AppPoll.NONE),
        (b"cd=4,p1=1.0", AppPoll.NONE),
        (b"cd=4,p1=1,p1=x", AppPoll.NONE),
        (b"cd=1abc", AppPoll.NONE),
        (b"cd=1=1", AppPoll.NONE),
        (b"cd=7", AppPoll.NONE),
        (b"cd=8", AppPoll.NONE),
        (b"cd=4294967297", AppPoll.NONE),
        (b"cd", AppPoll.NONE),
        (b"=1", AppPoll.NONE),
        (b"", AppPoll.NONE),
        (b"cd=1\xff", AppPoll.NONE),
        (b"x=\xc3,cd=1", AppPoll.NONE),
        (b"cd=1\x00", AppPoll.NONE),
    ],
)
def test_polls(payload: bytes, poll: AppPoll) -> None:
    assert parse_app_poll(payload) is poll


def expected_poll(text: str) -> AppPoll:
    keys: dict[str, int | None] = {}
    for part in text.split(","):
        key, sign, value = part.partition("=")
        if sign:
            value = value.strip(" \t\n\v\f\r")
            digits = value.removeprefix("-") if value.startswith("-") else value.removeprefix("+")
            whole = digits.isascii() and digits.isdigit() and abs(int(digits)) < 2**31
            keys[key.strip(" \t\n\v\f\r").lower()] = int(value) if whole else None
    if keys.get("cd") == 1:
        return AppPoll.RUNTIME
    return AppPoll.SLAVES if keys.get("cd") == 4 and keys.get("p1") is not None else AppPoll.NONE


@given(st.lists(st.sampled_from(["cd", "CD", "p1", "x", "=", "=", "1", "4", "01", ",", ",", " ", "-", "a", "ü"])))
def test_polls_made_of_their_parts(parts: list[str]) -> None:
    text = "".join(parts)
    assert parse_app_poll(text.encode()) is expected_poll(text)


@given(st.binary(max_size=80))
def test_hostile_polls(payload: bytes) -> None:
    try:
        text = payload.decode()
    except UnicodeDecodeError:
        assert parse_app_poll(payload) is AppPoll.NONE
    else:
        assert parse_app_poll(payload) is expected_poll(text)


# -- runtime frame ---------------------------------------------------------------------------


def test_runtime_frame_byte_by_byte() -> None:
    assert runtime_frame([312.5, -48.5, 95.2], slaves=3, rssi_dbm=-61) == (
        "pwr_a=312,pwr_b=-48,pwr_c=95,pwr_t=359,wif_s=2,wif_r=-61,ver_v=148,slv_n=3,cur_d=0,ble_s=0,"
        "fc4_v=202409090159,kwh=0.00,n_kwh=0.00,used_kwh=0.00,fed_kwh=0.00"
    )
    assert runtime_frame([]) == f"pwr_a=0,pwr_b=0,pwr_c=0,pwr_t=0,wif_s=2,wif_r=-50,ver_v=148,slv_n=0,{TAIL}"
    assert runtime_frame([-0.4], version=121).startswith("pwr_a=0,pwr_b=0,pwr_c=0,pwr_t=0,wif_s=2,wif_r=-50,ver_v=121,")


@given(st.lists(WATTS, max_size=3), st.integers(0, 16), st.integers(-127, 0))
def test_total_is_the_sum_of_the_rounded_phases(power_w: list[float], slaves: int, rssi: int) -> None:
    frame = dict(part.split("=") for part in runtime_frame(power_w, slaves=slaves, rssi_dbm=rssi).split(","))
    phases = [round(value) for value in power_w] + [0, 0, 0]
    assert [int(frame[key]) for key in ("pwr_a", "pwr_b", "pwr_c")] == phases[:3]
    assert int(frame["pwr_t"]) == sum(phases)
    assert (int(frame["slv_n"]), int(frame["wif_r"])) == (slaves, rssi)


def test_meter_that_has_gone_mad() -> None:
    assert runtime_frame([math.nan, math.inf, -math.inf]).startswith("pwr_a=0,pwr_b=0,pwr_c=0,pwr_t=0,")
    assert runtime_frame([1e30] * 3).startswith("pwr_a=100000000,pwr_b=100000000,pwr_c=100000000,pwr_t=300000000,")


# -- slave list ------------------------------------------------------------------------------


def test_slave_list_byte_by_byte() -> None:
    slaves = [
        AppSlave("HMJ-2", "60f1a2b3c404", "", "d"),
        AppSlave("HMG-50", "60f1a2b3c401", "192.0.2.21:22222", "a"),
    ]
    assert slave_list(slaves) == (
        "slv_t=HMG-50,slv_id=60f1a2b3c401,slv_ip=192.0.2.21,slv_p=A,"
        "slv_t=HMJ-2,slv_id=60f1a2b3c404,slv_ip=0.0.0.0,slv_p=D"
    )
    assert slave_list([]) == ""


def test_five_slaves_at_most() -> None:
    slaves = [AppSlave("HMG-50", f"60f1a2b3c4{i:02x}", "192.0.2.21", "0") for i in (7, 3, 9, 1, 5, 8, 2)]
    ids = [part.removeprefix("slv_id=") for part in slave_list(slaves).split(",") if part.startswith("slv_id=")]
    assert ids == [f"60f1a2b3c4{i:02x}" for i in (1, 2, 3, 5, 7)]


@given(st.lists(st.builds(AppSlave, NAMES, NAMES, NAMES, st.sampled_from("abcdABCD0")), max_size=9))
def test_slave_list_can_always_be_read(slaves: list[AppSlave]) -> None:
    text = slave_list(slaves)
    parts = text.split(",") if text else []
    shown = sorted(slaves, key=lambda slave: slave.id.encode())[:5]
    assert len(parts) == 4 * len(shown)
    for index, slave in enumerate(shown):
        fields = dict(part.split("=") for part in parts[4 * index : 4 * index + 4])
        assert list(fields) == ["slv_t", "slv_id", "slv_ip", "slv_p"]
        assert fields["slv_id"] == slave.id.translate(str.maketrans(",;=", "___"))
        assert fields["slv_p"] in "ABCD0"


def test_slaves_of_an_emulator(poll: Callable[..., list[str] | None]) -> None:
    emulator = Emulator(Config())
    assert slave_list(emulator) == ""
    for number, phase in ((4, "0"), (2, "D"), (6, "C"), (1, "A"), (3, "B"), (5, "A")):
        poll(emulator, 1.0, mac=f"60F1A2B3C40{number}", phase=phase, kind="HM,G=5;0")
    one = "slv_t=HM_G_5_0,slv_id=60f1a2b3c40{},slv_ip=192.0.2.21,slv_p={}"
    assert slave_list(emulator) == ",".join(one.format(n, p) for n, p in zip(range(1, 6), "ADB0A", strict=True))


ASCII_NAMES = st.text(st.characters(min_codepoint=1, max_codepoint=127, exclude_characters="|"), max_size=40)


@given(st.lists(st.tuples(ASCII_NAMES, ASCII_NAMES), max_size=16))
def test_slaves_of_an_emulator_with_hostile_names(names: list[tuple[str, str]]) -> None:
    emulator = Emulator(Config())
    for number, (kind, mac) in enumerate(names):
        fields = [kind, mac, "HME-4", "", "A", "0"]
        emulator.handle(encode_frame(fields), source=f"192.0.2.{number}:1", at=1.0)
    text = slave_list(emulator)
    known = sorted(consumer.mac.encode() for consumer in emulator.consumers())
    assert len(text.split(",")) == 4 * min(len(known), 5) or not text
    assert bool(text) == bool(known)


# -- pace ------------------------------------------------------------------------------------


def test_one_poll_is_in_work_at_a_time() -> None:
    pacer = AppPacer(0)
    assert not pacer.accept(AppPoll.RUNTIME)  # no broker yet
    pacer.set_connected(True)
    assert not pacer.accept(AppPoll.NONE)
    assert pacer.accept(AppPoll.RUNTIME)
    assert not pacer.accept(AppPoll.SLAVES)
    pacer.finish()
    assert pacer.accept(AppPoll.SLAVES)
    pacer.set_connected(False)
    pacer.set_connected(True)
    assert pacer.accept(AppPoll.SLAVES)


@pytest.mark.parametrize("start", [0.0, 2**32 / 1000 - 400])
def test_broadcasts(start: float) -> None:
    pacer = AppPacer(300)
    assert not pacer.broadcast_due(True, at=start)
    pacer.set_connected(True)
    assert not pacer.broadcast_due(False, at=start + 1)
    # As soon as the MAC is known.
    assert pacer.broadcast_due(True, at=start + 2)
    assert not pacer.accept(AppPoll.RUNTIME)
    pacer.finish()
    assert not pacer.broadcast_due(True, at=start + 301.9)
    assert pacer.accept(AppPoll.RUNTIME)
    assert not pacer.broadcast_due(True, at=start + 302)
    pacer.finish()
    assert pacer.broadcast_due(True, at=start + 302.1)
    pacer.finish()
    pacer.set_connected(False)
    assert not pacer.broadcast_due(True, at=start + 1000)
    pacer.set_connected(True)
    assert pacer.broadcast_due(True, at=start + 1001)


def test_no_broadcasts() -> None:
    pacer = AppPacer(0)
    pacer.set_connected(True)
    assert not any(pacer.broadcast_due(True, at=at) for at in (0, 1, 1e5, 4e6, 5e6))
