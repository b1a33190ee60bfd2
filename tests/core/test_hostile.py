"""Properties that hold for any bytes a network can bring."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nullwatt.core import Config, Emulator, FrameError, decode_frame, encode_frame

ASCII = st.characters(max_codepoint=0x7F, exclude_characters="|")
FIELDS = st.lists(st.text(ASCII, max_size=40), min_size=1, max_size=30)
MACS = st.sampled_from(["60F1A2B3C401", "60f1a2b3c401", "60F1A2B3C402", ""]) | st.text(ASCII, max_size=40)
NUMBERS = st.integers(-(2**40), 2**40).map(str) | st.text(ASCII, max_size=6)
REQUESTS = st.tuples(
    st.sampled_from(["HMG-50", "VNSE3-0", "HMJ-2", ""]) | st.text(ASCII, max_size=20),
    MACS,
    st.sampled_from(["HME-4", "HME-3"]),
    st.sampled_from(["5cce1b7a90d4", ""]) | st.text(ASCII, max_size=20),
    st.sampled_from(["A", "B", "C", "D", "0", "a ", ""]),
    NUMBERS,
    NUMBERS,
)
WATTS = st.floats(width=32) | st.floats(-20000, 20000)


@given(FIELDS)
def test_decode_inverts_encode(fields: list[str]) -> None:
    try:
        frame = encode_frame(fields)
        decoded = decode_frame(frame)
    except FrameError as error:
        assert len("|".join(fields)) < 3, error  # shorter frames exist but decoders refuse them
        return
    assert decoded == fields
    assert int(frame[2 : frame.index(b"|")]) == len(frame)


@given(FIELDS.filter(lambda fields: len("|".join(fields)) > 3), st.data())
def test_any_single_changed_byte_is_noticed_or_harmless(fields: list[str], data: st.DataObject) -> None:
    frame = bytearray(encode_frame(fields))
    index = data.draw(st.integers(0, len(frame) - 1))
    frame[index] ^= data.draw(st.integers(1, 255))
    try:
        decoded = decode_frame(bytes(frame))
    except FrameError:
        return
    # Only the checksum may differ and still be accepted: upper case, or a space for its first digit.
    assert index >= len(frame) - 2
    assert decoded == fields


@given(st.binary(max_size=400))
def test_any_bytes_are_answered_with_silence_or_a_frame(datagram: bytes) -> None:
    emulator = Emulator()
    reply = emulator.handle(datagram, source="192.0.2.1:1", at=0)
    assert (reply is None) == (emulator.last_drop is not None)


@settings(max_examples=300, deadline=None)
@given(
    st.booleans(),
    st.lists(
        st.tuples(REQUESTS, st.lists(WATTS, max_size=4), st.floats(0, 60), st.binary(max_size=8)),
        min_size=1,
        max_size=30,
    ),
)
def test_every_reply_parses_and_keeps_the_layout(
    active: bool, steps: list[tuple[tuple[str, ...], list[float], float, bytes]]
) -> None:
    emulator = Emulator(Config(active_control=active))
    now = 4294960.0  # close to the wrap of the millisecond counter
    for request, grid, pause, noise in steps:
        now += pause
        emulator.update_grid(grid, at=now)
        emulator.handle(noise, at=now)
        frame = encode_frame(request)
        reply = emulator.handle(frame, source="192.0.2.1:1", at=now)
        if reply is None:
            assert emulator.last_drop in (
                "longer than 256 bytes",
                "reply does not fit a datagram",
                "no room for another battery",
            )
            continue
        assert len(reply) <= 256
        fields = decode_frame(reply)
        assert len(fields) == 24
        assert fields[2:4] == list(request[:2])
        for number in fields[4:]:
            assert str(int(number)) == number
            assert abs(int(number)) < 2**31
        assert all(int(number) <= 0 for number in fields[14:19])
        assert all(int(number) >= 0 for number in fields[19:24])
        if active:
            assert set(fields[8:12]) <= {"0", "1"}


@given(st.binary(min_size=4, max_size=4), st.binary(min_size=4, max_size=4))
def test_any_float_bits_in_the_meter_leave_a_sane_state(first: bytes, second: bytes) -> None:
    emulator = Emulator()
    emulator.update_grid([struct.unpack("<f", first)[0], struct.unpack("<f", second)[0]], at=0)
    request = encode_frame(["HMG-50", "60F1A2B3C401", "HME-4", "", "A", "0"])
    reply = emulator.handle(request, source="x", at=0)
    assert reply is not None
    assert len(decode_frame(reply)) == 24
    for second in range(1, 60):
        emulator.update_grid([10.0, 20.0], at=second)
        emulator.handle(request, source="x", at=second + 0.1)
    assert emulator.state().demand_w == pytest.approx(30.0, abs=1.0)
