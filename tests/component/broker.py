"""mosquitto on a port of its own, and what is said there."""

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PATIENCE_S = 5.0
# The package puts it where only the superuser looks.
PROGRAM = next((path for path in map(Path, ("/usr/sbin/mosquitto", "/usr/bin/mosquitto")) if path.exists()), None)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(frozen=True)
class Message:
    topic: str
    payload: str
    retained: bool
    qos: int

    @property
    def json(self) -> Any:
        return json.loads(self.payload)


class Broker:
    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._folder = folder
        self._config = folder / "mosquitto.conf"
        user = "user root\n" if os.getuid() == 0 else ""
        self._config.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\nlog_type none\n{user}"
            f"persistence true\npersistence_location {folder}/\n"
        )
        self._running: list[subprocess.Popen[bytes]] = []
        self._log = folder / "messages"
        self._log.touch()

    def start(self) -> None:
        assert PROGRAM is not None
        self._running.append(subprocess.Popen([PROGRAM, "-c", self._config], stderr=subprocess.DEVNULL))
        until(self._listens, "mosquitto does not listen")
        with self._log.open("ab") as out:
            self._running.append(subprocess.Popen(self._listen("-t", "#"), stdout=out))
        until(lambda: self.publish("listening", "") or "listening" in self._log.read_text(), "nobody listens")

    def stop(self, how: signal.Signals = signal.SIGKILL) -> None:
        """It has forgotten everything when it starts again, unless it is told to end with SIGTERM."""
        for process in self._running:
            process.send_signal(how)
            process.wait()
        self._running.clear()

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def _listen(self, *arguments: str) -> list[str]:
        return ["mosquitto_sub", "-p", str(self.port), "-q", "1", "-F", "%r %q %t %p", *arguments]

    def publish(self, topic: str, payload: str, *arguments: str) -> None:
        command = ["mosquitto_pub", "-p", str(self.port), "-q", "1", "-t", topic, "-m", payload, *arguments]
        subprocess.run(command, check=True)

    def said(self, begin: str = "") -> list[Message]:
        """What was published so far on topics that begin so."""
        return self._messages(self._log.read_text(), begin)

    def kept(self, begin: str = "") -> dict[str, Message]:
        """What a subscriber gets who comes now, by topic."""
        done = subprocess.run(
            self._listen("-t", "#", "--retained-only", "-W", "1"), capture_output=True, text=True, check=False
        )
        return {message.topic: message for message in self._messages(done.stdout, begin)}

    @staticmethod
    def _messages(text: str, begin: str) -> list[Message]:
        messages = []
        for line in text.splitlines():
            retained, qos, topic, *payload = line.split(" ", 3)
            if topic.startswith(begin) and topic != "listening":
                messages.append(Message(topic, "".join(payload), retained == "1", int(qos)))
        return messages

    def wait_for(self, topic: str, fits: Callable[[Message], bool] = lambda message: True, after: int = 0) -> Message:
        """The first message of those on the topic that fits, without the first `after` ones."""
        found: list[Message] = []

        def look() -> bool:
            on_topic = [message for message in self.said(topic) if message.topic == topic]
            found[:] = [message for message in on_topic[after:] if fits(message)]
            return bool(found)

        until(look, f"no such message on {topic}")
        return found[0]

    def count(self, topic: str) -> int:
        return sum(message.topic == topic for message in self.said(topic))


def until(done: Callable[[], Any], otherwise: str, seconds: float = PATIENCE_S) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, otherwise
        time.sleep(0.02)
