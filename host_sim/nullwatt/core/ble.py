"""The Bluetooth side of pairing with the app: codec, conversation and policy, without a radio.

`at` is the host's time in seconds, as in `emulator`. Watts, + = import; volts; dBm.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum

from nullwatt.core._core import ffi, lib
from nullwatt.core.emulator import Emulator, _ms

LONGEST_REPLY = 255
FIRST_MTU = 23
_UNKNOWN = (math.nan, math.nan, math.nan)


class BleIdSource(IntEnum):
    """Where the ID of a board comes from."""

    REGISTERED = 0
    CONFIGURED = 1
    DERIVED = 2


class BleIdChange(IntEnum):
    """What to do when the ID is another one than at boot."""

    NONE = 0
    RENAME = 1
    RESTART = 2


class BleAction(IntEnum):
    """What a request asks of the host."""

    NONE = 0
    RESTART = 1
    RESTART_OUTSIDE_WINDOW = 2
    RESTART_TOO_SOON = 3
    WIFI_OFFERED = 4
    REVERSE = 5


class WifiVerdict(IntEnum):
    """What becomes of an offered network."""

    NOT_ALLOWED = 0
    NOT_USED = 1
    ALREADY_THERE = 2
    BUSY = 3
    TRIAL = 4


class WifiStep(IntEnum):
    """What the host does next in a trial."""

    NONE = 0
    CONNECT = 1
    SAVE = 2
    BACK = 3


class BleFrameError(ValueError):
    """Bytes are not a frame, or contents do not make one. One line says why."""


def ble_identity(registered_mac: str, configured_mac: str, factory_mac: bytes) -> tuple[str, BleIdSource]:
    """The ID of a board, 12 hex digits, and where it comes from. Empty MACs are none."""
    if len(factory_mac) != 6:
        raise ValueError(f"factory MAC of {len(factory_mac)} bytes; allowed: 6")
    out = ffi.new("char[13]")
    source = lib.ct002_ble_identity(_text(registered_mac), _text(configured_mac), factory_mac, out)
    return ffi.string(out).decode(), BleIdSource(source)


def ble_name(ct_type: str, ble_id: str) -> str:
    """The advertised name of a board with an ID of 12 hex digits."""
    ble_address(ble_id)
    out = ffi.new("char[13]")
    lib.ct002_ble_name(_text(ct_type), _text(ble_id), out)
    name: str = ffi.string(out).decode()
    return name


def ble_address(ble_id: str) -> tuple[bytes, bool]:
    """The Bluetooth address that an ID stands for, and whether a radio can take it (unicast)."""
    out = ffi.new("uint8_t[6]")
    kind = lib.ct002_ble_address(_text(ble_id), out)
    if kind == 0:
        raise ValueError(f"ID {ble_id!r}; allowed: 12 hex digits")
    return bytes(ffi.buffer(out)), kind == 1


def ble_id_change(
    boot_id: str, source: BleIdSource, ble_id: str, *, just_saved: bool = False, forced: bool = False
) -> BleIdChange:
    """What a new ID means for a board that was started as `boot_id`.

    Args:
        boot_id: ID at boot.
        source: Where that came from.
        ble_id: ID now.
        just_saved: The registration has saved it since the boot.
        forced: The registration is told to register anew each time.
    """
    return BleIdChange(lib.ct002_ble_id_change(_text(boot_id), source, _text(ble_id), just_saved, forced))


def encode_ble_frame(command: int, payload: bytes = b"") -> bytes:
    """A whole frame, at most 255 bytes."""
    out = ffi.new("uint8_t[]", LONGEST_REPLY)
    size = lib.ct002_ble_encode(command, payload, len(payload), out, LONGEST_REPLY)
    if size == 0:
        raise BleFrameError(f"{len(payload)} bytes of payload do not fit a frame of {LONGEST_REPLY} bytes")
    return bytes(ffi.buffer(out, size))


def decode_ble_frame(frame: bytes) -> tuple[int, bytes]:
    """Command and payload of exactly one frame."""
    command, payload, size = ffi.new("uint8_t *"), ffi.new("char **"), ffi.new("size_t *")
    if not lib.ct002_ble_decode(frame, len(frame), command, payload, size):
        raise BleFrameError(f"{len(frame)} bytes are not one frame")
    # The view points into a copy that cffi made of `frame`, so its contents are taken from `frame` itself.
    return command[0], frame[4 : 4 + size[0]]


@dataclass(frozen=True, slots=True)
class BleBattery:
    """A battery as command 12 lists it; what is empty is unknown."""

    type: str
    id: str
    ip: str
    phase: str


def ble_battery_list(batteries: Sequence[BleBattery], mtu: int) -> bytes:
    """The reply to command 12: as many whole batteries as fit."""
    rows = ffi.new("ct002_ble_battery[]", len(batteries))
    texts = [[ffi.new("char[]", _text(text)) for text in (each.type, each.id, each.ip)] for each in batteries]
    for row, own, battery in zip(rows, texts, batteries, strict=True):
        row.type, row.id, row.ip = own
        row.phase = battery.phase.encode() or b"\0"
    out = ffi.new("uint8_t[]", LONGEST_REPLY)
    size = lib.ct002_ble_battery_list(rows, len(batteries), mtu, out, LONGEST_REPLY)
    return bytes(ffi.buffer(out, size))


@dataclass(frozen=True, slots=True)
class BleCtSelection:
    """Which CT a battery is told to follow.

    Attributes:
        battery: Command of its kind: 0x15 Jupiter, 0x18 Venus, 0x31 B2500.
        ct: 0 CT001, 1 Shelly Pro 3EM, 2 P1 meter, 3 CT002, 4 CT003.
        mac: 12 hex digits.
        name: Account type such as `HME-4`; empty = not told.
    """

    battery: int
    ct: int
    mac: str
    name: str = ""

    def encode(self) -> bytes:
        """The frame for the battery."""
        selection = ffi.new("ct002_ble_selection *", {"battery": self.battery, "ct": self.ct})
        for field, text in (("mac", self.mac), ("name", self.name)):
            if len(text) >= ffi.sizeof(getattr(selection, field)):
                raise BleFrameError(f"{field} {text!r} is too long")
            setattr(selection, field, _text(text))
        out = ffi.new("uint8_t[]", LONGEST_REPLY)
        size = lib.ct002_ble_encode_selection(selection, out, LONGEST_REPLY)
        if size == 0:
            raise BleFrameError(f"{self} makes no frame")
        return bytes(ffi.buffer(out, size))

    @classmethod
    def decode(cls, frame: bytes) -> "BleCtSelection":
        """What a frame tells the battery."""
        out = ffi.new("ct002_ble_selection *")
        if not lib.ct002_ble_decode_selection(frame, len(frame), out):
            raise BleFrameError("not a frame that selects a CT")
        return cls(
            out.battery,
            out.ct,
            ffi.string(out.mac).decode(errors="replace"),
            ffi.string(out.name).decode(errors="replace"),
        )


def ble_ct_code(ct_type: str) -> int | None:
    """The code that a battery stores for an account type such as `HME-4`."""
    code: int = lib.ct002_ble_ct_code(_text(ct_type))
    return None if code < 0 else code


@dataclass(frozen=True, slots=True)
class BleContext:
    """What the replies tell.

    Attributes:
        ct_type: `HME-4` or `HME-3`.
        id: 12 hex digits.
        phase_w: Unfiltered power of each phase, W, + = import; NaN = unknown.
        phase_v: Voltage of each phase, V; NaN = unknown.
        online: There is a network, over any link.
        rssi_dbm: Of the Wi-Fi; 0 = no Wi-Fi.
        ssid: Network the board is on; empty = none.
        reversed_bits: Bits 0..2: the direction of phase A, B, C is reversed.
        mtu: Of the link, bytes.
    """

    ct_type: str = "HME-4"
    id: str = "02b2503c7e91"
    phase_w: Sequence[float] = _UNKNOWN
    phase_v: Sequence[float] = _UNKNOWN
    online: bool = False
    rssi_dbm: int = 0
    ssid: str = ""
    reversed_bits: int = 0
    mtu: int = 500


@dataclass(frozen=True, slots=True)
class BleOutcome:
    """What came of a request.

    Attributes:
        reply: None = silence.
        action: What the host is asked to do.
        reversed_bits: The phases of `BleAction.REVERSE`.
    """

    reply: bytes | None
    action: BleAction
    reversed_bits: int


@dataclass(frozen=True, slots=True)
class WifiFacts:
    """How the board is connected.

    Attributes:
        used: Wi-Fi is configured and switched on.
        connected: Over Wi-Fi.
        ssid: Of that connection.
        password: That the connection was made with.
    """

    used: bool = True
    connected: bool = False
    ssid: str = ""
    password: str = ""


class BlePairing:
    """One board's link to the app: stream, conversation and trial of a Wi-Fi network."""

    def __init__(
        self,
        *,
        allow_wifi_change: bool = False,
        allow_direction_change: bool = False,
        pairing_window: float = 0.0,
        after_restart: bool = False,
        at: float | None = None,
    ) -> None:
        """Options as in the YAML, `pairing_window` in seconds; `after_restart`: software restarted the board."""
        options = ffi.new(
            "ct002_ble_options *",
            {
                "allow_wifi_change": allow_wifi_change,
                "allow_direction_change": allow_direction_change,
                "pairing_window_ms": round(pairing_window * 1000),
                "after_restart": after_restart,
            },
        )
        self._memory = ffi.new("uint64_t[]", (lib.ct002_ble_size() + 7) // 8)
        self._core = lib.ct002_ble_init(self._memory, ffi.sizeof(self._memory), options, _ms(at))
        self._reply = ffi.new("uint8_t[]", LONGEST_REPLY)

    def receive(self, data: bytes, at: float | None = None) -> int:
        """One write of the phone. Returns how many frames were dropped because too many wait."""
        dropped: int = lib.ct002_ble_receive(self._core, data, len(data), _ms(at))
        return dropped

    @property
    def waiting(self) -> int:
        """Complete frames that wait to be handled."""
        count: int = lib.ct002_ble_waiting(self._core)
        return count

    def handle(
        self, context: BleContext, emulator: Emulator | None = None, at: float | None = None
    ) -> BleOutcome | None:
        """Handles the oldest frame that waits; None if there is none. `emulator` knows the batteries."""
        texts = [ffi.new("char[]", _text(text)) for text in (context.ct_type, context.id, context.ssid)]
        facts = ffi.new(
            "ct002_ble_context *",
            {
                "ct_type": texts[0],
                "id": texts[1],
                "ssid": texts[2],
                "phase_w": list(context.phase_w),
                "phase_v": list(context.phase_v),
                "mtu": context.mtu,
                "rssi_dbm": context.rssi_dbm,
                "online": context.online,
                "reversed_bits": context.reversed_bits,
            },
        )
        out = ffi.new("ct002_ble_outcome *")
        known = ffi.NULL if emulator is None else emulator._core
        if not lib.ct002_ble_handle(self._core, facts, known, _ms(at), self._reply, LONGEST_REPLY, out):
            return None
        reply = bytes(ffi.buffer(self._reply, out.reply_size)) if out.reply_size else None
        return BleOutcome(reply, BleAction(out.action), out.reversed_bits)

    def handle_all(
        self, context: BleContext, emulator: Emulator | None = None, at: float | None = None
    ) -> Iterator[BleOutcome]:
        """Handles every frame that waits, the oldest first."""
        while (outcome := self.handle(context, emulator, at)) is not None:
            yield outcome

    def disconnect(self) -> None:
        """The phone is gone."""
        lib.ct002_ble_disconnect(self._core)

    def open_window(self, at: float | None = None) -> None:
        """Opens the pairing window for the time of its option."""
        lib.ct002_ble_open_window(self._core, _ms(at))

    def tick(self, at: float | None = None) -> bool:
        """Whether the pairing window is open."""
        return bool(lib.ct002_ble_tick(self._core, _ms(at)))

    @property
    def offered(self) -> tuple[bytes, bytes]:
        """SSID and password that were offered last; empty when they are wiped."""
        return ffi.string(lib.ct002_ble_ssid(self._core)), ffi.string(lib.ct002_ble_password(self._core))

    def try_wifi(self, facts: WifiFacts, at: float | None = None) -> WifiVerdict:
        """Hands what was offered to the trial, and wipes it here."""
        ssid, password = (ffi.new("char[]", _text(text)) for text in (facts.ssid, facts.password))
        wifi = ffi.new("ct002_ble_wifi *", (ssid, password, facts.used, facts.connected))
        return WifiVerdict(lib.ct002_ble_try_wifi(self._core, wifi, _ms(at)))

    def tick_wifi(self, facts: WifiFacts, at: float | None = None) -> WifiStep:
        """The trial's next step, at least once a second."""
        ssid, password = (ffi.new("char[]", _text(text)) for text in (facts.ssid, facts.password))
        wifi = ffi.new("ct002_ble_wifi *", (ssid, password, facts.used, facts.connected))
        return WifiStep(lib.ct002_ble_tick_wifi(self._core, wifi, _ms(at)))

    def forget_wifi(self) -> None:
        """Ends the trial and wipes its credentials, as after `WifiStep.SAVE`."""
        lib.ct002_ble_forget_wifi(self._core)

    @property
    def on_trial(self) -> tuple[bytes, bytes]:
        """SSID and password on trial; empty when there is none."""
        return ffi.string(lib.ct002_ble_trial_ssid(self._core)), ffi.string(lib.ct002_ble_trial_password(self._core))


def _text(text: str) -> bytes:
    return text.encode("utf-8", "replace")
