"""A real Home Assistant as a process, with the MQTT integration on a broker of ours, and the ways to talk to it."""

import base64
import hashlib
import hmac
import json
import subprocess
import time
from pathlib import Path
from typing import Any

import httpx
from mqtt_broker import free_port, until
from websockets.sync.client import connect

PROGRAM = Path(__file__).parents[2] / ".venv-homeassistant" / "bin" / "hass"
_START_S = 90.0
_STOP_S = 20.0
_SINCE = "2025-01-01T00:00:00+00:00"
_USER, _REFRESH, _KEY = "0" * 31 + "1", "0" * 31 + "2", "k" * 64
_GROUPS = {"system-admin": "Administrators", "system-users": "Users", "system-read-only": "Read Only"}


def _token() -> str:
    """A long-lived access token, as its user interface would make one: a JWT signed with the key in its storage."""

    def part(content: bytes) -> str:
        return base64.urlsafe_b64encode(content).rstrip(b"=").decode()

    now = int(time.time())
    claims = {"iss": _REFRESH, "iat": now, "exp": now + 86400}
    signed = ".".join(part(json.dumps(each).encode()) for each in ({"alg": "HS256", "typ": "JWT"}, claims))
    return f"{signed}.{part(hmac.digest(_KEY.encode(), signed.encode(), hashlib.sha256))}"


class HomeAssistant:
    """Minimal, on the loopback interface; what it learns stays in its folder."""

    def __init__(self, folder: Path, broker_port: int) -> None:
        self._folder = folder
        self._port = free_port()
        self._token = _token()
        self._process: subprocess.Popen[bytes] | None = None
        self.client = httpx.Client(
            base_url=f"http://127.0.0.1:{self._port}", headers={"Authorization": f"Bearer {self._token}"}, timeout=10.0
        )
        (folder / ".storage").mkdir()
        (folder / "configuration.yaml").write_text(
            f"http:\n  server_host: 127.0.0.1\n  server_port: {self._port}\napi:\nconfig:\nmqtt:\n"
        )
        entry = {
            "created_at": _SINCE,
            "data": {"broker": "127.0.0.1", "port": broker_port},
            "disabled_by": None,
            "discovery_keys": {},
            "domain": "mqtt",
            "entry_id": "01JGFJJZ000000000000000001",
            "minor_version": 2,
            "modified_at": _SINCE,
            "options": {},
            "pref_disable_new_entities": False,
            "pref_disable_polling": False,
            "source": "user",
            "subentries": [],
            "title": "broker",
            "unique_id": None,
            "version": 1,
        }
        self._store("core.config_entries", 5, {"entries": [entry]})
        user = {
            "id": _USER,
            "group_ids": ["system-admin"],
            "is_owner": True,
            "is_active": True,
            "name": "test",
            "system_generated": False,
            "local_only": False,
        }
        token = {
            "id": _REFRESH,
            "user_id": _USER,
            "client_id": None,
            "client_name": "test",
            "client_icon": None,
            "token_type": "long_lived_access_token",
            "created_at": _SINCE,
            "access_token_expiration": 86400.0,
            "token": "t" * 64,
            "jwt_key": _KEY,
            "last_used_at": None,
            "last_used_ip": None,
            "expire_at": None,
            "credential_id": None,
            "version": None,
        }
        groups = [{"id": key, "name": name} for key, name in _GROUPS.items()]
        self._store("auth", 1, {"users": [user], "groups": groups, "credentials": [], "refresh_tokens": [token]})

    def _store(self, key: str, minor: int, data: dict[str, Any]) -> None:
        document = {"version": 1, "minor_version": minor, "key": key, "data": data}
        (self._folder / ".storage" / key).write_text(json.dumps(document))

    @property
    def log(self) -> str:
        return (self._folder / "log").read_text(errors="replace")

    def start(self) -> None:
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [PROGRAM, "-c", self._folder, "--skip-pip"], stdout=log, stderr=subprocess.STDOUT
            )
        until(self._runs, "Home Assistant does not start", _START_S)

    def _runs(self) -> bool:
        assert self._process is not None and self._process.poll() is None, self.log
        try:
            reply = self.client.get("/api/config")
        except httpx.TransportError:
            return False
        return reply.status_code == 200 and reply.json()["state"] == "RUNNING"

    def stop(self) -> None:
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def registry(self, kind: str) -> list[dict[str, Any]]:
        """Its register of every "entity" or "device"."""
        with connect(f"ws://127.0.0.1:{self._port}/api/websocket", max_size=None) as socket:
            assert json.loads(socket.recv(10))["type"] == "auth_required"
            socket.send(json.dumps({"type": "auth", "access_token": self._token}))
            assert json.loads(socket.recv(10))["type"] == "auth_ok"
            socket.send(json.dumps({"id": 1, "type": f"config/{kind}_registry/list"}))
            reply = json.loads(socket.recv(10))
        assert reply["success"], reply
        found: list[dict[str, Any]] = reply["result"]
        return found

    def entity_ids(self) -> dict[str, str]:
        """Entity id of each unique id."""
        entities = self.registry("entity")
        return {entity["unique_id"]: entity["entity_id"] for entity in entities if entity["platform"] == "mqtt"}

    def states(self) -> dict[str, dict[str, Any]]:
        """Every entity's state and attributes, by entity id."""
        return {state["entity_id"]: state for state in self.client.get("/api/states").raise_for_status().json()}

    def call(self, entity_id: str, service: str, **data: object) -> None:
        """What a click in its user interface does."""
        path = f"/api/services/{entity_id.partition('.')[0]}/{service}"
        self.client.post(path, json={"entity_id": entity_id, **data}).raise_for_status()
