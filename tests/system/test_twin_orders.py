"""`nullwatt twin add`, `remove`, `reload` while `nullwatt twin serve` runs, with masters connected."""

import json
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from mqtt_broker import free_port, until
from pymodbus.client import ModbusTcpClient
from test_twin import Ems, Twin, asset, site, written
from typer.testing import CliRunner

from nullwatt.cli.main import app
from nullwatt.cli.twin_control import socket_of


@pytest.fixture(autouse=True)
def runtime(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="nw"))  # names of sockets are short
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    yield folder
    shutil.rmtree(folder)


class Raw:
    """A master that never connects again."""

    def __init__(self, port: int, unit: int = 1) -> None:
        self.wire = socket.create_connection(("127.0.0.1", port), timeout=5)
        self.unit = unit

    def word(self, address: int) -> int:
        self.wire.sendall(b"\0\7\0\0\0\6" + bytes((self.unit, 4)) + address.to_bytes(2, "big") + b"\0\1")
        reply = self.wire.recv(64)
        assert reply[7:9] == b"\4\2", reply
        return int.from_bytes(reply[9:11], "big")

    def closed(self) -> bool:
        return self.wire.recv(64) == b""


def tell(folder: Path, *arguments: str, code: int = 0) -> str:
    verb, *rest = arguments
    result = CliRunner().invoke(app, ["twin", verb, "-c", str(folder / "site.json"), *rest])
    assert result.exit_code == code, result.output
    return str(result.stdout if code == 0 else result.stderr)


def soc(port: int, unit: int = 1) -> float:
    with ModbusTcpClient("127.0.0.1", port=port) as client:
        return Ems(client, "bess", unit).read("system_soc")


def test_assets_come_and_go_while_masters_are_connected(tmp_path: Path) -> None:
    keep_port, roof_port, late_port, new_port = (free_port() for _ in range(4))
    keep = asset("bess", keep_port)
    shared, roof = {**asset("inverter", keep_port, 2), "asset_id": "shared"}, asset("inverter", roof_port)
    twin = Twin(tmp_path, site(keep, shared, roof), "--speed", "10")
    try:
        kept, beside, gone = Raw(keep_port), Raw(keep_port, 2), Raw(roof_port)
        assert kept.word(32002) == 500 and beside.word(37) == gone.word(37) == 5000

        late: dict[str, Any] = {"type": "bess", "asset_id": "late", "initial_soc": 80, "ip": "127.0.0.1"}
        told = tell(tmp_path, "add", json.dumps({**late, "port": late_port}))
        assert told == f"late: added\nlate: modbus_tcp 127.0.0.1:{late_port}, unit 1\n" and told in twin.text
        assert soc(late_port) == 80
        (tmp_path / "more.yaml").write_text(f"{{type: bess, ip: 127.0.0.1, port: {late_port}, unit_id: 5}}")
        assert tell(tmp_path, "add", str(tmp_path / "more.yaml")).startswith("bess-1: added\n")
        assert soc(late_port, 5) == 50

        assert tell(tmp_path, "remove", "inverter") == "inverter: removed\n"
        assert gone.closed()
        with closing(socket.create_server(("127.0.0.1", roof_port))) as holder:  # the port is free
            for order, line in (
                (("add", json.dumps({**late, "asset_id": "x", "port": roof_port})), "asset x: cannot listen on 127"),
                (("add", json.dumps({**late, "asset_id": "x", "port": late_port})), "is already asset late"),
                (("add", json.dumps({**late, "port": roof_port})), "there is another asset of this id"),
                (("add", '{"type": "bess", "capacity": 5}'), "asset: capacity = 5: unknown key, did you mean"),
                (("add", "{"), "asset: is not JSON"),
                (("add", str(tmp_path / "none.yaml")), "none.yaml: cannot be read"),
                (("remove", "inverter"), "there is no asset 'inverter' (there are: bess, shared, late, bess-1)"),
            ):
                told = tell(tmp_path, *order, code=2)
                assert line in told and told.count("\n") == 1 and told.startswith("nullwatt: ")

            for document, line in (
                (site(keep, step=0.2), "site.json: step: cannot change while the site runs"),
                (site(keep, {**roof, "rated": 3}), "site.json: assets[1].rated = 3: unknown key"),
                (site(keep, roof), f"asset inverter: cannot listen on 127.0.0.1:{roof_port}"),
                ([], "site.json: "),
            ):
                written(tmp_path, document)
                told = tell(tmp_path, "reload", code=2)
                assert line in told and told.count("\n") == 1
            holder.close()
        assert soc(late_port) == 80 and kept.word(32002) == 500 and beside.word(37) == 5000  # as it was

        with ModbusTcpClient("127.0.0.1", port=keep_port) as client:
            Ems(client, "bess").write("start_stop_standby", 1)
            Ems(client, "bess").write("on_grid_power_setpoint", 20)
            Ems(client, "bess").write("soc_lower_limit_2", 11)
        moved = {**keep, "protocols": [*keep["protocols"], {**keep["protocols"][0], "port": new_port}]}
        written(tmp_path, site(moved, {**roof, "rated_kw": 3}, site_name="garden"))
        told = tell(tmp_path, "reload")
        assert {"late: removed", "bess-1: removed", "shared: removed", "inverter: added"} <= set(told.splitlines())
        with ModbusTcpClient("127.0.0.1", port=new_port) as client:  # the same device, also there
            until(lambda: client.read_holding_registers(10332, count=1).registers == [110], "a command is lost")
            until(lambda: Ems(client, "bess").read("active_power") == 20, "the battery does not follow")
        assert kept.word(32002) <= 500  # over the connection of the beginning
        beside.wire.sendall(b"\0\7\0\0\0\6\2\4\0\x25\0\1")
        assert beside.wire.recv(64)[7:9] == b"\x84\x0b"  # no such unit any more
        assert tell(tmp_path, "reload") == "nothing has changed\n"
        assert twin.stop() == 0 and "Traceback" not in twin.text
    finally:
        twin.close()
    assert not socket_of(tmp_path / "site.json").exists()
    assert "site.json: no `nullwatt twin serve` runs with it" in tell(tmp_path, "reload", code=2)


def test_serial_devices_behind_ports_that_come_later_get_one_too(tmp_path: Path) -> None:
    first = free_port()
    line = {"kind": "modbus_rtu", "port": "/dev/ttyNowhere"}
    document = site({"type": "bess", "asset_id": "one", "protocols": [line]}, real_time=False)
    twin = Twin(tmp_path, document, "--rtu-over-tcp", str(first), "--ip", "127.0.0.1")
    try:
        other = {"type": "bess", "asset_id": "two", "initial_soc": 30, "protocols": [{**line, "port": "/dev/ttyElse"}]}
        assert tell(tmp_path, "add", json.dumps(other)).startswith("two: added\n")
        client = ModbusTcpClient("127.0.0.1", port=first + 1, framer="rtu")  # type: ignore[arg-type]
        assert client.connect() and Ems(client, "bess").read("system_soc") == 30
        client.close()
        # A second program for the same file goes on without orders.
        again = Twin(tmp_path, site())
        assert "no orders: another program listens there" in again.text
        assert again.stop() == 0
        assert tell(tmp_path, "remove", "two") == "two: removed\n"
    finally:
        twin.close()
        if "again" in locals():
            again.close()
