"""The battery's codec: known frames, round trips, hostile bytes."""

from functools import reduce
from operator import xor

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nullwatt.battery import Request, decode_frame, encode_frame, encode_request, parse_reply
from nullwatt.battery.wire import checksum

REPLY = bytes.fromhex(
    "01023130367c484d452d347c3563636531623761393064347c484d472d35307c3630463141324233433430317c3131387c3233367c2d3631"
    "7c3239337c327c317c307c317c2d35307c367c307c2d3137367c307c307c2d37357c34307c39357c3331307c307c30033334"
)
text = st.text(st.characters(min_codepoint=32, max_codepoint=126, exclude_characters="|"), max_size=30)
whole = st.integers(-(2**31) + 1, 2**31 - 1)


def test_request_bytes_as_captured() -> None:
    request = Request("HMG-50", "60F1A2B3C401", "HME-4", "5cce1b7a90d4", "A", -176)
    assert encode_request(request) == b"\x01\x0253|HMG-50|60F1A2B3C401|HME-4|5cce1b7a90d4|A|-176\x0360"
    request = Request("HMA-1", "60F1A2B3C406", "HME-4", "5cce1b7a90d4", "A", -100, participates=False)
    assert encode_request(request) == b"\x01\x0254|HMA-1|60F1A2B3C406|HME-4|5cce1b7a90d4|A|-100|0\x031f"


def test_reply_fields_as_captured() -> None:
    reply = parse_reply(REPLY)
    assert reply is not None
    assert (reply.ct_type, reply.ct_mac, reply.device_type, reply.mac) == (
        "HME-4",
        "5cce1b7a90d4",
        "HMG-50",
        "60F1A2B3C401",
    )
    assert (reply.phase_w, reply.total_w, reply.counts, reply.combined_count) == ((118, 236, -61), 293, (2, 1, 0), 1)
    assert (reply.rssi_dbm, reply.info_idx) == (-50, 6)
    assert (reply.charge_w, reply.discharge_w) == ((0, -176, 0, 0, -75), (40, 95, 310, 0, 0))


@pytest.mark.parametrize(
    ("body", "size"), [(4, 11), (92, 99), (93, 101), (990, 998), (991, 999), (992, 1001), (9990, 9999)]
)
def test_length_counts_its_own_digits(body: int, size: int) -> None:
    frame = encode_frame(["x" * (body - 1)])
    assert len(frame) == size
    assert decode_frame(frame) == [b"x" * (body - 1)]


def test_frames_beyond_the_largest_are_refused() -> None:
    with pytest.raises(ValueError, match="9999"):
        encode_frame(["x" * 9990])
    with pytest.raises(ValueError, match="frame field"):
        encode_frame(["a|b"])


def test_real_cts_write_the_checksum_their_way() -> None:
    frame = encode_frame(["HMG-50", "a"])
    while frame[-1:] not in b"abcdef":
        frame = encode_frame([decode_frame(frame)[0].decode() + "a"])
    assert decode_frame(frame[:-2] + frame[-2:].upper()) is not None
    assert decode_frame(frame[:-2] + b" " + frame[-1:]) is not None
    assert decode_frame(frame[:-2] + frame[-2:-1] + b" ") is None


def sealed(frame: bytes) -> bytes:
    """Give a frame the checksum of its present content."""
    return frame[:-2] + b"%02x" % checksum(frame[:-2])


@pytest.mark.parametrize(
    "bad",
    [
        REPLY[:-1],
        REPLY + b"\x00",
        REPLY[:-2] + b"35",
        REPLY.replace(b"118", b"119"),
        b"\x01\x02" + REPLY[2:].replace(b"106", b"+06", 1),
        REPLY[1:],
        sealed(REPLY.replace(b"106", b"105", 1)),
        sealed(REPLY.replace(b"HMG-50", b"HM\xc3\xa450").replace(b"118", b"1\xc3\xa4")),
        b"",
        b"\x01\x0211|||\x0300"[:11],
        encode_frame(["HME-4"] * 23),
    ],
)
def test_bad_frames_are_none(bad: bytes) -> None:
    assert parse_reply(bad) is None


@given(
    request=st.builds(
        Request, text, text, text, text, st.sampled_from("ABCD0"), st.integers(-(10**6), 10**6), st.booleans()
    )
)
def test_request_round_trip(request: Request) -> None:
    fields = decode_frame(encode_request(request))
    assert fields is not None
    tail = [] if request.participates else ["0"]
    assert [field.decode() for field in fields] == [*request[:5], str(request.power_w), *tail]


@given(names=st.lists(text, min_size=4, max_size=4), numbers=st.lists(whole, min_size=20, max_size=24))
def test_reply_round_trip(names: list[str], numbers: list[int]) -> None:
    reply = parse_reply(encode_frame([*names, *map(str, numbers)]))
    assert reply is not None
    flat = [*reply[:4], *reply.phase_w, reply.total_w, *reply.counts, *reply[7:10], *reply.charge_w, *reply.discharge_w]
    assert flat == [*names, *numbers[:20]]


@given(fields=st.lists(st.text(st.characters(max_codepoint=127, exclude_characters="|\x01\x02\x03"), max_size=40)))
@example(fields=["a"] * 4 + ["9" * 5000] * 20)
@example(fields=["a"] * 4 + ["1_0", " 7 ", "+7", "-", "", "1.5", "0x10", "--1", "-0"] + ["-99999999999"] * 12)
def test_well_framed_nonsense_never_raises_and_stays_in_32_bit(fields: list[str]) -> None:
    if len("|".join(fields)) > 9900:
        return
    reply = parse_reply(encode_frame(fields))
    assert (reply is None) == (len(fields) < 24)
    if reply is not None:
        assert max(abs(value) for value in (*reply.phase_w, reply.total_w, *reply.counts)) < 2**31


def test_values_that_are_no_numbers_count_as_zero() -> None:
    odd = ["1_0", " 7 ", "+8", "-", "", "1.5", "0x10", "--1", "007", "-9"]
    reply = parse_reply(encode_frame(["a"] * 4 + odd + ["99999999999"] * 10))
    assert reply is not None
    assert [*reply.phase_w, reply.total_w, *reply.counts, *reply[7:10]] == [0, 7, 8, 0, 0, 0, 0, 0, 7, -9]
    assert reply.charge_w == (2**31 - 1,) * 5


@given(st.binary(max_size=400))
@example(bytes(range(256)) * 300 + b"\x5a")
def test_arbitrary_bytes_never_raise(data: bytes) -> None:
    parse_reply(data)
    assert checksum(data) == reduce(xor, data, 0)


@given(st.integers(0, len(REPLY) - 1), st.integers(0, 255))
def test_any_single_damaged_byte_is_noticed(position: int, value: int) -> None:
    damaged = REPLY[:position] + bytes([value]) + REPLY[position + 1 :]
    # a space for the high checksum digit is what real CTs send
    if damaged != REPLY and not (position == len(REPLY) - 2 and value == 0x20):
        assert parse_reply(damaged) is None
