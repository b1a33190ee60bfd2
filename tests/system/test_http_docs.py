"""docs/http-api.md tells what the server has, and its commands work."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from sim_process import HOUSE, Running

TEXT = (Path(__file__).parents[2] / "docs" / "http-api.md").read_text()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Running]:
    running = Running(tmp_path, HOUSE, "--emulator", "--ct-port", "0")
    yield running
    running.close()


def test_every_route_is_told(house: Running) -> None:
    told = set()
    for methods, paths in re.findall(r"^\| `(?:(GET|POST|DELETE) )?(.*?) \|", TEXT, re.MULTILINE):
        for path in re.findall(r"[/a-z0-9_{}]+", paths.split("?")[0].replace("`", "")):
            told.add((methods or "GET", path))
    paths = house.client.get("/openapi.json").json()["paths"]
    served = {(method.upper(), path) for path, methods in paths.items() for method in methods}
    served = {(method, path) for method, path in served if path.startswith(("/api/v1", "/metrics"))}
    told = {(m, p if p.startswith("/") else f"/api/v1/time/{p}") for m, p in told} - {("GET", "/api/v1/stream")}
    assert told == served


def test_the_examples_work(house: Running) -> None:
    (block,) = re.findall(r"^```sh\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)
    lines = block.splitlines()
    assert len(lines) >= 4
    for line in lines:
        command, silent, *words = shlex.split(line)
        assert (command, silent) == ("curl", "-s")
        method = words[words.index("-X") + 1] if "-X" in words else "POST" if "-d" in words else "GET"
        body = words[words.index("-d") + 1] if "-d" in words else None
        (url,) = [word for word in words if word.startswith("localhost:8080")]
        reply = house.client.request(method, url.removeprefix("localhost:8080"), content=body)
        assert reply.status_code == 200, (line, reply.text)
        json.loads(reply.text)
