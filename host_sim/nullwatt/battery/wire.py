"""The battery's side of the CT002 frame: requests to bytes, bytes to replies.

Signs and units as on the wire: whole watts; request power + = discharge; phase and total power + = import; the charge
buckets are sums of negative powers (<= 0), the discharge buckets sums of positive ones (>= 0).

This codec shares nothing with the core's on purpose: the two are written from the same description and check each
other whenever a simulated battery talks to the emulator.

Frame: SOH STX length '|'field '|'field ... ETX checksum. The length is decimal and counts every byte of the datagram;
the checksum is the XOR of all bytes up to ETX, as two hex digits. A reply is read strictly (length, ETX, checksum,
ASCII, at least 24 fields), except for what real CTs do: upper-case hex, and a space instead of the high digit.
Whatever arrives, parsing never raises.
"""

from typing import NamedTuple

_ETX = b"\x03"
_MIN_FRAME = 10  # bytes
_MAX_FRAME = 9999
_OVERHEAD = 5  # SOH, STX, ETX, two checksum digits
_REPLY_FIELDS = 24
_I32_MAX = 2**31 - 1  # real total power is 32 bit; anything longer saturates
_FOLDED = 256  # bytes that `checksum` folds in one go; real frames are shorter
_HEX = tuple(f"{value:02x}".encode() for value in range(256))
#: Numbers of a usual reply, as they stand there: looked up in a third of the time it takes to read them.
_USUAL = {str(value).encode(): value for value in range(-2500, 2501)}


class Request(NamedTuple):
    """What a battery tells the CT. `phase` is "A", "B", "C", "D" (combined) or "0" (inspecting)."""

    device_type: str
    mac: str
    ct_type: str
    ct_mac: str
    phase: str
    power_w: int
    participates: bool = True


class Reply(NamedTuple):
    """What the CT answers. Buckets are in the order x, A, B, C, ABC."""

    ct_type: str
    ct_mac: str
    device_type: str
    mac: str
    phase_w: tuple[int, int, int]
    total_w: int
    counts: tuple[int, int, int]
    combined_count: int
    rssi_dbm: int
    info_idx: int
    charge_w: tuple[int, int, int, int, int]
    discharge_w: tuple[int, int, int, int, int]


def checksum(data: bytes) -> int:
    """Return the XOR of all bytes. Folds halves of one big integer onto each other: ten times a byte loop's speed."""
    if len(data) > _FOLDED:
        half = len(data) // 2
        return checksum(data[:half]) ^ checksum(data[half:])
    folded = int.from_bytes(data, "little")
    folded ^= folded >> 1024
    folded ^= folded >> 512
    folded ^= folded >> 256
    folded ^= folded >> 128
    folded ^= folded >> 64
    folded ^= folded >> 32
    folded ^= folded >> 16
    return (folded ^ folded >> 8) & 0xFF


def encode_frame(fields: list[str]) -> bytes:
    """Return the datagram for these fields.

    Raises:
        ValueError: A field is not ASCII, holds a '|' or a frame byte, or the frame would exceed 9999 bytes.
    """
    if any(char in field for field in fields for char in "|\x01\x02\x03"):
        raise ValueError("frame field: '|' and control bytes 1..3 cannot be sent")
    return _frame(f"|{'|'.join(fields)}")


def _frame(text: str) -> bytes:
    body = text.encode("ascii")
    size = len(body) + _OVERHEAD
    digits = 1
    while len(str(size + digits)) != digits:
        digits += 1
    if size + digits > _MAX_FRAME:
        raise ValueError(f"frame: {size + digits} bytes is more than {_MAX_FRAME}")
    data = b"\x01\x02%d%b\x03" % (size + digits, body)
    return data + _HEX[checksum(data)]


def decode_frame(data: bytes) -> list[bytes] | None:
    """Return the fields of a valid frame, None for anything else. Never raises."""
    if len(data) < _MIN_FRAME or data[:2] != b"\x01\x02" or data[-3:-2] != _ETX or not data.isascii():
        return None
    bar = data.find(b"|", 2)
    digits = data[2:bar] if 0 < bar <= 8 else b""
    if not digits.isdigit() or int(digits) != len(data):
        return None
    expected = _HEX[checksum(data[:-2])]
    received = data[-2:].lower()
    if received != expected and received != b" " + expected[1:]:
        return None
    return data[bar + 1 : -3].split(b"|")


def encode_request(request: Request) -> bytes:
    """Return the datagram of a request.

    The caller vouches for the text fields (BatteryConfig does): no '|', ASCII only; non-ASCII raises ValueError.
    """
    device_type, mac, ct_type, ct_mac, phase, power_w, participates = request
    tail = "" if participates else "|0"  # a participating battery never sends the field
    return _frame(f"|{device_type}|{mac}|{ct_type}|{ct_mac}|{phase}|{power_w}{tail}")


def parse_reply(data: bytes) -> Reply | None:
    """Return the reply in a datagram, None if it is none. A number that is not one counts as 0. Never raises."""
    fields = decode_frame(data)
    if fields is None or len(fields) < _REPLY_FIELDS:
        return None
    ct_type, ct_mac, device_type, mac = [field.decode("ascii") for field in fields[:4]]
    a_w, b_w, c_w, total_w, a_nb, b_nb, c_nb, abc_nb, rssi, index, *buckets = _integers(fields[4:_REPLY_FIELDS])
    x, a, b, c, abc, x_out, a_out, b_out, c_out, abc_out = buckets
    return Reply(
        ct_type,
        ct_mac,
        device_type,
        mac,
        (a_w, b_w, c_w),
        total_w,
        (a_nb, b_nb, c_nb),
        abc_nb,
        rssi,
        index,
        (x, a, b, c, abc),
        (x_out, a_out, b_out, c_out, abc_out),
    )


def _integers(fields: list[bytes]) -> list[int]:
    try:
        return [_USUAL[field] for field in fields]
    except KeyError:
        return [_integer(field) for field in fields]


def _integer(field: bytes) -> int:
    """Read a decimal number with optional sign and surrounding blanks, saturating at 32 bit; 0 for anything else."""
    usual = _USUAL.get(field)
    if usual is not None:
        return usual
    text = field.strip()
    digits = text[1:] if text[:1] in (b"+", b"-") else text
    if not digits.isdigit():
        return 0
    digits = digits.lstrip(b"0")
    magnitude = min(int(digits or b"0"), _I32_MAX) if len(digits) <= 10 else _I32_MAX
    return -magnitude if text[:1] == b"-" else magnitude
