"""The Bluetooth side of pairing: the frames of the vectors, the stream, the conversation and its limits."""

import json
import math
import struct
from collections.abc import Iterator, Sequence
from functools import reduce
from itertools import pairwise
from operator import xor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nullwatt.core import (
    BleAction,
    BleBattery,
    BleContext,
    BleCtSelection,
    BleFrameError,
    BleIdChange,
    BleIdSource,
    BleOutcome,
    BlePairing,
    Emulator,
    WifiFacts,
    WifiStep,
    WifiVerdict,
    ble_address,
    ble_battery_list,
    ble_ct_code,
    ble_id_change,
    ble_identity,
    ble_name,
    decode_ble_frame,
    encode_ble_frame,
    encode_frame,
)
from nullwatt.core._core import ffi

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "ble-vectors.json").read_text())
BY_ID = {vector["id"]: vector for vector in VECTORS["vectors"]}
REQUESTS = [name for name, vector in BY_ID.items() if vector["kind"] == "request"]
REPLIES = [name for name, vector in BY_ID.items() if vector["kind"] == "reply"]
MALFORMED = [name for name, vector in BY_ID.items() if vector["kind"] == "malformed"]
MODELS = ("HME-4", "HME-3")
ID = "02b2503c7e91"
WRAP = 2**32 / 1000  # the millisecond counter, in seconds

STATUS = bytes.fromhex("730623030154")
IDENTITY = bytes.fromhex("730623040153")
GET_SSID = bytes.fromhex("73062308015f")
RESET = bytes.fromhex("730623060151")
REBOOT = bytes.fromhex("73062309015e")
ACK = bytes.fromhex("730623050152")


def frame(name: str) -> bytes:
    return bytes.fromhex(BY_ID[name]["hex"])


def ask(pairing: BlePairing, request: bytes, at: float = 0.0, **context: Any) -> BleOutcome:
    """The one outcome of one request."""
    assert pairing.receive(request, at) == 0
    (outcome,) = pairing.handle_all(BleContext(**context), at=at)
    return outcome


def wifi_request(ssid: str, password: str | None) -> bytes:
    tail = "" if password is None else f"<.,.>{password}"
    return encode_ble_frame(0x05, f"{ssid}{tail}".encode())


# -- vectors -------------------------------------------------------------------------------------


def test_every_vector_is_of_a_known_kind() -> None:
    assert len(REQUESTS) + len(REPLIES) + len(MALFORMED) == len(VECTORS["vectors"]) == 41


@pytest.mark.parametrize("name", REQUESTS + REPLIES)
def test_frames_decode_and_encode_to_the_same_bytes(name: str) -> None:
    data = frame(name)
    command, payload = decode_ble_frame(data)
    assert len(data) == BY_ID[name]["length"]
    assert encode_ble_frame(command, payload) == data
    if "cmd" in BY_ID[name]:
        assert command == int(BY_ID[name]["cmd"], 16)


def inputs_of(vector: dict[str, Any]) -> dict[str, Any]:
    names = {"ssid": "ssid", "id": "id", "phase_w": "phase_w", "online": "online", "rssi_dbm": "rssi_dbm"}
    names |= {"reversed_bits": "reversed_bits"}
    return {names[key]: value for key, value in vector["inputs"].items()}


@pytest.mark.parametrize("name", [name for name in REPLIES if "rows" not in BY_ID[name].get("inputs", {"rows": 0})])
def test_replies(name: str) -> None:
    vector = BY_ID[name]
    command = frame(name)[3]
    for model in MODELS if vector["model"] == "any" else [vector["model"]]:
        outcome = ask(BlePairing(), encode_ble_frame(command, b"\x01"), ct_type=model, **inputs_of(vector))
        assert outcome == BleOutcome(frame(name), BleAction.NONE, 0)


@pytest.mark.parametrize("name", [name for name in REPLIES if "rows" in BY_ID[name].get("inputs", {})])
def test_lists_of_batteries(name: str) -> None:
    inputs = BY_ID[name]["inputs"]
    assert ble_battery_list([BleBattery(*row) for row in inputs["rows"]], inputs["mtu"]) == frame(name)


@pytest.mark.parametrize("name", REQUESTS)
@pytest.mark.parametrize("model", MODELS)
def test_requests(name: str, model: str) -> None:
    vector = BY_ID[name]
    if vector["model"] not in ("any", model):
        return
    pairing = BlePairing(pairing_window=300, at=0)
    outcome = ask(pairing, frame(name), ct_type=model, online=True)
    if "expect_reply" in vector:
        expected = vector["expect_reply"]
        assert outcome.reply == (None if expected is None else bytes.fromhex(expected))
    elif "expect_reply_when_refused" in vector:
        assert outcome.reply is None
        allowed = BlePairing(allow_direction_change=True)
        reply = ask(allowed, frame(name), ct_type=model, reversed_bits=2).reply
        assert reply == bytes.fromhex(vector["expect_reply_when_allowed"])
    else:
        assert outcome.reply is not None and outcome.reply[3] == int(vector["cmd"], 16)
    if "ssid" in vector:
        assert outcome.action is BleAction.WIFI_OFFERED
        assert pairing.offered == (vector["ssid"].encode(), vector["password"].encode())
    if "expect_action" in vector:
        assert outcome.action.name.lower() == vector["expect_action"]


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_frames_are_dropped(name: str) -> None:
    pairing = BlePairing()
    pairing.receive(frame(name), 0)
    assert pairing.waiting == 0
    # Nothing of it is left in the way of the next one.
    assert ask(pairing, IDENTITY, at=0.5).reply is not None


@pytest.mark.parametrize("stream", VECTORS["streams"], ids=lambda stream: stream["id"])
@pytest.mark.parametrize("start", [0.0, WRAP - 0.5])
def test_streams(stream: dict[str, Any], start: float) -> None:
    pairing = BlePairing()
    for write in stream["writes"]:
        pairing.receive(bytes.fromhex(write["hex"]), start + write["t_ms"] / 1000)
    replies = [outcome.reply for outcome in pairing.handle_all(BleContext(), at=start + 2)]
    assert [reply and reply[3] for reply in replies] == [int(command, 16) for command in stream["frames"]]


@pytest.mark.parametrize("vector", VECTORS["advertised_names"], ids=lambda vector: f"{vector['model']}-{vector['id']}")
def test_advertised_names(vector: dict[str, str]) -> None:
    assert ble_name(vector["model"], vector["id"]) == vector["name"]


SELECTIONS = {
    "battery-venus-ct002": BleCtSelection(0x18, 3, ID),
    "battery-venus-ct003-name": BleCtSelection(0x18, 4, ID, "HME-3"),
    "battery-b2500-ct002": BleCtSelection(0x31, 3, ID, "HME-4"),
    "battery-jupiter-ct002": BleCtSelection(0x15, 3, ID),
}


@pytest.mark.parametrize("vector", VECTORS["battery_ct_selection"], ids=lambda vector: vector["id"])
def test_frames_for_batteries(vector: dict[str, str]) -> None:
    data = bytes.fromhex(vector["hex"])
    assert SELECTIONS[vector["id"]].encode() == data
    assert BleCtSelection.decode(data) == SELECTIONS[vector["id"]]


@pytest.mark.parametrize(
    "selection",
    [
        BleCtSelection(0x18, 3, "02b2503c7e9"),
        BleCtSelection(0x18, 3, "02b2503c7e9g"),
        BleCtSelection(0x31, 3, ID),
        BleCtSelection(0x18, 3, ID, "x" * 14),
    ],
)
def test_selections_that_make_no_frame(selection: BleCtSelection) -> None:
    with pytest.raises(BleFrameError):
        selection.encode()


@given(st.binary(max_size=60), st.sampled_from([0x15, 0x18, 0x31, 0x03]))
def test_any_frame_for_a_battery_is_refused_or_read_back(payload: bytes, command: int) -> None:
    try:
        selection = BleCtSelection.decode(encode_ble_frame(command, payload))
    except BleFrameError:
        return
    assert selection.battery == command != 0x03
    assert BleCtSelection.decode(selection.encode()) == selection


def test_codes_of_account_types() -> None:
    codes = {"HME-1": 0, "HME-2": 3, "HME-4": 3, "TPM-CN": 3, "HME-3": 4, "HME-5": 4, "HME-6": None, "": None}
    assert {name: ble_ct_code(name) for name in codes} == codes


# -- identity ------------------------------------------------------------------------------------

FACTORY = bytes.fromhex("a0b1c2d3e4f5")


def test_id_comes_from_the_first_that_is_a_mac() -> None:
    configured = "A4:C1:38-0F 00B2"
    assert ble_identity("02:b2:50:11:22:33", configured, FACTORY) == ("02b250112233", BleIdSource.REGISTERED)
    assert ble_identity("", configured, FACTORY) == ("a4c1380f00b2", BleIdSource.CONFIGURED)
    assert ble_identity("nonsense", "02b25011223", FACTORY)[1] is BleIdSource.DERIVED
    assert ble_identity("02b2501122334", "", FACTORY)[1] is BleIdSource.DERIVED


def fnv_1a(data: bytes) -> int:
    return reduce(lambda value, byte: (value ^ byte) * 16777619 % 2**32, data, 2166136261)


@given(st.binary(min_size=6, max_size=6))
def test_derived_id_is_the_documented_hash_and_always_the_same(factory_mac: bytes) -> None:
    found, source = ble_identity("", "", factory_mac)
    folded = fnv_1a(factory_mac) >> 24 ^ fnv_1a(factory_mac) & 0xFFFFFF
    assert (found, source) == (f"02b250{folded:06x}", BleIdSource.DERIVED)
    assert ble_address(found) == (bytes.fromhex(found), True)


def test_derived_id_is_pinned() -> None:
    # Whoever changes this number makes every board a stranger to its app.
    assert ble_identity("", "", FACTORY)[0] == "02b250dab373"


def test_neighbouring_chips_have_different_ids() -> None:
    ids = {ble_identity("", "", FACTORY[:4] + number.to_bytes(2))[0] for number in range(4096)}
    assert len(ids) > 4090


def test_multicast_address_is_told() -> None:
    assert ble_address("03b2503c7e91") == (bytes.fromhex("03b2503c7e91"), False)
    with pytest.raises(ValueError, match="12 hex digits"):
        ble_address("02b2503c7e9z")


def test_new_id_while_running() -> None:
    other = "02b250000001"
    for source in BleIdSource:
        assert ble_id_change(ID, source, ID, just_saved=True) is BleIdChange.NONE
        assert ble_id_change(ID, source, other) is BleIdChange.RENAME
        assert ble_id_change(ID, source, other, just_saved=True, forced=True) is BleIdChange.RENAME
    assert ble_id_change(ID, BleIdSource.CONFIGURED, other, just_saved=True) is BleIdChange.RESTART
    assert ble_id_change(ID, BleIdSource.DERIVED, other, just_saved=True) is BleIdChange.RESTART
    # The address of this boot was a registered one: restarting again would never end.
    assert ble_id_change(ID, BleIdSource.REGISTERED, other, just_saved=True) is BleIdChange.RENAME


# -- numbers -------------------------------------------------------------------------------------


def half_away(value: float, bits: int) -> int:
    if not math.isfinite(value):
        return 0
    most = 2 ** (bits - 1)
    rounded = math.floor(abs(value) + 0.5) * (1 if value >= 0 else -1)
    return max(-most, min(rounded, most - 1))


WATTS = st.floats(width=32) | st.floats(-50000, 50000, width=32) | st.integers(-1000, 1000).map(lambda n: n / 2)


@given(st.tuples(WATTS, WATTS, WATTS), st.integers(-200, 50), st.booleans())
def test_status_carries_any_numbers(power_w: tuple[float, ...], rssi_dbm: int, online: bool) -> None:
    facts: dict[str, Any] = {"phase_w": power_w, "rssi_dbm": rssi_dbm, "online": online}
    ct002 = ask(BlePairing(), STATUS, ct_type="HME-4", **facts).reply
    ct003 = ask(BlePairing(), STATUS, ct_type="HME-3", **facts).reply
    assert ct002 is not None and ct003 is not None and (len(ct002), len(ct003)) == (24, 42)
    phases_16 = struct.unpack_from("<3h", ct002, 11)
    phases_32 = struct.unpack_from("<3i", ct003, 28)
    assert phases_16 == tuple(half_away(each, 16) for each in power_w)
    assert phases_32 == tuple(half_away(each, 32) for each in power_w)
    signal = max(-127, min(rssi_dbm, 0)) if online else 0
    assert struct.unpack_from("<BBb", ct002, 19) == struct.unpack_from("<BBb", ct003, 17) == (online, online, signal)
    known = [each for each in power_w if math.isfinite(each)]
    if all(abs(each) < 1e6 for each in known):
        assert abs(struct.unpack_from("<i", ct003, 5)[0] - sum(known)) <= 0.75


@pytest.mark.parametrize(
    ("power_w", "total"),
    [
        ((math.nan, 100.0, -40.0), 60),  # an unknown phase counts nothing, the others stay
        ((math.inf, -math.inf, 3.0), 3),
        ((3e38, 3e38, 3e38), 32767),
        ((-3e38, -3e38, 0.0), -32768),
        ((0.5, 0.0, 0.0), 1),
        ((-0.5, 0.0, 0.0), -1),
        ((32766.5, 0.0, 0.0), 32767),
    ],
)
def test_total(power_w: Sequence[float], total: int) -> None:
    reply = ask(BlePairing(), STATUS, phase_w=power_w).reply
    assert reply is not None and struct.unpack_from("<h", reply, 17) == (total,)


def test_voltages_are_told_where_they_are_known() -> None:
    status = ask(BlePairing(), STATUS, phase_v=(230.4, math.nan, 70000.0)).reply
    assert status is not None and struct.unpack_from("<3H", status, 5) == (230, 0, 65535)
    ask_voltages = encode_ble_frame(0x13, b"\x01")
    for phase_v, good in (((230.4, 209.9, 240.0), 0), ((230.4, 210.0, 240.0), 1), ((241.0, 230.0, 230.0), 0)):
        reply = ask(BlePairing(), ask_voltages, phase_v=phase_v).reply
        assert reply == encode_ble_frame(0x13, struct.pack("<3HB", *(half_away(v, 32) for v in phase_v), good))
    for unknown in (math.nan, 0.0, -230.0, math.inf):
        assert ask(BlePairing(), ask_voltages, phase_v=(230.0, 230.0, unknown)).reply is None
    assert ask(BlePairing(), ask_voltages, ct_type="HME-3", phase_v=(230.0,) * 3).reply is None


def test_commands_of_the_other_model_are_not_answered() -> None:
    for command in (0x13, 0x16, 0x17):
        pairing = BlePairing(allow_direction_change=True)
        outcome = ask(pairing, encode_ble_frame(command, b"\x01"), ct_type="HME-3", phase_v=(230.0,) * 3)
        assert outcome == BleOutcome(None, BleAction.NONE, 0)


ANSWERED = {0x03, 0x04, 0x05, 0x08, 0x12, 0x16, 0x17}


@pytest.mark.parametrize("command", range(256))
def test_no_other_command_is_answered_or_acts(command: int) -> None:
    pairing = BlePairing(allow_wifi_change=True, allow_direction_change=True)
    outcome = ask(pairing, encode_ble_frame(command, b"\x01"))
    assert (outcome.reply is not None) == (command in ANSWERED)
    if command not in (0x05, 0x06, 0x09, 0x17):
        assert outcome.action is BleAction.NONE


# -- batteries -----------------------------------------------------------------------------------


def poll(emulator: Emulator, mac: str, source: str, phase: str, at: float) -> None:
    assert emulator.handle(encode_frame(["HMG-50", mac, "HME-4", "", phase, "0"]), source=source, at=at)


def test_batteries_that_poll_are_listed() -> None:
    emulator = Emulator()
    poll(emulator, "AABBCCDDEEFF", "192.168.1.40:22222", "A", 0)
    poll(emulator, "0123456789AB", "192.168.1.41:22222", "0", 0)
    pairing = BlePairing()
    pairing.receive(frame("req-linked"), 1)
    (outcome,) = pairing.handle_all(BleContext(mtu=500), emulator, at=1)
    rows = [
        BleBattery("HMG-50", "aabbccddeeff", "192.168.1.40", "A"),
        BleBattery("HMG-50", "0123456789ab", "192.168.1.41", ""),
    ]
    assert outcome.reply == ble_battery_list(rows, 500)
    poll(emulator, "AABBCCDDEEFF", "192.168.1.40:22222", "A", 600)
    pairing.receive(frame("req-linked"), 601)
    (outcome,) = pairing.handle_all(BleContext(mtu=500), emulator, at=601)
    assert outcome.reply == ble_battery_list(rows[:1], 500)


@given(
    st.lists(st.builds(BleBattery, *[st.text(st.characters(max_codepoint=0x7F), max_size=20)] * 3, st.just("A"))),
    st.integers(0, 600),
)
def test_a_list_of_batteries_holds_whole_entries_and_fits(batteries: list[BleBattery], mtu: int) -> None:
    batteries = [
        BleBattery(*(text.replace("\0", "") for text in (each.type, each.id, each.ip)), each.phase)
        for each in batteries
    ]
    reply = ble_battery_list(batteries, mtu)
    assert len(reply) <= max(20, min(mtu - 3, 255))
    _, payload = decode_ble_frame(reply)
    assert payload == b"" or payload.endswith(b";")
    entries = payload.split(b";")[:-1]
    assert len(entries) <= len(batteries)
    for entry in entries:
        assert [pair.partition(b"=")[0] for pair in entry.split(b",")] == [b"type", b"sid", b"ip", b"phpos"]


# -- the stream ----------------------------------------------------------------------------------

VALID = st.builds(encode_ble_frame, st.integers(0, 255), st.binary(max_size=123))


def replies_of(pieces: Iterator[bytes] | list[bytes], pause: float = 0.1) -> list[BleOutcome]:
    pairing = BlePairing(allow_direction_change=True)
    outcomes = []
    at = WRAP - 1
    for piece in pieces:
        at += pause
        assert pairing.receive(piece, at) == 0
        outcomes += pairing.handle_all(BleContext(phase_w=(1.0, 2.0, 3.0), online=True), at=at)
    return outcomes


def split(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[start:end] for start, end in pairwise(edges)]


@given(st.lists(VALID, max_size=8), st.lists(st.integers(0, 2000), max_size=20))
def test_frames_split_anyhow_give_the_same_replies(frames: list[bytes], cuts: list[int]) -> None:
    whole = replies_of(frames)
    assert len(whole) == len(frames)
    assert replies_of(split(b"".join(frames), cuts)) == whole


def reference_frames(stream: list[tuple[int, bytes]]) -> list[bytes]:
    """The receiver's rules once more, over the whole stream."""
    found, partial, last_ms = [], b"", 0
    for at_ms, data in stream:
        for value in data:
            if partial and at_ms - last_ms > 1000:
                partial = b""
            last_ms = at_ms
            if not partial and value != 0x73:
                continue
            partial += bytes([value])
            if len(partial) < 2:
                continue
            if not 5 <= partial[1] <= 128:
                partial = b""
            elif len(partial) == partial[1]:
                if partial[2] == 0x23 and reduce(xor, partial) == 0:
                    found.append(partial)
                partial = b""
    return found


DAMAGED = st.builds(
    lambda data, index, bit: bytes(each ^ (bit if i == index % len(data) else 0) for i, each in enumerate(data)),
    VALID,
    st.integers(0, 200),
    st.integers(1, 255),
)
NOISE = st.lists(st.sampled_from([0x73, 0x23, 0x05, 0x06, 0x00, 0x80, 0x81]), max_size=12).map(bytes)


@settings(max_examples=300)
@given(
    st.lists(
        st.tuples(st.sampled_from([0, 300, 1000, 1001, 5000]), st.binary(max_size=40) | NOISE | VALID | DAMAGED),
        max_size=20,
    )
)
def test_any_bytes_at_any_time_are_frames_or_nothing(writes: list[tuple[int, bytes]]) -> None:
    pairing = BlePairing(pairing_window=60, allow_wifi_change=True, allow_direction_change=True, at=0)
    at_ms = 0
    stream = []
    for pause_ms, data in writes:
        at_ms += pause_ms
        at = at_ms / 1000
        stream.append((at_ms, data))
        known = len(reference_frames(stream[:-1]))
        frames = reference_frames(stream)[known:]
        dropped = pairing.receive(data, at)
        assert pairing.waiting == min(len(frames), 8) == len(frames) - dropped
        outcomes = list(pairing.handle_all(BleContext(), at=at))
        assert pairing.waiting == 0
        for received, outcome in zip(frames[:8], outcomes, strict=True):
            if outcome.reply is not None:
                command, _ = decode_ble_frame(outcome.reply)
                assert command == received[3] in ANSWERED


def test_partial_frame_lives_a_second() -> None:
    for pause, count in ((1.0, 1), (1.001, 0)):
        pairing = BlePairing()
        pairing.receive(STATUS[:3], 0)
        pairing.receive(STATUS[3:], pause)
        assert pairing.waiting == count


def test_eight_frames_wait_and_no_more() -> None:
    pairing = BlePairing()
    assert pairing.receive(STATUS * 7 + IDENTITY + GET_SSID * 3, 0) == 3
    assert pairing.waiting == 8
    replies = [outcome.reply for outcome in pairing.handle_all(BleContext(), at=0)]
    assert [reply and reply[3] for reply in replies] == [3] * 7 + [4]
    assert pairing.receive(GET_SSID, 0) == 0


def test_replies_that_do_not_fit_are_not_sent() -> None:
    with pytest.raises(BleFrameError, match="do not fit"):
        encode_ble_frame(0x12, bytes(251))
    assert len(encode_ble_frame(0x12, bytes(250))) == 255
    with pytest.raises(BleFrameError):
        decode_ble_frame(STATUS + b"\0")


# -- restarts ------------------------------------------------------------------------------------


@pytest.mark.parametrize("request_", [RESET, REBOOT])
def test_without_a_window_the_app_never_restarts_the_board(request_: bytes) -> None:
    pairing = BlePairing(at=0)
    refused = BleOutcome(None, BleAction.RESTART_OUTSIDE_WINDOW, 0)
    assert ask(pairing, request_, at=0.1) == refused
    pairing.open_window(1)  # of no time at all
    assert ask(pairing, request_, at=1) == refused


@pytest.mark.parametrize("start", [0.0, WRAP - 100])
def test_window_after_power_up_closes(start: float) -> None:
    pairing = BlePairing(pairing_window=300, at=start)
    assert ask(pairing, REBOOT, at=start + 299.9).action is BleAction.RESTART
    assert not pairing.tick(start + 300)
    assert ask(pairing, REBOOT, at=start + 400).action is BleAction.RESTART_OUTSIDE_WINDOW
    pairing.open_window(start + 500)
    assert ask(pairing, RESET, at=start + 501).action is BleAction.RESTART


def test_a_closed_window_stays_closed_when_the_counter_comes_round() -> None:
    pairing = BlePairing(pairing_window=300, at=0)
    at = 0.0
    while at < WRAP:
        pairing.tick(at)
        at += 86400
    assert ask(pairing, REBOOT, at=WRAP + 10).action is BleAction.RESTART_OUTSIDE_WINDOW


def test_one_restart_per_minute() -> None:
    pairing = BlePairing(pairing_window=3600, at=0)
    assert ask(pairing, REBOOT, at=1).action is BleAction.RESTART
    assert ask(pairing, RESET, at=60.9).action is BleAction.RESTART_TOO_SOON
    assert ask(pairing, RESET, at=61).action is BleAction.RESTART


def test_a_restart_opens_no_window_and_the_pause_goes_on_after_it() -> None:
    pairing = BlePairing(pairing_window=300, after_restart=True, at=0)
    assert ask(pairing, REBOOT, at=70).action is BleAction.RESTART_OUTSIDE_WINDOW
    pairing = BlePairing(pairing_window=300, after_restart=True, at=0)
    pairing.open_window(5)
    assert ask(pairing, REBOOT, at=59).action is BleAction.RESTART_TOO_SOON
    assert ask(pairing, REBOOT, at=60).action is BleAction.RESTART


# -- direction -----------------------------------------------------------------------------------


@pytest.mark.parametrize("value", range(256))
def test_direction(value: int) -> None:
    request = encode_ble_frame(0x17, bytes([value]))
    assert ask(BlePairing(), request) == BleOutcome(None, BleAction.NONE, 0)
    outcome = ask(BlePairing(allow_direction_change=True), request, reversed_bits=2)
    if value <= 7:
        assert outcome == BleOutcome(encode_ble_frame(0x17, bytes([value])), BleAction.REVERSE, value)
    else:
        assert outcome == BleOutcome(encode_ble_frame(0x17, b"\x02"), BleAction.NONE, 0)


def test_direction_without_a_value_is_not_answered() -> None:
    assert ask(BlePairing(allow_direction_change=True), encode_ble_frame(0x17)).reply is None


# -- Wi-Fi ---------------------------------------------------------------------------------------

HOME = wifi_request("MyHome", "s3cret pass")
OLD = WifiFacts(True, True, "Old", "old pass")
OFF = WifiFacts(True, False)
NEW = WifiFacts(True, True, "MyHome", "s3cret pass")


def offered(facts: WifiFacts, *, allow: bool = True, request: bytes = HOME) -> tuple[BlePairing, WifiVerdict]:
    pairing = BlePairing(allow_wifi_change=allow, at=0)
    assert ask(pairing, request) == BleOutcome(ACK, BleAction.WIFI_OFFERED, 0)
    verdict = pairing.try_wifi(facts, 0)
    assert pairing.offered == (b"", b"")  # wiped, whatever came of it
    return pairing, verdict


def test_ssid_is_echoed_whatever_the_option_says() -> None:
    for allow in (False, True):
        pairing, _ = offered(OLD, allow=allow)
        assert ask(pairing, GET_SSID, ssid="Old").reply == frame("rep-ssid")
        # An empty one is not remembered, and changes nothing.
        assert ask(pairing, frame("req-wifi-empty-ssid")).reply is None
        assert ask(pairing, GET_SSID, ssid="Old").reply == frame("rep-ssid")
        pairing.disconnect()
        assert ask(pairing, GET_SSID, ssid="Old").reply == encode_ble_frame(0x08, b"Old")


def test_option_off_never_touches_wifi() -> None:
    for facts in (OLD, OFF, NEW, WifiFacts(False)):
        pairing, verdict = offered(facts, allow=False)
        assert verdict is WifiVerdict.NOT_ALLOWED
        assert [pairing.tick_wifi(facts, at) for at in range(0, 60, 5)] == [WifiStep.NONE] * 12


@pytest.mark.parametrize(
    ("facts", "verdict"),
    [
        (WifiFacts(False), WifiVerdict.NOT_USED),
        (WifiFacts(False, True, "MyHome"), WifiVerdict.NOT_USED),
        (WifiFacts(True, True, "MyHome", "the right one"), WifiVerdict.ALREADY_THERE),
        (WifiFacts(True, True, "myhome", "x"), WifiVerdict.TRIAL),  # names differ by case
        (OLD, WifiVerdict.TRIAL),
        (WifiFacts(True, False, "MyHome", "s3cret pass"), WifiVerdict.TRIAL),  # offline: even the same name
    ],
)
def test_what_becomes_of_an_offer(facts: WifiFacts, verdict: WifiVerdict) -> None:
    pairing, found = offered(facts)
    assert found is verdict
    assert pairing.on_trial == ((b"MyHome", b"s3cret pass") if verdict is WifiVerdict.TRIAL else (b"", b""))


@pytest.mark.parametrize("start", [0.0, WRAP - 10])
def test_trial_that_succeeds(start: float) -> None:
    pairing = BlePairing(allow_wifi_change=True, at=start)
    ask(pairing, HOME, at=start)
    assert pairing.try_wifi(OLD, start) is WifiVerdict.TRIAL
    assert pairing.tick_wifi(OLD, start) is WifiStep.CONNECT
    assert pairing.tick_wifi(OFF, start + 5) is WifiStep.NONE
    assert pairing.tick_wifi(NEW, start + 29.9) is WifiStep.SAVE
    assert pairing.on_trial == (b"MyHome", b"s3cret pass")  # for saving, then
    pairing.forget_wifi()
    assert pairing.on_trial == (b"", b"")
    assert pairing.tick_wifi(OFF, start + 60) is WifiStep.NONE


@pytest.mark.parametrize("start", [0.0, WRAP - 10])
def test_trial_that_fails(start: float) -> None:
    pairing = BlePairing(allow_wifi_change=True, at=start)
    ask(pairing, HOME, at=start)
    pairing.try_wifi(OFF, start)
    steps = [pairing.tick_wifi(OFF, start + second) for second in range(31)]
    # A board that stays offline tries again.
    assert {second: step for second, step in enumerate(steps) if step is not WifiStep.NONE} == {
        0: WifiStep.CONNECT,
        12: WifiStep.CONNECT,
        24: WifiStep.CONNECT,
        30: WifiStep.BACK,
    }
    assert pairing.on_trial == (b"", b"")
    assert pairing.tick_wifi(NEW, start + 31) is WifiStep.NONE


def test_who_is_back_on_the_old_network_is_left_in_peace() -> None:
    pairing, _ = offered(OLD)
    assert [pairing.tick_wifi(OLD, at) for at in (0, 10, 20, 29)] == [WifiStep.CONNECT, *[WifiStep.NONE] * 3]
    assert pairing.tick_wifi(OLD, 30) is WifiStep.BACK


def test_same_network_with_the_old_password_is_no_success() -> None:
    pairing, _ = offered(OFF)
    assert pairing.tick_wifi(OFF, 0) is WifiStep.CONNECT
    back = WifiFacts(True, True, "MyHome", "the right one")
    assert pairing.tick_wifi(back, 5) is WifiStep.NONE
    assert pairing.tick_wifi(back, 30) is WifiStep.BACK


def test_wifi_that_is_switched_off_ends_a_trial() -> None:
    pairing, _ = offered(OLD)
    assert pairing.tick_wifi(WifiFacts(False), 1) is WifiStep.BACK
    assert pairing.on_trial == (b"", b"")


def test_offers_during_a_trial_do_not_prolong_it() -> None:
    pairing, _ = offered(OLD)
    pairing.tick_wifi(OLD, 0)
    ask(pairing, wifi_request("Other", "password"), at=20)
    assert pairing.try_wifi(OFF, 20) is WifiVerdict.BUSY
    assert pairing.on_trial == (b"MyHome", b"s3cret pass")
    assert pairing.tick_wifi(OFF, 30) is WifiStep.BACK


@pytest.mark.parametrize(
    ("ssid", "password", "goes_on"),
    [
        ("S" * 32, "p" * 64, True),
        ("S" * 33, "p", False),
        ("S", "p" * 65, False),
        ("S\0T", "p", False),
        ("S", "p\0q", False),
        ("S", None, True),
        ("S", "", True),
        ("S", "a<.,.>b", True),  # split at the first separator only
    ],
)
def test_only_what_a_network_can_be_goes_on(ssid: str, password: str | None, goes_on: bool) -> None:
    pairing = BlePairing(allow_wifi_change=True)
    outcome = ask(pairing, wifi_request(ssid, password))
    assert outcome == BleOutcome(ACK, BleAction.WIFI_OFFERED if goes_on else BleAction.NONE, 0)
    assert pairing.offered == ((ssid.encode(), (password or "").encode()) if goes_on else (b"", b""))
    assert ask(pairing, GET_SSID).reply == encode_ble_frame(0x08, ssid.encode())


@given(st.binary(max_size=123))
def test_any_offer_leaves_sane_credentials(payload: bytes) -> None:
    pairing = BlePairing(allow_wifi_change=True)
    outcome = ask(pairing, encode_ble_frame(0x05, payload))
    ssid, _, password = payload.partition(b"<.,.>")
    assert outcome.reply == (ACK if ssid else None)
    if outcome.action is BleAction.WIFI_OFFERED:
        assert pairing.offered == (ssid, password)
        assert 0 < len(ssid) <= 32 and len(password) <= 64


# -- disconnection -------------------------------------------------------------------------------


def test_disconnecting_in_the_middle_of_a_frame() -> None:
    pairing = BlePairing()
    pairing.receive(STATUS[:4], 0)
    pairing.disconnect()
    pairing.receive(STATUS[4:] + IDENTITY, 0.1)
    (outcome,) = pairing.handle_all(BleContext(), at=0.1)
    assert outcome.reply is not None and outcome.reply[3] == 4


def test_disconnecting_in_the_middle_of_a_queue() -> None:
    pairing = BlePairing(pairing_window=300, at=0)
    pairing.receive(STATUS + HOME + REBOOT, 0)
    assert pairing.handle(BleContext(), at=0) is not None
    pairing.disconnect()
    assert pairing.waiting == 0
    assert pairing.handle(BleContext(), at=0) is None
    assert ask(pairing, GET_SSID).reply == frame("rep-ssid-none")


def test_disconnecting_in_the_middle_of_a_trial() -> None:
    pairing, _ = offered(OLD)
    assert pairing.tick_wifi(OLD, 0) is WifiStep.CONNECT
    pairing.disconnect()  # it goes on without the phone, and ends
    assert pairing.tick_wifi(OFF, 29) is WifiStep.CONNECT
    assert pairing.tick_wifi(OFF, 30) is WifiStep.BACK
    assert pairing.on_trial == (b"", b"")


def test_no_password_is_left_in_memory() -> None:
    pairing = BlePairing(allow_wifi_change=True, at=0)
    memory = ffi.buffer(pairing._memory)
    secret = b"s3cret pass"
    pairing.receive(HOME, 0)
    assert secret in bytes(memory)
    list(pairing.handle_all(BleContext(), at=0))
    assert bytes(memory).count(secret) == 1  # the offer
    pairing.try_wifi(OLD, 0)
    pairing.tick_wifi(OLD, 0)
    assert bytes(memory).count(secret) == 1  # the trial
    pairing.tick_wifi(OFF, 31)
    assert secret not in bytes(memory)
    pairing.receive(HOME + HOME[:-1], 40)
    pairing.disconnect()
    assert secret not in bytes(memory)


@pytest.mark.parametrize("request_", [STATUS, IDENTITY])
def test_state_of_one_phone_is_not_the_next_ones(request_: bytes) -> None:
    pairing = BlePairing(allow_wifi_change=True, at=0)
    fresh = ask(pairing, request_).reply
    ask(pairing, HOME)
    pairing.disconnect()
    assert pairing.offered == (b"", b"")
    assert ask(pairing, request_).reply == fresh
