"""A mosquitto of one's own, and everything that is heard there."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import NoReturn

import paho.mqtt.client as paho
import pytest


def missing(line: str) -> NoReturn:
    """A line instead of a test; with CI=true a failure."""
    if os.environ.get("CI") == "true":
        pytest.fail(line, pytrace=False)
    pytest.skip(line)


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def until[T](what: Callable[[], T], words: str, seconds: float = 15.0) -> T:
    end = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < end, words
        time.sleep(0.02)
    return found


class Broker:
    """mosquitto without a memory of its own beyond its process."""

    def __init__(self, folder: Path, password: str = "", more: str = "") -> None:
        """more: lines of its configuration."""
        program = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
        if program is None:
            missing("mosquitto is missing: install the package mosquitto")
        self.port = free_port()
        text = f"listener {self.port} 127.0.0.1\npersistence false\nallow_anonymous {str(not password).lower()}\n{more}"
        self.login = ""
        if password:
            passwords = folder / "passwords"
            maker = shutil.which("mosquitto_passwd") or missing("mosquitto_passwd is missing: install mosquitto")
            subprocess.run([maker, "-b", "-c", passwords, "me", password], check=True)
            passwords.chmod(0o644)
            text += f"password_file {passwords}\n"
            self.login = f"me:{password}@"
        if os.getuid() == 0:
            text += "user root\n"
        file = folder / "mosquitto.conf"
        file.write_text(text)
        self._command = [program, "-c", str(file)]
        self._running: subprocess.Popen[bytes] | None = None

    @property
    def uri(self) -> str:
        return f"mqtt://{self.login}127.0.0.1:{self.port}"

    def start(self) -> None:
        self._running = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

        def listens() -> bool:
            with closing(socket.socket()) as probe:
                return probe.connect_ex(("127.0.0.1", self.port)) == 0

        until(listens, "mosquitto does not listen")

    def hang(self) -> None:
        """It takes nothing more and says nothing, but its connections stay."""
        assert self._running is not None
        self._running.send_signal(signal.SIGSTOP)

    def stop(self) -> None:
        if self._running is not None:
            self._running.kill()
            self._running.wait()
            self._running = None


class Ear:
    """A client of the broker: all it heard, and the latest of each topic."""

    def __init__(self, port: int, login: str = "") -> None:
        self.heard: list[tuple[str, str, bool]] = []
        self.latest: dict[str, str] = {}
        self._client = paho.Client(paho.CallbackAPIVersion.VERSION2)
        if login:
            user, _, password = login.removesuffix("@").partition(":")
            self._client.username_pw_set(user, password)
        self._subscribed = False
        self._client.on_message = self._hear
        self._client.on_subscribe = self._on_subscribe
        self._client.connect("127.0.0.1", port)
        self._client.subscribe("#", qos=1)
        self._client.loop_start()
        until(lambda: self._subscribed, "no subscription")

    def _on_subscribe(self, *_: object) -> None:
        self._subscribed = True

    def _hear(self, client: object, data: object, message: paho.MQTTMessage) -> None:
        text = message.payload.decode(errors="replace")
        self.heard.append((message.topic, text, message.retain))
        self.latest[message.topic] = text

    def payloads(self, topic: str) -> list[str]:
        return [text for heard, text, _ in list(self.heard) if heard == topic]

    def publish(self, topic: str, payload: str | bytes, retain: bool = False) -> None:
        self._client.publish(topic, payload, qos=1, retain=retain).wait_for_publish(5)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()
