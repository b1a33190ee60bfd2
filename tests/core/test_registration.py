"""The emulated CT in the user's account: never twice, whatever fails, and without telling secrets."""

import json
from dataclasses import replace

import pytest
from cloud_stand_in import MAILBOX, NO_REPLY, PASSWORD_MD5, SECRETS, TOKEN, Cloud, Fault
from hypothesis import given, settings
from hypothesis import strategies as st

from nullwatt.core import HttpFailure, Registration, RegistrationRecord, RegistrationStage, registration_reasons

BASE = "https://eu.hamedata.com"
BODY_LIMIT = 16384
HOUR_S = 3600.0
FAILURES = {
    Fault.REFUSED: HttpFailure.UNREACHABLE,
    Fault.TIMED_OUT: HttpFailure.TIMED_OUT,
    Fault.REPLY_LOST: HttpFailure.TIMED_OUT,
    Fault.CUT_OFF: HttpFailure.CUT_OFF,
}


def managed(device: str = "02b250aabbcc", /, ct_type: str = "HME-4", **other: object) -> dict[str, object]:
    return {"devid": device, "mac": device, "type": ct_type, "name": "x", **other}


class Host:
    """Makes the requests of a registration, on a virtual clock, and stores what is to be stored."""

    def __init__(self, cloud: Cloud, start: float = 0.0, **options: object) -> None:
        self.cloud = cloud
        self.at = start
        self.stored = RegistrationRecord()
        self.options = {"retry_interval_s": 60.0} | options
        self.seed = 0x8B0E71
        self.reasons: list[str | None] = []
        self.boot()

    def boot(self) -> None:
        self.registration = Registration(
            base_url=f"{BASE}/",
            mailbox=MAILBOX,
            password_md5=PASSWORD_MD5,
            record=self.stored,
            **self.options,  # type: ignore[arg-type]
        )

    def step(self, lose_power: bool = False) -> bool:
        """One request. False if there was none to make. `lose_power`: after it was sent."""
        request = self.registration.next_request(self.seed, at=self.at)
        if request is None:
            return False
        self.seed = (self.seed * 1103515245 + 12345) % 2**32
        self.stored = self.registration.record
        assert repr(request) == f"CloudRequest({request.step.name})"
        fault, status, body = self.cloud.handle(request.url.removeprefix(BASE), request.headers, self.at)
        if lose_power:
            self.boot()
            return True
        if fault in NO_REPLY:
            self.registration.on_failure(FAILURES[fault], at=self.at)
        else:
            self.registration.on_reply(status, body[:BODY_LIMIT], at=self.at, truncated=len(body) > BODY_LIMIT)
        self.stored = self.registration.record
        self.reasons.append(self.registration.reason)
        return True

    def run(self, requests: int = 200) -> str | None:
        """Until it is done; waits as long as it must."""
        for _ in range(requests):
            if self.registration.is_done:
                break
            if not self.step():
                self.at += self.registration.pause_s or HOUR_S
        return self.registration.mac


# -- what is asked ---------------------------------------------------------------------------


def test_requests_byte_by_byte() -> None:
    cloud = Cloud()
    host = Host(cloud)
    assert host.run() == "02b2508b0e71"
    account = "mailbox=jane.doe%2Bx%40example.org"
    token = f"/app/Solar/v2_get_device.php?{account}&pwd=fc82d7bbe3ef4c1c8bc9fee45c9f7150"
    assert cloud.urls == [
        token,
        f"/ems/api/v1/getDeviceList?{account}&token=tok%2Ben%2F1",
        f"/app/Solar/v2_add_device.php?name=AstraMeter%20CT002&{account}&devid=02b2508b0e71&mac=02b2508b0e71"
        "&type=HME-4&token=tok%2Ben%2F1&access=1&bluetooth_name=MST-TPM_0e71&position=%7B%7D"
        "&timeZone=Europe%2FBerlin&version=121",
        token,
    ]
    agent = {"User-Agent": "Dart/2.19 (dart:io)", "Accept": "application/json"}
    assert cloud.headers == [agent, agent, {**agent, "Content-Type": "application/json", "token": TOKEN}, agent]
    assert host.at == 0.0  # nothing failed, nothing was waited for


def test_a_ct003_has_a_name_of_its_own() -> None:
    cloud = Cloud(devices=[managed("02b250000001", "HME-4")])
    host = Host(cloud, ct_type="HME-3", timezone="America/New_York")
    assert host.run() == "02b2508b0e71"
    (added,) = cloud.added
    assert (added["type"], added["name"], added["bluetooth_name"], added["timeZone"]) == (
        "HME-3",
        "AstraMeter CT003",
        "MST-SMR_0e71",
        "America/New_York",
    )


# -- which device ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "devices",
    [
        [managed("02b250aabbcc")],
        [managed("02B250AABBCC")],
        [managed("02:b2:50:aa:bb:cc")],
        [managed("02b250000001", "HME-3"), managed("02b250aabbcc"), managed("02b250000002")],
        [{"devid": "60f1a2b3c401", "mac": "60f1a2b3c401", "type": "HME-4"}, managed("02b250aabbcc")],
        [managed("02b250aabbcc", mac="60f1a2b3c401"), managed("02b250aabbcc")],
        [None, 7, "x", [], {}, {"devid": 1, "mac": None, "type": []}, managed("02b250aabbcc")],
    ],
)
def test_a_managed_device_of_the_type_is_used(devices: list[dict[str, object]]) -> None:
    cloud = Cloud(devices=devices)
    host = Host(cloud)
    assert host.run() == "02b250aabbcc"
    assert len(cloud.requests) == 1 and not cloud.created


def test_lists_are_merged() -> None:
    # Only in the second list.
    assert Host(Cloud(more_devices=[managed()])).run() == "02b250aabbcc"
    # Half in the first, half in the second.
    partial = Cloud(devices=[{"devid": "02b250aabbcc", "type": "HME-4"}], more_devices=[{**managed(), "type": None}])
    assert Host(partial).run() == "02b250aabbcc"
    partial = Cloud(devices=[{"devid": "02b250aabbcc", "mac": "02b250aabbcc"}], more_devices=[managed(mac="")])
    assert Host(partial).run() == "02b250aabbcc"
    for cloud in (partial,):
        assert not cloud.created
    # Never both: nothing to use.
    useless = Cloud(devices=[{"devid": "02b250aabbcc", "type": "HME-4"}] * 9)
    assert Host(useless).run() == "02b2508b0e71"


@pytest.mark.parametrize("nothing", [[], None, "", {}, 0])
def test_an_account_without_devices_is_normal(nothing: object) -> None:
    cloud = Cloud(empty=nothing)
    host = Host(cloud)
    assert host.run() == "02b2508b0e71"
    assert set(host.reasons) == {None}


def test_a_new_id_is_nobodys() -> None:
    # The random numbers repeat until they are drawn again.
    for taken in (managed("02b2508b0e71", "HME-3"), {"devid": "1", "mac": "02B2508B0E71", "type": "HMG-50"}):
        for lists in ({"devices": [taken]}, {"more_devices": [taken]}):
            cloud = Cloud(**lists)  # type: ignore[arg-type]
            mac = Host(cloud).run()
            assert mac is not None and mac.startswith("02b250") and mac != "02b2508b0e71"
            assert cloud.created == [mac]


# -- never twice -----------------------------------------------------------------------------


@settings(max_examples=400, deadline=None)
@given(
    faults=st.lists(st.sampled_from(Fault), max_size=24),
    power_cuts=st.sets(st.integers(0, 30), max_size=6),
    lag=st.integers(0, 12),
    start=st.sampled_from([0.0, 2**32 / 1000 - 100]),
)
def test_one_device_at_most_whatever_happens(faults: list[Fault], power_cuts: set[int], lag: int, start: float) -> None:
    cloud = Cloud(faults=faults, lag=lag)
    host = Host(cloud, start)
    done = 0
    for _ in range(400):
        if host.registration.is_done:
            break
        if host.step(lose_power=done in power_cuts):
            done += 1
        else:
            assert 5.0 <= host.registration.pause_s <= HOUR_S
            host.at += host.registration.pause_s
        assert len(cloud.created) <= 1
        assert all(reason is None or not any(secret in reason for secret in SECRETS) for reason in host.reasons)
    assert host.registration.is_done
    assert [host.registration.mac] == cloud.created
    # And never again.
    host.boot()
    assert host.registration.mac == cloud.created[0]
    assert host.registration.next_request(1, at=host.at + 9e5) is None


def test_reply_to_the_add_is_lost() -> None:
    cloud = Cloud(faults=[Fault.NONE, Fault.NONE, Fault.REPLY_LOST])
    host = Host(cloud)
    assert host.run() == "02b2508b0e71"
    assert len(cloud.added) == 1  # the list told that it was there


def test_add_is_lost() -> None:
    cloud = Cloud(faults=[Fault.NONE, Fault.NONE, Fault.TIMED_OUT])
    host = Host(cloud)
    assert host.run() == "02b2508b0e71"
    assert [path.rsplit("/")[-1].split(".")[0] for path in cloud.requests] == [
        *("v2_get_device", "getDeviceList", "v2_add_device"),
        *("v2_get_device", "getDeviceList", "v2_add_device"),
        "v2_get_device",
    ]
    assert cloud.added[0]["devid"] == "02b2508b0e71"


def test_accepted_but_not_listed_for_long() -> None:
    cloud = Cloud(lag=6)
    host = Host(cloud)
    assert host.run() == "02b2508b0e71"
    assert len(cloud.added) == 1
    assert "the added device is not in the account's list yet" in host.reasons
    pauses = sorted({round(b - a) for a, b in zip(cloud.times, cloud.times[1:], strict=False)} - {0})
    assert pauses == [60, 120, 240, 480, 960, 1920]


def test_an_id_that_is_always_refused_is_given_up() -> None:
    # It may be somebody else's. The cloud has said three times that it did not create it.
    refused = [Fault.NONE, Fault.NONE, Fault.CODE_0] * 3
    cloud = Cloud(faults=refused)
    host = Host(cloud)
    mac = host.run()
    assert mac not in (None, "02b2508b0e71") and cloud.created == [mac]
    assert "the cloud refused to add the device" in host.reasons


def test_an_id_in_doubt_is_kept_though_it_is_refused() -> None:
    cloud = Cloud(faults=[Fault.NONE, Fault.NONE, Fault.REPLY_LOST, *[Fault.NONE, Fault.NONE, Fault.CODE_0] * 5], lag=9)
    host = Host(cloud)
    assert host.run() == "02b2508b0e71"
    assert cloud.created == ["02b2508b0e71"]


# -- restarts --------------------------------------------------------------------------------


def test_what_was_confirmed_needs_no_cloud() -> None:
    record = RegistrationRecord("02b250aabbcc", RegistrationStage.CONFIRMED, "HME-4")
    host = Host(Cloud())
    host.stored = record
    host.boot()
    assert host.registration.is_done and host.registration.mac == "02b250aabbcc"
    assert not host.step()
    assert host.registration.record == record


@pytest.mark.parametrize(
    "record",
    [
        RegistrationRecord("02b250aabbcc", RegistrationStage.CONFIRMED, "HME-3"),
        RegistrationRecord("02b250aabbc", RegistrationStage.CONFIRMED),
        RegistrationRecord("02B250AABBCC", RegistrationStage.CONFIRMED),
        RegistrationRecord("zz", RegistrationStage.SENT),
        RegistrationRecord("", RegistrationStage.CONFIRMED),
    ],
)
def test_a_record_that_cannot_be_right_does_not_count(record: RegistrationRecord) -> None:
    host = Host(Cloud())
    host.stored = record
    host.boot()
    assert host.run() == "02b2508b0e71"


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("stage", list(RegistrationStage))
def test_only_a_confirmed_mac_is_handed_over_before_the_cloud_answers(stage: RegistrationStage, force: bool) -> None:
    host = Host(Cloud(), force=force)
    host.stored = RegistrationRecord("02b250aabbcc", stage)
    host.boot()
    confirmed = stage is RegistrationStage.CONFIRMED
    assert host.registration.confirmed_mac == ("02b250aabbcc" if confirmed else None)
    host.stored = RegistrationRecord("02B250AABBCC", stage)
    host.boot()
    assert host.registration.confirmed_mac is None


def test_force_asks_again_and_keeps_the_id() -> None:
    record = RegistrationRecord("02b250aabbcc", RegistrationStage.CONFIRMED)
    for devices, mac in (
        ([managed("02b250000001"), managed("02b250aabbcc")], "02b250aabbcc"),
        ([managed("02b250000001")], "02b250000001"),
        ([], "02b250aabbcc"),
    ):
        cloud = Cloud(devices=list(devices))
        host = Host(cloud, force=True)
        host.stored = record
        host.boot()
        assert not host.registration.is_done and host.registration.mac is None
        assert host.registration.confirmed_mac == "02b250aabbcc"
        # Nothing is lost of what was known while the cloud has not answered.
        assert host.registration.record == record
        assert host.run() == mac
        assert host.stored == replace(record, mac=mac)
        assert cloud.created == ([mac] if not devices else [])


# -- back-off --------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [fault for fault in Fault if fault is not Fault.NONE])
@pytest.mark.parametrize("start", [0.0, 2**32 / 1000 - 500])
def test_pauses_grow_to_an_hour(fault: Fault, start: float) -> None:
    cloud = Cloud(faults=[fault] * 9)
    host = Host(cloud, start)
    assert host.run() == host.stored.mac
    pauses = [round(b - a) for a, b in zip(cloud.times, cloud.times[1:], strict=False)][:9]
    assert pauses == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]
    assert host.reasons[0] in registration_reasons() or "HTTP" in str(host.reasons[0])


@pytest.mark.parametrize(("asked_s", "first_s"), [(0, 5), (5, 5), (7.5, 7.5), (7200, 7200)])
def test_shortest_pause(asked_s: float, first_s: float) -> None:
    host = Host(Cloud(faults=[Fault.REFUSED]), retry_interval_s=asked_s)
    host.step()
    assert host.registration.pause_s == first_s
    host.at += first_s - 0.01
    assert not host.step()
    host.at += 0.01
    assert host.step()


def test_a_wrong_password_is_not_tried_often() -> None:
    cloud = Cloud(password="another")
    host = Host(cloud)
    for _ in range(16):
        if not host.step():
            host.at += host.registration.pause_s
    assert set(host.reasons) == {"mailbox or password is wrong; correct them and restart"}
    pauses = [round(b - a) / HOUR_S for a, b in zip(cloud.times, cloud.times[1:], strict=False)]
    assert pauses == [1, 2, 4, 8, 16, 24, 24]


# -- replies ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (
            200,
            b'{"code": 4, "msg": "\xe5\xaf\x86\xe7\xa0\x81\xe9\x94\x99\xe8\xaf\xaf"}',
            "mailbox or password is wrong",
        ),
        (200, rb'{"code": "4", "msg": "\u5bc6\u7801\u9519\u8bef"}', "mailbox or password is wrong"),
        (200, b'{"code": 4, "msg": "Wrong PASSWORD"}', "mailbox or password is wrong"),
        # The code alone, or the word alone, may mean anything: not a reason to wait for hours.
        (200, b'{"code": 4}', "the cloud refused to log in"),
        (200, b'{"code": 4, "msg": "maintenance"}', "the cloud refused to log in"),
        (200, b'{"code": 5, "msg": "Wrong PASSWORD"}', "the cloud refused to log in"),
        (200, b'{"msg": "password"}', "the cloud refused to log in"),
        (200, b'{"code": 3, "msg": "busy"}', "the cloud refused to log in"),
        (200, b'{"token": "t"}', "the cloud refused to log in"),
        (200, b"[]", "the cloud refused to log in"),
        (200, b'{"code": 2}', "the cloud gave no token"),
        (200, b'{"code": 2, "token": ""}', "the cloud gave no token"),
        (200, b'{"code": 2, "token": 7}', "the cloud gave no token"),
        (200, b'{"code": 2, "token": "' + b"x" * 600 + b'"}', "the cloud gave no token"),
        # No header can hold these, or it would hold another header.
        (200, '{"code": 2, "token": "tök"}'.encode(), "the cloud gave no token"),
        (200, '{"code": 2, "token": "\u5bc6"}'.encode(), "the cloud gave no token"),
        (200, rb'{"code": 2, "token": "t\r\nX-Evil: 1"}', "the cloud gave no token"),
        (200, rb'{"code": 2, "token": "t t"}', "the cloud gave no token"),
        (200, rb'{"code": 2, "token": "t\u0000"}', "the cloud gave no token"),
        (200, rb'{"code": 2, "token": "\u0000t"}', "the cloud gave no token"),
        (200, rb'{"code": 2, "token": "t\u007f"}', "the cloud gave no token"),
        (200, b'{"code": 2, "token": "t\xff"}', "the cloud gave no token"),
        (200, b"<html>password</html>", "the reply is not JSON"),
        (200, b'{"code": 2, "token": "t"', "the reply is not JSON"),
        (200, b"", "the cloud answered nothing"),
        (200, b" \n", "the cloud answered nothing"),
        (404, b"{}", "the cloud answered with an error status (HTTP 404)"),
        (500, b'{"code": 2, "token": "t"}', "the cloud answered with an error status (HTTP 500)"),
        (302, b"", "the cloud answered with an error status (HTTP 302)"),
        (0, b"{}", "the cloud answered with an error status (HTTP 0)"),
    ],
)
def test_reasons(status: int, body: bytes, reason: str) -> None:
    host = Host(Cloud())
    host.registration.next_request(1, at=0)
    host.registration.on_reply(status, body, at=0)
    assert reason in str(host.registration.reason)
    assert host.registration.record.mac == ""


@given(st.integers(0, 999), st.binary(max_size=200), st.booleans())
def test_hostile_replies_create_nothing(status: int, body: bytes, truncated: bool) -> None:
    host = Host(Cloud())
    host.registration.next_request(1, at=0)
    host.registration.on_reply(status, body, at=0, truncated=truncated)
    assert host.registration.record.mac == ""
    assert host.registration.reason


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40))
def test_a_token_is_told_unchanged_or_not_at_all(token: str) -> None:
    host = Host(Cloud())
    host.registration.next_request(1, at=0)
    host.registration.on_reply(200, json.dumps({"code": 2, "token": token, "data": []}).encode(), at=0)
    if all("!" <= character <= "~" for character in token):
        host.registration.next_request(1, at=0)
        host.registration.on_reply(200, b"{}", at=0)
        request = host.registration.next_request(1, at=0)
        assert request is not None and request.headers["token"] == token
    else:
        assert host.registration.reason == "the cloud gave no token"


@pytest.mark.parametrize("body", [b'{"code": 4}', b'{"code": 3, "msg": "password"}'])
def test_a_refusal_that_is_no_wrong_password_is_tried_again_soon(body: bytes) -> None:
    host = Host(Cloud())
    pauses = []
    for _ in range(3):
        host.registration.next_request(1, at=host.at)
        host.registration.on_reply(200, body, at=host.at)
        pauses.append(host.registration.pause_s)
        host.at += host.registration.pause_s
    assert pauses == [60, 120, 240]


def test_no_memory_for_the_reply_is_told_as_that() -> None:
    host = Host(Cloud())
    host.registration.next_request(1, at=0)
    host.registration.on_failure(HttpFailure.NO_MEMORY, at=0)
    assert host.registration.reason == "too little memory for the reply"
    assert host.registration.pause_s == 60


def test_replies_that_nobody_asked_for_change_nothing() -> None:
    host = Host(Cloud())
    host.registration.on_reply(200, b'{"code": 2, "token": "t", "data": []}', at=0)
    host.registration.on_failure(HttpFailure.TIMED_OUT, at=0)
    assert host.registration.reason is None
    assert host.registration.next_request(1, at=0) is not None
    assert host.registration.next_request(1, at=0) is None  # one at a time


def test_without_credentials_nothing_is_asked() -> None:
    for mailbox, password_md5 in ((" ", "0" * 32), ("", "0" * 32), ("a@b", "")):
        registration = Registration(base_url=BASE, mailbox=mailbox, password_md5=password_md5)
        assert registration.next_request(1, at=0) is None
        assert registration.reason == "mailbox or password is empty"


def test_what_does_not_fit_a_url_is_told() -> None:
    registration = Registration(base_url=BASE, mailbox="@" * 1000, password_md5="0" * 32)
    assert registration.next_request(1, at=0) is None
    assert registration.reason == "base_url, mailbox or timezone is too long"
    assert registration.pause_s == 60
