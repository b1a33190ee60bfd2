"""A running simulation, as the verbs of `nullwatt sim` talk to it. Whatever goes wrong is one line and exit code 1."""

import json
import urllib.error
import urllib.request
from typing import Any

from nullwatt.cli.errors import fail

_HOST = "127.0.0.1"
_TIMEOUT_S = 5.0


class UnreachableError(Exception):
    """Nothing answers."""


class SimClient:
    """The HTTP interface on one port of this machine."""

    def __init__(self, port: int) -> None:
        self.port = port

    def status(self) -> dict[str, Any]:
        """The status object; ends the program if there is none."""
        return self._told("GET", "/status", None)

    def post(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Change something; ends the program with the server's own words if it refuses."""
        return self._told("POST", path, body or {})

    def try_post(self, path: str) -> bool:
        """False if nobody answers."""
        try:
            self._ask("POST", path, {})
        except (UnreachableError, urllib.error.HTTPError):
            return False
        return True

    def answers(self) -> bool:
        """Whether a simulation is there."""
        try:
            return "grid" in self._ask("GET", "/status", None)
        except (UnreachableError, urllib.error.HTTPError):
            return False

    def _told(self, method: str, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
        try:
            return self._ask(method, path, body)
        except UnreachableError:
            fail(f"no simulation on port {self.port}; start one with nullwatt sim start", 1)
        except urllib.error.HTTPError as error:
            text = error.read().decode(errors="replace")
            try:
                text = json.loads(text)["error"]
            except (ValueError, KeyError, TypeError):
                text = f"{error.code} {error.reason}"
            fail(f"the simulation refuses {path}: {text}", 1)

    def _ask(self, method: str, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://{_HOST}:{self.port}{path}", data, method=method)
        # Never through a proxy: this is the machine itself.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=_TIMEOUT_S) as reply:
                answer = json.load(reply)
        except urllib.error.HTTPError:
            raise
        except (OSError, ValueError) as error:
            raise UnreachableError from error
        if not isinstance(answer, dict):
            raise UnreachableError
        return answer
