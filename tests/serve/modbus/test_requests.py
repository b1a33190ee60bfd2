"""Requests as bytes: whatever comes, an answer of the right function and size, and no more."""

import struct

from hypothesis import given
from hypothesis import strategies as st
from modbus_wire import unit_of

from nullwatt.serve.modbus import answer

KNOWN = {1, 2, 3, 4, 5, 6, 15, 16, 22, 23}
addresses = st.sampled_from([0, 10055, 10126, 10127, 10250, 32002, 65535])

likely = st.one_of(
    st.builds(lambda f, a, c: struct.pack(">BHH", f, a, c), st.integers(1, 6), addresses, st.integers(0, 130)),
    st.builds(
        lambda a, words: struct.pack(f">BHHB{len(words)}H", 16, a, len(words), 2 * len(words), *words),
        addresses,
        st.lists(st.integers(0, 65535), max_size=125),
    ),
    st.builds(lambda a, x, y: struct.pack(">BHHH", 22, a, x, y), addresses, st.integers(0, 65535), st.just(7)),
)


@given(st.one_of(likely, st.binary(min_size=1, max_size=253)))
def test_any_request_is_answered(request: bytes) -> None:
    asset, unit = unit_of()
    reply = answer(unit, request)
    assert 2 <= len(reply) <= 253
    if reply[0] == request[0] and request[0] < 0x80:
        assert request[0] in KNOWN
    else:
        assert reply[0] == request[0] | 0x80 and len(reply) == 2
        assert reply[1] == 1 if request[0] not in KNOWN else reply[1] in (2, 3)
        assert asset.told == []


def test_all_registers_of_a_device_in_one_request() -> None:
    asset, unit = unit_of()
    reply = answer(unit, struct.pack(">BHH", 4, 10281, 4))
    reactive, apparent = struct.unpack(">ii", reply[2:])
    assert (reactive, apparent) == (
        round(asset.values["reactive_power"] * 10),
        round(asset.values["apparent_power"] * 10),
    )


def test_half_a_value_can_be_read() -> None:
    _, unit = unit_of()
    whole = answer(unit, struct.pack(">BHH", 4, 10059, 2))
    assert answer(unit, struct.pack(">BHH", 4, 10060, 1))[2:] == whole[4:]
