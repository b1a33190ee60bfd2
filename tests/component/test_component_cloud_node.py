"""A node that registers and reports, over real sockets, against a cloud that keeps it waiting.

The glue is the one of the chip but for the request itself, which a computer makes with sockets of its own.
"""

import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cloud_stand_in import MAILBOX, PASSWORD, SECRETS, Cloud, CloudServer, Fault

from nullwatt.battery import decode_frame, encode_frame

ROOT = Path(__file__).parents[2]
STAND_INS = Path(__file__).with_name("stand_ins")
NODE = """
  - source: {{type: local, path: {stand_ins}}}
    components: [http_request]
http_request:
sensor:
  - {{platform: template, id: x, unit_of_measurement: W, update_interval: 100ms, lambda: "return 312.5f;"}}
ct002:
  power_sensor_l1: x
  active_control: false
  udp_port: {udp_port}
  marstek_registration: {{base_url: "{cloud}/", mailbox: "{mailbox}", password: "{password}", retry_interval: 5s{more}}}
  cloud_reporting: {{host: "{host}", interval: 5s}}
"""
SILENCE_S = 2.0
# What a battery may have to wait while the cloud does not answer.
LONGEST_ANSWER_S = 0.05
REPORT = (
    "/prod/api/v1/setCtReporting?id={mac}&eled=0&elet=0&ap=312&bp=0&cp=0&dp=312&rssi=-50&slv=1&udp=1&mqtt=0&timeNo="
)


@pytest.fixture(scope="module")
def cloud_port(plain_port: int) -> int:
    return plain_port + 1


@pytest.fixture(scope="module")
def program(compile_node: Callable[[str, str], Path], plain_port: int, cloud_port: int) -> Path:
    return compile_node("cloud-node", node_of(plain_port, cloud_port))


def node_of(plain_port: int, cloud_port: int, more: str = "") -> str:
    host = f"127.0.0.1:{cloud_port}"
    text = NODE.format(
        stand_ins=STAND_INS,
        udp_port=plain_port,
        cloud=f"http://{host}",
        host=host,
        mailbox=MAILBOX,
        password=PASSWORD,
        more=more,
    )
    return text.removeprefix("\n")


def poll(ct_mac: str = "") -> bytes:
    return encode_frame(["HMG-50", "60F1A2B3C401", "HME-4", ct_mac, "A", "0"])


def no_secret_in(log: str) -> bool:
    return not any(secret.lower() in log.lower() for secret in (*SECRETS, "pwd=", "token="))


@pytest.mark.slow
def test_batteries_are_answered_while_the_cloud_is_silent(
    program: Path, run_node: Callable[..., Any], plain_port: int, cloud_port: int
) -> None:
    cloud = Cloud(faults=[Fault.REPLY_LOST])
    with CloudServer(cloud, silence_s=SILENCE_S, port=cloud_port):
        with run_node(program, poll_port=plain_port) as node:
            longest_s = 0.0
            end = time.monotonic() + 4 * SILENCE_S
            while "next try in 5 s" not in node.log and time.monotonic() < end:
                before = time.monotonic()
                assert node.ask(poll("5cce1b7a90d4")) is not None
                longest_s = max(longest_s, time.monotonic() - before)
                time.sleep(0.02)
            assert longest_s < LONGEST_ANSWER_S
            assert "Not registered: the connection broke before the reply was complete" in node.log
            node.wait_for_log("Registered as CT", 10)
            (mac,) = cloud.created
            # From now on it answers to this name alone.
            assert node.ask(poll("5cce1b7a90d4"), wait=0.3) is None
            reply = node.ask(poll(mac))
            assert reply is not None and decode_frame(reply)[1] == mac.encode()
            node.wait_for_log("Reports arrive at 127.0.0.1", 5)
            reports = [url for url in cloud.urls if "Reporting" in url]
            end = time.monotonic() + 8
            while len(reports) < 2 and time.monotonic() < end:
                time.sleep(0.1)
                node.ask(poll(mac))
                reports = [url for url in cloud.urls if "Reporting" in url]
            assert reports[-1].startswith(REPORT.format(mac=mac))
            assert cloud.headers[-1]["user-agent"] == "Dart/2.19 (dart:io)"
            assert no_secret_in(node.log)
            node.stop(signal.SIGTERM)
        asked = len([url for url in cloud.urls if "Solar" in url or "getDeviceList" in url])
        with run_node(program, poll_port=plain_port) as node:
            node.wait_for_log(f"CT MAC is now {mac}")
            node.wait_for_log("Reports arrive at", 5)
            assert len([url for url in cloud.urls if "Solar" in url or "getDeviceList" in url]) == asked


@pytest.mark.slow
def test_known_mac_is_used_while_the_cloud_is_asked_again(
    compile_node: Callable[[str, str], Path], run_node: Callable[..., Any], plain_port: int, cloud_port: int
) -> None:
    program = compile_node("forced-node", node_of(plain_port, cloud_port, ", force_reregister: true"))
    cloud = Cloud()
    with CloudServer(cloud, silence_s=SILENCE_S, port=cloud_port), run_node(program, poll_port=plain_port) as node:
        node.wait_for_log("Registered as CT", 10)
        node.stop(signal.SIGTERM)
    (mac,) = cloud.created
    # Nobody answers now.
    with run_node(program, poll_port=plain_port) as node:
        node.wait_for_log("Not registered: the cloud cannot be reached", 5)
        assert f"CT MAC is now {mac}" in node.log
        assert node.ask(poll("5cce1b7a90d4"), wait=0.3) is None
        assert node.ask(poll(mac)) is not None


@pytest.mark.slow
def test_power_is_cut_amid_the_creation(
    program: Path, run_node: Callable[..., Any], plain_port: int, cloud_port: int
) -> None:
    cloud = Cloud(faults=[Fault.NONE, Fault.NONE, Fault.REPLY_LOST], lag=1)
    with CloudServer(cloud, silence_s=SILENCE_S, port=cloud_port):
        with run_node(program, poll_port=plain_port) as node:
            end = time.monotonic() + 5
            while not cloud.created and time.monotonic() < end:
                time.sleep(0.02)
            node.stop(signal.SIGKILL)
        (created,) = cloud.created
        with run_node(program, poll_port=plain_port) as node:
            node.wait_for_log(f"Registered as CT {created}", 15)
            assert no_secret_in(node.log)
    assert cloud.created == [created]
    assert {query["devid"] for query in cloud.added} == {created}


@pytest.mark.slow
def test_glue_is_tidy(program: Path) -> None:
    source = program.parents[2] / "src"
    names = ("marstek_registration", "cloud_reporting", "web", "web_host")
    files = [source / "esphome" / "components" / "ct002" / f"{name}.cpp" for name in names]
    rules = [f"--config-file={ROOT / '.clang-tidy'}", "--header-filter=components/ct002/", "--quiet"]
    options = ["--", "-std=gnu++20", "-DUSE_HOST", "-DESPHOME_LOG_LEVEL=6", f"-I{source}"]
    tidy = ROOT / ".venv" / "bin" / "clang-tidy"
    done = subprocess.run([tidy, *rules, *files, *options], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
