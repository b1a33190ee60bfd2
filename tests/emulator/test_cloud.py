"""The services of the cloud over real sockets, against a stand-in that fails in every way. Time is virtual."""

import asyncio
import json
import logging
import os
import socket
import ssl
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from cloud_stand_in import MAILBOX, PASSWORD, SECRETS, Cloud, CloudServer, Fault

from nullwatt.core import CloudReport, Config, Emulator, HttpFailure, RegistrationRecord, RegistrationStage
from nullwatt.emulator import cloud as cloud_module
from nullwatt.emulator.cloud import Account, RegistrationService, ReportService, StateFile, _get

# Long for a machine that is busy with other tests, or what is well would time out, too.
TIMEOUT_S = 1.0


class VirtualTime:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)


@pytest.fixture(autouse=True)
def everything_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)


def no_secret_in(text: str) -> bool:
    return not any(secret.lower() in text.lower() for secret in (*SECRETS, "pwd=", "token="))


async def register(
    url: str, state: Path, *, virtual: VirtualTime | None = None, body_limit: int = 16384, **options: object
) -> str | None:
    found: list[str] = []
    virtual = virtual or VirtualTime()
    service = RegistrationService(
        Account(url, MAILBOX, PASSWORD),
        StateFile(state),
        found.append,
        timeout_s=TIMEOUT_S,
        body_limit=body_limit,
        clock=virtual.clock,
        sleep=virtual.sleep,
        **options,  # type: ignore[arg-type]
    )
    await asyncio.wait_for(service.run(), 20)
    assert found == ([service.mac] if service.mac else [])
    return service.mac


async def test_registered_once_and_remembered(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    state = tmp_path / "there" / "cloud.json"
    with CloudServer(Cloud()) as server:
        mac = await register(server.url, state)
        assert server.cloud.created == [mac]
        assert json.loads(state.read_text()) == {"HME-4": {"mac": mac, "stage": "confirmed"}}
        assert [path.name for path in state.parent.iterdir()] == ["cloud.json"]
        assert len(server.cloud.requests) == 4
        # The next start needs no cloud.
        assert await register(server.url, state) == mac
        assert len(server.cloud.requests) == 4
        # Unless it is told to ask.
        assert await register(server.url, state, force=True) == mac
        assert len(server.cloud.requests) == 5
    lines = [record.getMessage() for record in caplog.records if record.name.startswith("nullwatt")]
    assert lines == [
        f"cloud: created the CT {mac}",
        *[f"cloud: registered as CT {mac} (HME-4)"] * 3,
    ]
    assert no_secret_in(caplog.text)


@pytest.mark.parametrize("fault", list(Fault))
@pytest.mark.parametrize("request_number", [0, 1, 2])
async def test_any_request_may_fail(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, fault: Fault, request_number: int
) -> None:
    virtual = VirtualTime()
    cloud = Cloud(faults=[Fault.NONE] * request_number + [fault])
    with CloudServer(cloud) as server:
        mac = await register(server.url, tmp_path / "cloud.json", virtual=virtual)
    assert cloud.created == [mac]
    # Of the second list nothing is needed but that it is JSON: the first one is what counts.
    harmless = {Fault.NONE} | ({Fault.NOT_AN_OBJECT, Fault.NO_CODE, Fault.CODE_0} if request_number == 1 else set())
    assert virtual.slept == ([] if fault in harmless else [60.0])
    assert no_secret_in(caplog.text)


async def test_sequence_of_failures_with_restarts(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    none = Fault.NONE
    cloud = Cloud(faults=[none, none, Fault.REPLY_LOST, Fault.STATUS_500, none, Fault.HTML, Fault.CUT_OFF], lag=3)
    virtual = VirtualTime()
    with CloudServer(cloud) as server:
        for _ in range(2):
            # Stopped amid the pause after its failure.
            with pytest.raises(asyncio.CancelledError):
                await register(server.url, tmp_path / "cloud.json", virtual=Stopping(1))
            assert len(cloud.created) == 1
        mac = await register(server.url, tmp_path / "cloud.json", virtual=virtual)
    assert cloud.created == [mac]
    assert {query["devid"] for query in cloud.added} == {mac}
    assert virtual.slept == sorted(virtual.slept)
    assert no_secret_in(caplog.text)


class Stopping(VirtualTime):
    """Cancels whoever sleeps too often."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    async def sleep(self, seconds: float) -> None:
        if len(self.slept) == self._most:
            raise asyncio.CancelledError
        await super().sleep(seconds)


async def test_nobody_listens(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    virtual = Stopping(4)
    with pytest.raises(asyncio.CancelledError):
        await register(f"http://127.0.0.1:{port}", tmp_path / "cloud.json", virtual=virtual)
    assert virtual.slept == [60, 120, 240, 480]
    assert "cloud: not registered: the cloud cannot be reached; next try in 60 s" in caplog.text
    assert not (tmp_path / "cloud.json").exists()
    assert no_secret_in(caplog.text)


@pytest.mark.parametrize("url", ["nonsense", "ftp://cloud.example", "http://[", "http://cloud.invalid:99999"])
async def test_url_that_leads_nowhere(tmp_path: Path, caplog: pytest.LogCaptureFixture, url: str) -> None:
    with pytest.raises(asyncio.CancelledError):
        await register(url, tmp_path / "cloud.json", virtual=Stopping(1))
    assert "cloud: not registered: the cloud cannot be reached" in caplog.text
    assert no_secret_in(caplog.text)


async def test_wrong_password(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    virtual = Stopping(2)
    with CloudServer(Cloud(password="another")) as server, pytest.raises(asyncio.CancelledError):
        await register(server.url, tmp_path / "cloud.json", virtual=virtual)
    assert virtual.slept == [3600, 7200]
    assert "mailbox or password is wrong" in caplog.text
    assert no_secret_in(caplog.text)


async def test_no_password(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    service = RegistrationService(Account("http://x", MAILBOX, ""), StateFile(tmp_path / "a"), print)
    await service.run()
    assert service.mac is None
    assert "cloud: not registered: mailbox or password is empty" in caplog.text


async def test_nothing_is_created_that_cannot_be_remembered(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("")
    with CloudServer(Cloud()) as server:
        with pytest.raises(asyncio.CancelledError):
            await register(server.url, tmp_path / "file" / "cloud.json", virtual=Stopping(2))
        assert server.cloud.created == []
    assert "cannot be stored" in caplog.text


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        '{"HME-4": 1}',
        '{"HME-4": null}',
        '{"HME-4": {}}',
        '{"HME-4": {"mac": 1, "stage": "no"}}',
        '{"HME-4": {"mac": "02b250aabbcc", "stage": "no"}}',
        '{"HME-4": {"mac": 1, "stage": "sent"}}',
        '{"HME-4": {"mac": "02b250aabbc", "stage": "sent"}}',
        '{"HME-4": {"mac": "", "stage": "confirmed"}}',
        "\udcff",
    ],
)
async def test_state_file_that_was_spoilt(tmp_path: Path, caplog: pytest.LogCaptureFixture, content: str) -> None:
    # It may have told of a device that was created.
    state = tmp_path / "cloud.json"
    raw = content.encode("utf-8", "surrogateescape")
    state.write_bytes(raw)
    with CloudServer(Cloud()) as server:
        assert await register(server.url, state) is None
    assert server.cloud.created == []
    assert state.read_bytes() == raw
    (line,) = [record for record in caplog.records if record.name.startswith("nullwatt")]
    assert line.levelno == logging.ERROR and str(state) in line.getMessage()


async def test_state_file_that_must_not_be_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "cloud.json").mkdir()
    with CloudServer(Cloud()) as server:
        assert await register(server.url, tmp_path / "cloud.json") is None
    assert server.cloud.requests == []
    assert str(tmp_path / "cloud.json") in caplog.text


async def test_state_file_that_is_spoilt_meanwhile(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    state = tmp_path / "cloud.json"

    class Spoiling(Cloud):
        def handle(self, *request: Any) -> tuple[Fault, int, bytes]:
            state.write_text("{")
            return super().handle(*request)

    with CloudServer(Spoiling()) as server, pytest.raises(asyncio.CancelledError):
        await register(server.url, state, virtual=Stopping(2))
    assert server.cloud.created == [] and state.read_text() == "{"
    assert f"the registration cannot be stored: {state}" in caplog.text


@pytest.mark.parametrize("content", ["{}", '{"HME-4": {"mac": "", "stage": "none"}}', '{"HME-3": 1}'])
async def test_state_file_that_tells_of_no_device(tmp_path: Path, content: str) -> None:
    state = tmp_path / "cloud.json"
    state.write_text(content)
    with CloudServer(Cloud()) as server:
        assert await register(server.url, state) == server.cloud.created[0]


async def test_state_file_survives_a_loss_of_power(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def note_fsync(descriptor: int) -> None:
        done.append(f"fsync {Path(f'/proc/self/fd/{descriptor}').readlink().name.split('.')[0]}")
        fsync(descriptor)

    def note_replace(path: Path, target: Path) -> Path:
        done.append("replace")
        return replace(path, target)

    monkeypatch.setattr("os.fsync", note_fsync)
    monkeypatch.setattr(Path, "replace", note_replace)
    StateFile(tmp_path / "there" / "cloud.json").store(RegistrationRecord("02b250aabbcc", RegistrationStage.SENT))
    assert done == ["fsync cloud", "replace", "fsync there"]


@pytest.mark.parametrize("token", ["tökén", "t\r\nX-Evil: 1"])
async def test_token_that_no_header_can_hold(tmp_path: Path, caplog: pytest.LogCaptureFixture, token: str) -> None:
    class Odd(Cloud):
        def _act(self, *request: Any) -> tuple[int, bytes]:
            return 200, json.dumps({"code": 2, "token": token, "data": []}).encode()

    odd = Odd()
    with CloudServer(odd) as server, pytest.raises(asyncio.CancelledError):
        await register(server.url, tmp_path / "cloud.json", virtual=Stopping(1))
    assert odd.created == [] and set(odd.requests) == {"/app/Solar/v2_get_device.php"}
    assert "cloud: not registered: the cloud gave no token" in caplog.text


async def test_nothing_that_cannot_be_sent_ends_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await _get("http://127.0.0.1:9/", {"token": "tök"}, 1.0, 10) is HttpFailure.UNREACHABLE
    assert await _get("http://127.0.0.1:9/\ud800", {}, 1.0, 10) is HttpFailure.UNREACHABLE


async def test_known_mac_is_used_before_the_cloud_answers(tmp_path: Path) -> None:
    state = tmp_path / "cloud.json"
    state.write_text('{"HME-4": {"mac": "02b250aabbcc", "stage": "confirmed"}}')
    virtual, found = Stopping(1), []
    service = RegistrationService(
        Account("http://127.0.0.1:9", MAILBOX, PASSWORD),
        StateFile(state),
        found.append,
        force=True,
        clock=virtual.clock,
        sleep=virtual.sleep,
    )
    with pytest.raises(asyncio.CancelledError):
        await service.run()
    assert found == ["02b250aabbcc"] == [service.mac]


async def test_event_loop_is_never_kept_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the disk nor certificates hold up who answers batteries."""
    here = threading.get_ident()
    threads: dict[str, list[bool]] = {"fsync": [], "certificates": []}
    fsync, create = os.fsync, httpx.create_ssl_context

    def slow_fsync(descriptor: int) -> None:
        threads["fsync"].append(threading.get_ident() == here)
        fsync(descriptor)

    def slow_create(*arguments: Any, **options: Any) -> ssl.SSLContext:
        threads["certificates"].append(threading.get_ident() == here)
        return create(*arguments, **options)

    monkeypatch.setattr("os.fsync", slow_fsync)
    monkeypatch.setattr("httpx.create_ssl_context", slow_create)
    cloud_module._certificates.cache_clear()
    with CloudServer(Cloud()) as server:
        await register(server.url, tmp_path / "cloud.json")
    assert threads == {"fsync": [False] * len(threads["fsync"]), "certificates": []}
    assert threads["fsync"]
    for _ in range(3):
        assert await _get("https://127.0.0.1:9/", {}, 1.0, 10) is HttpFailure.UNREACHABLE
    assert threads["certificates"] == [False]


async def test_records_of_both_types_share_a_file(tmp_path: Path) -> None:
    state = tmp_path / "cloud.json"
    state.write_text('{"HME-3": {"mac": "02b250aabbcc", "stage": "confirmed"}, "x": 1}')
    with CloudServer(Cloud()) as server:
        mac = await register(server.url, state)
    content = json.loads(state.read_text())
    assert content["HME-3"] == {"mac": "02b250aabbcc", "stage": "confirmed"} and content["HME-4"]["mac"] == mac


def test_account_hides_its_secrets() -> None:
    assert no_secret_in(repr(Account("http://x", MAILBOX, PASSWORD)))


# -- reports ---------------------------------------------------------------------------------


class Reporting:
    """A report service on virtual time."""

    def __init__(self, host: str, mac: Callable[[], str | None] = lambda: "02b25012abcd") -> None:
        self.virtual = VirtualTime()
        self.epoch = 1772600405.0
        self.power_w: list[float] | None = [312.5, -48.5, 95.2]
        self.service = ReportService(
            Emulator(Config(wifi_rssi=-61)),
            CloudReport("", "HME-3", host),
            mac,
            lambda: self.power_w,
            mqtt_connected=lambda: True,
            timeout_s=TIMEOUT_S,
            clock=self.virtual.clock,
            now=lambda: self.epoch + self.virtual.now,
        )

    async def run(self, seconds: int) -> None:
        for _ in range(seconds):
            while await self.service.step():
                pass
            self.virtual.now += 1


class Sink(Cloud):
    """Takes reports."""

    def handle(self, url: str, headers: dict[str, str], at: float = 0.0) -> tuple[Fault, int, bytes]:
        self.requests.append(urlsplit(url).path.rsplit("/")[-1])
        self.urls.append(url)
        self.headers.append(headers)
        return next(self._faults, Fault.NONE), 404, b"who knows"


async def test_handshake_and_reports(caplog: pytest.LogCaptureFixture) -> None:
    with CloudServer(Sink()) as server:
        reporting = Reporting(server.url.removeprefix("http://"))
        await reporting.run(121)
        sink = server.cloud
    assert sink.requests == ["getDateInfoeu.php", "setCtReporting", "setCtReporting", "setCtReporting"]
    assert all(headers["user-agent"] == "Dart/2.19 (dart:io)" for headers in sink.headers)
    assert "&ap=312&bp=-48&cp=95&dp=359&rssi=-61&slv=0udp=1&mqtt=1&timeNo=1772600405&" in sink.urls[1]
    assert parse_qs(urlsplit(sink.urls[3]).query)["timeNo"] == ["1772600525"]
    assert "cloud: reports arrive at 127.0.0.1" in caplog.text
    assert "setCtReporting" not in caplog.text


async def test_failures_hinder_nothing() -> None:
    faults = [Fault.TIMED_OUT, Fault.CUT_OFF, Fault.REPLY_LOST]
    with CloudServer(Sink(faults=faults)) as server:
        await Reporting(server.url.removeprefix("http://")).run(121)
    assert server.cloud.requests == ["getDateInfoeu.php", "setCtReporting", "setCtReporting", "setCtReporting"]


async def test_handshake_again_after_the_network_was_lost(caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    reporting = Reporting(f"127.0.0.1:{port}")
    await reporting.run(3)
    assert caplog.text.count("cloud: reports do not arrive") == 1
    with CloudServer(Sink()) as server:
        reporting.service._report = CloudReport("", "HME-4", server.url.removeprefix("http://"))
        await reporting.run(60)
    assert server.cloud.requests == ["getDateInfoeu.php", "setCtReporting"]


async def test_a_cloud_that_cannot_be_reached_is_not_asked_every_second(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, float]] = []
    reporting = Reporting("127.0.0.1:9")

    async def unreachable(url: str, *rest: object) -> HttpFailure:
        asked.append((urlsplit(url).path.rsplit("/")[-1], reporting.virtual.now))
        return HttpFailure.UNREACHABLE

    monkeypatch.setattr("nullwatt.emulator.cloud._get", unreachable)
    await reporting.run(182)
    assert asked == [
        *(("getDateInfoeu.php", 0), ("setCtReporting", 1)),
        *(("getDateInfoeu.php", 61), ("setCtReporting", 62)),
        *(("getDateInfoeu.php", 122), ("setCtReporting", 123)),
    ]


async def test_handshake_again_under_another_name() -> None:
    names = ["02b25012abcd"]
    with CloudServer(Sink()) as server:
        reporting = Reporting(server.url.removeprefix("http://"), lambda: names[-1])
        await reporting.run(3)
        names.append("02b250000001")
        await reporting.run(3)
    assert server.cloud.requests == ["getDateInfoeu.php", "setCtReporting"] * 2
    assert "uid=02b250000001" in server.cloud.urls[2]


async def test_nothing_is_reported_without_mac_meter_or_time() -> None:
    with CloudServer(Sink()) as server:
        host = server.url.removeprefix("http://")
        await Reporting(host, lambda: None).run(100)
        assert server.cloud.requests == []
        reporting = Reporting(host)
        reporting.epoch = 0
        await reporting.run(100)
        assert server.cloud.requests == ["getDateInfoeu.php"]
        reporting.epoch, reporting.power_w = 1772600405.0, None
        await reporting.run(100)
        assert server.cloud.requests == ["getDateInfoeu.php"]
        reporting.power_w = [1.0]
        await reporting.run(61)
        assert "setCtReporting" in server.cloud.requests
