"""The Marstek cloud, asked and told over HTTP: registration of the emulated CT, and reports of what it measures.

Needs the extra `nullwatt[services]`. What is asked when is decided in the core; here are sockets, a clock and a file.
URLs, headers and bodies hold the user's mailbox, password hash and token: none of them is ever logged.
"""

import asyncio
import contextlib
import functools
import hashlib
import json
import logging
import os
import secrets
import ssl
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpcore  # noqa: F401 (the first client would load it while batteries wait)
import httpx

from nullwatt.core import (
    CloudReport,
    Emulator,
    HttpFailure,
    Registration,
    RegistrationRecord,
    RegistrationStage,
    RegistrationStep,
    ReportSchedule,
    ReportStep,
    normalize_ct_mac,
    sums_of,
)

_LOG = logging.getLogger(__name__)

#: More than any account's list of devices.
BODY_LIMIT = 1 << 20
_REGISTRATION_TIMEOUT_S = 20.0
_REPORT_TIMEOUT_S = 10.0
# How often an idle report service looks whether there is something to do.
_LOOK_S = 1.0
_USER_AGENT = {"User-Agent": "Dart/2.19 (dart:io)"}
_STAGES = {stage.name.lower(): stage for stage in RegistrationStage}

type Clock = Callable[[], float]
type Sleep = Callable[[float], Awaitable[object]]


# -- HTTP ----------------------------------------------------------------------------------

_private: ContextVar[bool] = ContextVar("_private", default=False)


class _Discretion(logging.Filter):
    """The HTTP libraries log whole URLs; not ours."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not _private.get()


_DISCRETION = _Discretion()
_TALKATIVE = ("httpx", "httpcore", "httpcore.connection", "httpcore.http11", "httpcore.http2", "httpcore.proxy")


@contextlib.contextmanager
def _discreet() -> Iterator[None]:
    for name in _TALKATIVE:
        logging.getLogger(name).addFilter(_DISCRETION)  # once, however often it is added
    token = _private.set(True)
    try:
        yield
    finally:
        _private.reset(token)


@dataclass(frozen=True, slots=True)
class _Reply:
    status: int
    body: bytes
    truncated: bool


@functools.cache
def _certificates() -> ssl.SSLContext:
    """Takes longer to read than batteries may have to wait: not for the event loop's thread."""
    return httpx.create_ssl_context()


@functools.cache
def _no_certificates() -> ssl.SSLContext:
    """The client wants one for plain HTTP, too; this one trusts nobody."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


async def _get(url: str, headers: dict[str, str], timeout_s: float, body_limit: int) -> _Reply | HttpFailure:
    """One GET: the reply, or why there is none. Never raises for what the network or the other side does."""
    plain = url[:7].lower() == "http://"
    context = _no_certificates() if plain else await asyncio.to_thread(_certificates)
    try:
        with _discreet():
            # No redirects: they would carry the secrets of the URL elsewhere.
            async with (
                asyncio.timeout(timeout_s),
                httpx.AsyncClient(verify=context, timeout=timeout_s, follow_redirects=False) as client,
                client.stream("GET", url, headers=headers) as response,
            ):
                body = b""
                async for chunk in response.aiter_bytes():
                    body += chunk
                    if len(body) > body_limit:
                        return _Reply(response.status_code, body[:body_limit], truncated=True)
                return _Reply(response.status_code, body, truncated=False)
    except (TimeoutError, httpx.TimeoutException):
        return HttpFailure.TIMED_OUT
    except (httpx.ConnectError, httpx.UnsupportedProtocol, httpx.InvalidURL, httpx.ProxyError, ValueError):
        # ValueError: the URL or a header cannot be written as bytes.
        return HttpFailure.UNREACHABLE
    except httpx.HTTPError:
        return HttpFailure.CUT_OFF


# -- registration --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Account:
    """A Marstek account and the CT to register in it.

    Attributes:
        base_url: Scheme and host of the cloud; Europe and America have one each.
        mailbox: E-mail address.
        password: Sent as its MD5, as the app does.
        ct_type: "HME-4" (CT002) or "HME-3" (CT003).
        timezone: Told when the CT is added.
    """

    base_url: str
    mailbox: str = field(repr=False)
    password: str = field(repr=False)
    ct_type: str = "HME-4"
    timezone: str = "Europe/Berlin"


class UnreadableStateError(Exception):
    """There is a state file, but nobody can tell what it says.

    It may tell of a device that was created. Whoever took it for an empty one would create a second one.
    """


class StateFile:
    """What the registration must not forget: a small JSON file, one record for each type of CT.

    Args:
        path: Its folder is made when it is first written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self, ct_type: str) -> RegistrationRecord:
        """The record, or an empty one if none was ever stored.

        Raises:
            UnreadableStateError: There is something else.
        """
        content = self._read()
        if ct_type not in content:
            return RegistrationRecord(ct_type=ct_type)
        match content[ct_type]:
            case {"mac": "", "stage": "none"}:
                return RegistrationRecord(ct_type=ct_type)
            case {"mac": str(mac), "stage": str(stage)} if normalize_ct_mac(mac) == mac and stage in _STAGES:
                return RegistrationRecord(mac, _STAGES[stage], ct_type)
        raise UnreadableStateError(f"{self._path}: the record of {ct_type} makes no sense")

    def store(self, record: RegistrationRecord) -> None:
        """Writes a record so that a loss of power leaves either the old file or the new one.

        Raises:
            OSError: It cannot be written.
            UnreadableStateError: What it holds besides is not known, and would be lost.
        """
        content = self._read() | {record.ct_type: {"mac": record.mac, "stage": record.stage.name.lower()}}
        self._path.parent.mkdir(parents=True, exist_ok=True)
        new = self._path.with_name(f"{self._path.name}.{os.getpid()}.new")
        try:
            with new.open("w", encoding="utf-8") as file:
                json.dump(content, file, indent=1)
                file.flush()
                os.fsync(file.fileno())
            new.replace(self._path)
        finally:
            new.unlink(missing_ok=True)
        # Its name, too, must be on the disk.
        folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _read(self) -> dict[str, Any]:
        try:
            content = json.loads(self._path.read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except OSError as error:
            raise UnreadableStateError(f"{self._path} cannot be read: {error.strerror}") from error
        except (ValueError, RecursionError) as error:
            raise UnreadableStateError(f"{self._path} is not readable JSON") from error
        if not isinstance(content, dict):
            raise UnreadableStateError(f"{self._path} is not a JSON object")
        return content


class RegistrationService:
    """Registers the CT once and remembers it.

    Args:
        account: Whose, and what.
        state: Where the CT's MAC is kept; with a confirmed one the cloud is not asked. While it cannot be read nothing
            is asked, and the file is left as it is.
        on_mac: Called with the MAC, 12 lower-case hex digits, once it is known, and again if it becomes another one.
        retry_interval_s: Pause after the first failure, at least 5; it doubles up to an hour.
        force: Ask the cloud even if the MAC is known.
        timeout_s: For each request.
        body_limit: Longest reply, bytes.
        clock: Seconds from any origin.
        sleep: Waits for seconds.
    """

    def __init__(
        self,
        account: Account,
        state: StateFile,
        on_mac: Callable[[str], object],
        *,
        retry_interval_s: float = 60.0,
        force: bool = False,
        timeout_s: float = _REGISTRATION_TIMEOUT_S,
        body_limit: int = BODY_LIMIT,
        clock: Clock = time.monotonic,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._state = state
        self._on_mac = on_mac
        self._timeout_s = timeout_s
        self._body_limit = body_limit
        self._clock = clock
        self._sleep = sleep
        self._mac: str | None = None
        self._unreadable: UnreadableStateError | None = None
        try:
            self._stored = state.load(account.ct_type)
        except UnreadableStateError as error:
            self._stored, self._unreadable = RegistrationRecord(ct_type=account.ct_type), error
        self._registration = Registration(
            base_url=account.base_url,
            mailbox=account.mailbox,
            password_md5=hashlib.md5(account.password.encode(), usedforsecurity=False).hexdigest()
            if account.password
            else "",
            ct_type=account.ct_type,
            timezone=account.timezone,
            retry_interval_s=retry_interval_s,
            record=self._stored,
            force=force,
        )

    @property
    def mac(self) -> str | None:
        """MAC of the registered CT once it is known."""
        return self._mac or self._registration.confirmed_mac

    async def run(self) -> None:
        """Returns when the CT is registered, or cannot be.

        That is for want of mailbox or password, or because nobody can tell whether it was registered already.
        """
        registration = self._registration
        if self._unreadable is not None:
            _LOG.error("cloud: not registered: %s; mend the file, or remove it to register anew", self._unreadable)
            return
        if registration.confirmed_mac is not None:
            self._take(registration.confirmed_mac)
        while not registration.is_done:
            request = registration.next_request(secrets.randbits(32), at=self._clock())
            if request is None:
                if registration.pause_s == 0:
                    _LOG.warning("cloud: not registered: %s", registration.reason)
                    return
                _LOG.warning("cloud: not registered: %s; next try in %.0f s", registration.reason, registration.pause_s)
                await self._sleep(registration.pause_s)
                continue
            if not await self._store() and request.step is RegistrationStep.ADD:
                # Forgotten in a restart, it would be created a second time.
                registration.on_failure(HttpFailure.UNREACHABLE, at=self._clock())
                continue
            reply = await _get(request.url, request.headers, self._timeout_s, self._body_limit)
            if isinstance(reply, HttpFailure):
                registration.on_failure(reply, at=self._clock())
            else:
                registration.on_reply(reply.status, reply.body, at=self._clock(), truncated=reply.truncated)
            await self._store()
            if request.step is RegistrationStep.ADD and registration.reason is None:
                _LOG.info("cloud: created the CT %s", self._stored.mac)
        if registration.mac is not None:
            _LOG.info("cloud: registered as CT %s (%s)", registration.mac, self._stored.ct_type)
            self._take(registration.mac)

    def _take(self, mac: str) -> None:
        if mac != self._mac:
            self._mac = mac
            self._on_mac(mac)

    async def _store(self) -> bool:
        record = self._registration.record
        if record == self._stored:
            return True
        try:
            # The disk may take its time, and batteries are answered meanwhile.
            await asyncio.to_thread(self._state.store, record)
        except (OSError, UnreadableStateError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            _LOG.error("cloud: the registration cannot be stored: %s; nothing is created", reason)
            return False
        self._stored = record
        return True


# -- reports -------------------------------------------------------------------------------


class ReportService:
    """Tells the cloud what the meter measures, every interval.

    Args:
        emulator: The core; its thread is the event loop's.
        report: Who reports, and where to; its MAC does not count.
        mac: MAC of the CT; None while it is not known, then nothing is sent.
        measured: W per phase, + = import, as the meter says them; None = it says nothing, and that report is skipped.
        mqtt_connected: There is a link to an MQTT broker.
        interval_s: From start to start, at least 5.
        timeout_s: For each request.
        clock: Seconds from any origin.
        now: Seconds since 1970.
        sleep: Waits for seconds.
    """

    def __init__(
        self,
        emulator: Emulator,
        report: CloudReport,
        mac: Callable[[], str | None],
        measured: Callable[[], Sequence[float] | None],
        *,
        mqtt_connected: Callable[[], bool] = lambda: False,
        interval_s: float = 60.0,
        timeout_s: float = _REPORT_TIMEOUT_S,
        clock: Clock = time.monotonic,
        now: Clock = time.time,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._emulator = emulator
        self._report = report
        self._mac = mac
        self._measured = measured
        self._mqtt_connected = mqtt_connected
        self._timeout_s = timeout_s
        self._schedule = ReportSchedule(interval_s)
        self._clock = clock
        self._now = now
        self._sleep = sleep
        self._works: bool | None = None
        self._lost = False
        self._last_mac: str | None = None

    async def run(self) -> None:
        """Reports until cancelled."""
        while True:
            if not await self.step():
                await self._sleep(_LOOK_S)

    async def step(self) -> bool:
        """Sends what is due. False if that was nothing."""
        mac = self._mac()
        # A network that was lost asks for another handshake, and so does another name.
        online = mac is not None and not self._lost
        if mac is not None and mac != self._last_mac:
            self._last_mac = mac
            self._schedule.rename()
        self._lost = False
        step = self._schedule.next(online, self._now(), at=self._clock())
        if step is ReportStep.NOTHING or mac is None:
            return False
        try:
            url = self._url(step, mac)
            if url is not None:
                self._note(await _get(url, _USER_AGENT, self._timeout_s, BODY_LIMIT))
        finally:
            self._schedule.finish()
        return True

    def _url(self, step: ReportStep, mac: str) -> str | None:
        told = self._report
        report = CloudReport(mac, told.ct_type, told.host, told.fcv, told.sv)
        if step is ReportStep.HANDSHAKE:
            return report.handshake_url()
        power_w = self._measured()
        if power_w is None:
            return None
        rssi_dbm = self._emulator.config.wifi_rssi
        assert isinstance(rssi_dbm, int)
        return report.report_url(
            power_w,
            int(self._now()),
            sums_of(self._emulator),
            batteries=self._emulator.state().consumers,
            mqtt=self._mqtt_connected(),
            rssi_dbm=rssi_dbm,
        )

    def _note(self, reply: _Reply | HttpFailure) -> None:
        """What the cloud answers does not matter; whether it is there is worth a line."""
        works = isinstance(reply, _Reply)
        self._lost = reply is HttpFailure.UNREACHABLE
        if works != self._works:
            if works:
                _LOG.info("cloud: reports arrive at %s", self._report.host)
            else:
                _LOG.warning("cloud: reports do not arrive at %s", self._report.host)
        self._works = works
