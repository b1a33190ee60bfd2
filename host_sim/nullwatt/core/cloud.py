"""The Marstek app and cloud: what they ask and are told. No socket, no clock.

The app polls a CT over MQTT, the registration makes the CT appear in an account, the reports tell the cloud what it
measures. URLs and tokens are secrets of the user: never log them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from nullwatt.core._core import ffi, lib
from nullwatt.core.emulator import Emulator, _ms

_BUCKETS = 5
_URL_SIZE: int = lib.ct002_cloud_url_size()
_RECORD_SIZE: int = lib.CT002_RECORD_SIZE

#: What a real CT sends with every request to the cloud.
USER_AGENT = "Dart/2.19 (dart:io)"


def normalize_ct_mac(text: str) -> str | None:
    """The MAC as 12 lower-case hex digits, whatever separators `text` has; None if it is none."""
    out = ffi.new("char[13]")
    return ffi.string(out).decode() if lib.ct002_normalize_ct_mac(text.encode(errors="replace"), out) else None


def _text(size: int, out: ffi.CData) -> str:
    return bytes(ffi.buffer(out, size)).decode(errors="replace")


# -- answers to the app over MQTT ----------------------------------------------------------


class AppPoll(IntEnum):
    """What a message of the app asks for."""

    NONE = lib.CT002_APP_NONE
    RUNTIME = lib.CT002_APP_RUNTIME
    SLAVES = lib.CT002_APP_SLAVES


@dataclass(frozen=True, slots=True)
class AppSlave:
    """A battery as the app sees it.

    Attributes:
        type: As the battery reports it, e.g. "HMG-50".
        id: MAC, or ip:port of a battery without one.
        address: ip or ip:port; "" = unknown.
        phase: "A", "B", "C", "D" = combined, "0" = inspecting.
    """

    type: str
    id: str
    address: str
    phase: str


def app_poll_topics(ct_type: str, mac: str) -> tuple[str, str]:
    """The two topics on which the app polls the CT."""
    return _topic(0, 0, ct_type, mac), _topic(0, 1, ct_type, mac)


def app_answer_topics(ct_type: str, mac: str) -> tuple[str, str]:
    """The two topics to which every answer is published, in this order."""
    return _topic(1, 0, ct_type, mac), _topic(1, 1, ct_type, mac)


def _topic(answer: int, prefix: int, ct_type: str, mac: str) -> str:
    out = ffi.new("char[256]")
    return _text(lib.ct002_app_topic(answer, prefix, ct_type.encode(), mac.encode(), out, 256), out)


def is_app_poll(topic: str, ct_type: str, mac: str) -> bool:
    """The topic is one of `app_poll_topics()`; the MAC may come in any case."""
    raw = topic.encode(errors="replace")
    return bool(lib.ct002_app_is_poll(raw, len(raw), ct_type.encode(), mac.encode()))


def parse_app_poll(payload: bytes) -> AppPoll:
    """What the message asks for; NONE also for what is no poll at all."""
    return AppPoll(lib.ct002_app_parse_poll(payload, len(payload)))


def runtime_frame(power_w: Sequence[float], *, slaves: int = 0, rssi_dbm: int = -50, version: int = 148) -> str:
    """Answer to `AppPoll.RUNTIME`.

    Args:
        power_w: What the meter measures, W per phase, + = import; missing phases are 0.
        slaves: Batteries that have reported and are not forgotten.
        rssi_dbm: Wi-Fi signal to tell.
        version: Version of the device to tell.
    """
    readings = ffi.new("ct002_app_readings *")
    for phase, value in enumerate(power_w[:3]):
        readings.power_w[phase] = value
    readings.rssi_dbm, readings.version, readings.slaves = rssi_dbm, version, min(slaves, 255)
    out = ffi.new("char[512]")
    return _text(lib.ct002_app_runtime_frame(readings, out, 512), out)


def slave_list(slaves: Sequence[AppSlave] | Emulator) -> str:
    """Answer to `AppPoll.SLAVES`: the first five in order of their ids; "" for none, which is an answer too."""
    out = ffi.new("char[8192]")
    if isinstance(slaves, Emulator):
        return _text(lib.ct002_app_slave_list_of(slaves._core, out, 8192), out)
    raw = ffi.new("ct002_app_slave[]", len(slaves))
    kept = []
    for entry, slave in zip(raw, slaves, strict=True):
        texts = [ffi.new("char[]", text.encode()) for text in (slave.type, slave.id, slave.address)]
        kept.append(texts)
        entry.type, entry.id, entry.address = texts
        entry.phase = slave.phase.encode()[:1] or b"0"
    return _text(lib.ct002_app_slave_list(raw, len(slaves), out, 8192), out)


class AppPacer:
    """When to answer the app, and when to tell it unasked.

    One message is in work at a time; polls meanwhile are dropped.

    Args:
        interval_s: Between two broadcasts; 0 = none.
    """

    def __init__(self, interval_s: float = 300.0) -> None:
        self._memory = ffi.new("uint64_t[]", (lib.ct002_app_pacer_size() + 7) // 8)
        self._core = lib.ct002_app_pacer_init(self._memory, ffi.sizeof(self._memory), int(interval_s * 1000))

    def set_connected(self, connected: bool) -> None:
        """The broker is there (again), or lost."""
        lib.ct002_app_pacer_connected(self._core, connected)

    def accept(self, poll: AppPoll) -> bool:
        """True = answer the poll, then call `finish()`."""
        return bool(lib.ct002_app_pacer_accept(self._core, poll))

    def broadcast_due(self, mac_known: bool, at: float | None = None) -> bool:
        """True = publish a runtime frame, then call `finish()`. `at` in seconds."""
        return bool(lib.ct002_app_pacer_broadcast_due(self._core, mac_known, _ms(at)))

    def finish(self) -> None:
        """The answer was published or given up."""
        lib.ct002_app_pacer_finish(self._core)


# -- registration --------------------------------------------------------------------------


class RegistrationStep(IntEnum):
    """What a request of the registration is for."""

    NOTHING = lib.CT002_REGISTER_NOTHING
    TOKEN = lib.CT002_REGISTER_TOKEN
    LIST = lib.CT002_REGISTER_LIST
    ADD = lib.CT002_REGISTER_ADD


class HttpFailure(IntEnum):
    """Why there is no reply."""

    UNREACHABLE = lib.CT002_HTTP_UNREACHABLE
    TIMED_OUT = lib.CT002_HTTP_TIMED_OUT
    CUT_OFF = lib.CT002_HTTP_CUT_OFF
    NO_MEMORY = lib.CT002_HTTP_NO_MEMORY


class RegistrationStage(IntEnum):
    """How far a device came."""

    NONE = 0
    REFUSED = 1
    SENT = 2
    ACCEPTED = 3
    CONFIRMED = 4


@dataclass(frozen=True, slots=True)
class RegistrationRecord:
    """What outlives a restart.

    Attributes:
        mac: Id of the device that was created, or may have been; "" = none.
        stage: How far it came.
        ct_type: "HME-4" or "HME-3"; for another one the record does not count.
    """

    mac: str = ""
    stage: RegistrationStage = RegistrationStage.NONE
    ct_type: str = "HME-4"

    def _bytes(self) -> bytes:
        model = 3 if self.ct_type == "HME-3" else 4
        return self.mac.encode("ascii", "replace")[:12].ljust(13, b"\0") + bytes((self.stage, model, 1))


@dataclass(frozen=True, slots=True)
class CloudRequest:
    """One HTTP GET of the registration.

    Attributes:
        step: What it is for.
        url: Holds secrets.
        headers: Hold secrets, too.
    """

    step: RegistrationStep
    url: str
    headers: dict[str, str]

    def __repr__(self) -> str:
        return f"CloudRequest({self.step.name})"


class Registration:
    """Makes the emulated CT appear in a Marstek account, without creating a device twice.

    Args:
        base_url: Scheme and host of the cloud.
        mailbox: E-mail address of the account.
        password_md5: MD5 of the UTF-8 password, 32 lower-case hex digits.
        ct_type: "HME-4" (CT002) or "HME-3" (CT003).
        timezone: Told when the device is added.
        retry_interval_s: Pause after the first failure, at least 5; it doubles up to an hour.
        record: What was stored last time.
        force: Ask the cloud even if the record says that the device was confirmed.
    """

    def __init__(
        self,
        *,
        base_url: str,
        mailbox: str,
        password_md5: str,
        ct_type: str = "HME-4",
        timezone: str = "Europe/Berlin",
        retry_interval_s: float = 60.0,
        record: RegistrationRecord | None = None,
        force: bool = False,
    ) -> None:
        config = ffi.new("ct002_registration_config *")
        self._ct_type = "HME-3" if ct_type.upper() == "HME-3" else "HME-4"
        # The core keeps pointers to these.
        self._texts = {
            name: ffi.new("char[]", text.encode())
            for name, text in (
                ("base_url", base_url),
                ("mailbox", mailbox),
                ("password_md5", password_md5),
                ("timezone", timezone),
                ("ct_type", self._ct_type),
            )
        }
        for name, text in self._texts.items():
            setattr(config, name, text)
        config.retry_interval_ms = min(int(retry_interval_s * 1000), 2**31)
        config.force = force
        stored = ffi.NULL if record is None else ffi.new("uint8_t[]", record._bytes())
        self._memory = ffi.new("uint64_t[]", (lib.ct002_registration_size() + 7) // 8)
        self._core = lib.ct002_registration_init(self._memory, ffi.sizeof(self._memory), config, stored)
        self._url = ffi.new("char[]", _URL_SIZE)

    def next_request(self, random: int, at: float | None = None) -> CloudRequest | None:
        """The request to make now.

        None while one is under way, between rounds and when done. Before an `ADD` is sent, `record` must have been
        stored.

        Args:
            random: 24 random bits or more; a new id is made of them.
            at: The host's time in seconds, from any origin.
        """
        step = lib.ct002_registration_next(self._core, _ms(at), random & 0xFFFFFFFF, self._url, _URL_SIZE)
        if step == RegistrationStep.NOTHING:
            return None
        headers = {"User-Agent": USER_AGENT, "Accept": "application/json"}
        if step == RegistrationStep.ADD:
            headers |= {"Content-Type": "application/json", "token": ffi.string(self._state().token).decode()}
        url = ffi.string(self._url).decode()
        ffi.memmove(self._url, b"\0" * _URL_SIZE, _URL_SIZE)
        return CloudRequest(RegistrationStep(step), url, headers)

    def on_reply(self, status: int, body: bytes, at: float | None = None, *, truncated: bool = False) -> None:
        """The reply to the request under way; `truncated` = `body` is only its beginning."""
        lib.ct002_registration_reply(self._core, status, body, len(body), truncated, _ms(at))

    def on_failure(self, kind: HttpFailure, at: float | None = None) -> None:
        """There was no reply to the request under way, or not all of it."""
        lib.ct002_registration_failure(self._core, kind, _ms(at))

    def _state(self) -> ffi.CData:
        state = ffi.new("ct002_registration_state *")
        lib.ct002_registration_get_state(self._core, state)
        return state

    @property
    def mac(self) -> str | None:
        """MAC of the device once it is confirmed."""
        return ffi.string(self._state().mac).decode() or None

    @property
    def confirmed_mac(self) -> str | None:
        """MAC that an earlier run or this one has confirmed; holds while `force` makes the cloud be asked again."""
        return ffi.string(self._state().confirmed_mac).decode() or None

    @property
    def is_done(self) -> bool:
        """Nothing is left to ask."""
        return bool(self._state().done)

    @property
    def reason(self) -> str | None:
        """Why nothing has come of it yet, for people; None without a failure."""
        state = self._state()
        text: str = ffi.string(state.reason_text).decode()
        if not text:
            return None
        return f"{text} (HTTP {state.http_status})" if state.reason == _HTTP_STATUS else text

    @property
    def pause_s(self) -> float:
        """Pause after the last failure; 0 while a round is under way."""
        return float(self._state().pause_ms) / 1000.0

    @property
    def record(self) -> RegistrationRecord:
        """What to store."""
        raw = ffi.new("uint8_t[]", _RECORD_SIZE)
        lib.ct002_registration_get_record(self._core, raw)
        stored = bytes(ffi.buffer(raw, _RECORD_SIZE))
        return RegistrationRecord(
            stored[:13].rstrip(b"\0").decode("ascii", "replace"), RegistrationStage(stored[13]), self._ct_type
        )


def registration_reasons() -> list[str]:
    """Every text that `Registration.reason` may hold, without the HTTP status."""
    texts: list[str] = []
    while (text := lib.ct002_registration_reason_text(len(texts))) != ffi.NULL:
        texts.append(ffi.string(text).decode())
    return texts


_HTTP_STATUS = registration_reasons().index("the cloud answered with an error status")


# -- reports -------------------------------------------------------------------------------


class ReportStep(IntEnum):
    """What is to be told to the cloud now."""

    NOTHING = lib.CT002_REPORT_NOTHING
    HANDSHAKE = lib.CT002_REPORT_HANDSHAKE
    REPORT = lib.CT002_REPORT_REPORT


@dataclass(frozen=True, slots=True)
class Sums:
    """What the batteries charge and discharge in sum, W, in the order X (unassigned), A, B, C, ABC (combined).

    Attributes:
        charge_w: Each <= 0.
        discharge_w: Each >= 0.
    """

    charge_w: tuple[int, ...] = (0,) * _BUCKETS
    discharge_w: tuple[int, ...] = (0,) * _BUCKETS


def sums_of(emulator: Emulator) -> Sums:
    """The sums exactly as the replies to batteries tell them."""
    charge, discharge = ffi.new("int32_t[]", _BUCKETS), ffi.new("int32_t[]", _BUCKETS)
    lib.ct002_get_sums(emulator._core, charge, discharge)
    return Sums(tuple(charge), tuple(discharge))


@dataclass(frozen=True, slots=True)
class CloudReport:
    """Who reports, and where to.

    Attributes:
        mac: Id of the CT.
        ct_type: "HME-4" or "HME-3"; the cloud takes over what it is told here.
        host: Name of the cloud's host; plain HTTP.
        fcv: Build stamp in the handshake.
        sv: Version in the handshake.
    """

    mac: str
    ct_type: str = "HME-4"
    host: str = "eu.hamedata.com"
    fcv: str = "202409090159"
    sv: int = 121

    def handshake_url(self) -> str:
        """URL of the handshake.

        Raises:
            ValueError: The host or the stamp is too long.
        """
        out = ffi.new("char[]", _URL_SIZE)
        names = (self.host.encode(), self.mac.encode(), self.ct_type.encode())
        return _url(lib.ct002_handshake_url(*names, self.fcv.encode(), self.sv, out, _URL_SIZE), out)

    def report_url(
        self, power_w: Sequence[float], unix_s: int, sums: Sums, *, batteries: int, mqtt: bool, rssi_dbm: int = -50
    ) -> str:
        """URL of a report.

        Args:
            power_w: What the meter measures, W per phase, + = import; missing phases are 0.
            unix_s: Seconds since 1970.
            sums: What the batteries do.
            batteries: How many have reported and are not forgotten.
            mqtt: There is a link to an MQTT broker.
            rssi_dbm: Wi-Fi signal to tell.

        Raises:
            ValueError: The host is too long.
        """
        values = ffi.new("ct002_report_values *")
        for phase, value in enumerate(power_w[:3]):
            values.power_w[phase] = value
        values.rssi_dbm, values.unix_s, values.batteries, values.mqtt = rssi_dbm, unix_s, min(batteries, 255), mqtt
        values.charge_w, values.discharge_w = sums.charge_w, sums.discharge_w
        out = ffi.new("char[]", _URL_SIZE)
        names = (self.host.encode(), self.mac.encode(), self.ct_type.encode())
        return _url(lib.ct002_report_url(*names, values, out, _URL_SIZE), out)


def _url(size: int, out: ffi.CData) -> str:
    if size == 0:
        raise ValueError(f"a URL of the cloud would be longer than {_URL_SIZE} bytes; shorten the host")
    return _text(size, out)


class ReportSchedule:
    """What to send when: one handshake, a report directly after it and one every interval.

    Args:
        interval_s: From start to start, at least 5.
    """

    def __init__(self, interval_s: float = 60.0) -> None:
        self._memory = ffi.new("uint64_t[]", (lib.ct002_report_schedule_size() + 7) // 8)
        interval_ms = min(int(interval_s * 1000), 2**31 - 1)
        self._core = lib.ct002_report_schedule_init(self._memory, ffi.sizeof(self._memory), interval_ms)

    def next(self, online: bool, unix_s: float, at: float | None = None) -> ReportStep:
        """What to send now; then call `finish()`.

        Args:
            online: There are a network and a MAC; after a time without, a handshake precedes the next report,
                unless there was one within the interval.
            unix_s: Seconds since 1970; before 2020 the clock was never set, and nothing is reported.
            at: The host's time in seconds, from any origin.
        """
        return ReportStep(lib.ct002_report_schedule_next(self._core, online, int(unix_s), _ms(at)))

    def finish(self) -> None:
        """The request is over, whatever came of it."""
        lib.ct002_report_schedule_finish(self._core)

    def rename(self) -> None:
        """The MAC is another one: a handshake is due at once."""
        lib.ct002_report_schedule_rename(self._core)
