"""`nullwatt twin` as a user runs it: the program, real sockets, real masters."""

import json
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
import yaml
from modbus_wire import serial_cable
from mqtt_broker import free_port, until
from pymodbus.client import ModbusSerialClient, ModbusTcpClient
from typer.testing import CliRunner

from nullwatt.cli.main import app
from nullwatt.serve.modbus import shipped_register_map

COMMAND = [sys.executable, "-m", "nullwatt", "twin"]


def site(*assets: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"site_name": "yard", "step": 0.1, "real_time": True, **more, "assets": list(assets)}


def asset(kind: str, port: int, unit: int = 1, **more: Any) -> dict[str, Any]:
    protocol = {"kind": "modbus_tcp", "ip": "127.0.0.1", "port": port, "unit_id": unit}
    return {"asset_id": kind, "type": kind, "protocols": [protocol], **more}


def written(folder: Path, document: Any) -> Path:
    path = folder / "site.json"
    path.write_text(json.dumps(document))
    return path


def run(folder: Path, document: Any, *arguments: str, lines: str = "") -> subprocess.CompletedProcess[str]:
    command = [*COMMAND, "serve", "-c", str(written(folder, document)), *arguments]
    return subprocess.run(command, input=lines, capture_output=True, text=True, timeout=30, check=False)


class Twin:
    """The program while it serves."""

    def __init__(self, folder: Path, document: Any, *arguments: str) -> None:
        self.log = folder / "log"
        command = [*COMMAND, "serve", "-c", str(written(folder, document)), *arguments]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=self.log.open("wb"), stderr=subprocess.STDOUT, text=True
        )
        until(lambda: re.search("^(running|time stands)", self.text, re.MULTILINE) or self.process.poll(), "no start")
        assert self.process.poll() is None, self.text

    @property
    def text(self) -> str:
        return self.log.read_text()

    def tell(self, line: str, answer: Callable[[str], bool]) -> str:
        assert self.process.stdin is not None
        before = len(self.text)
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        until(lambda: answer(self.text[before:]), "no answer")
        return self.text[before:]

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        self.process.send_signal(number)
        return self.process.wait(10)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()


class Ems:
    """A master that knows registers by name."""

    def __init__(self, client: Any, kind: str, unit: int = 1) -> None:
        self.client, self.unit, self.registers = client, unit, shipped_register_map(kind)

    def read(self, name: str) -> float:
        register = self.registers[name]
        ask = self.client.read_holding_registers if register.table == 3 else self.client.read_input_registers
        reply = ask(register.address, count=register.count, device_id=self.unit)
        assert not reply.isError(), (name, reply)
        return register.codec.decode(reply.registers)

    def write(self, name: str, value: float) -> None:
        register = self.registers[name]
        reply = self.client.write_registers(register.address, list(register.codec.encode(value)), device_id=self.unit)
        assert not reply.isError(), (name, reply)


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def start(opened: ExitStack, folder: Path, document: Any, *arguments: str) -> Twin:
    twin = Twin(folder, document, *arguments)
    opened.callback(twin.close)
    return twin


def connect(opened: ExitStack, port: int) -> ModbusTcpClient:
    client = ModbusTcpClient("127.0.0.1", port=port)
    assert client.connect()
    opened.callback(client.close)
    return client


# -- sessions of an EMS --------------------------------------------------------------------------


def test_a_battery_is_cycled_between_40_and_60_percent(tmp_path: Path, opened: ExitStack) -> None:
    port = free_port()
    bess = asset("bess", port, capacity_kwh=100, max_charge_kw=100, max_discharge_kw=100)
    twin = start(opened, tmp_path, site(bess, step=1.0), "--speed", "1500")
    ems = Ems(connect(opened, port), "bess")
    assert ems.read("working_status") == 0
    ems.write("start_stop_standby", 1)
    ems.write("on_grid_power_setpoint", -100)
    turns, lowest, highest = 0, 50.0, 50.0
    end_s = time.monotonic() + 30
    while turns < 4:
        assert time.monotonic() < end_s, twin.text
        soc = ems.read("system_soc")
        lowest, highest = min(lowest, soc), max(highest, soc)
        charging = turns % 2 == 0
        if (charging and soc >= 60) or (not charging and soc <= 40):
            turns += 1
            ems.write("on_grid_power_setpoint", 100 if charging else -100)
    assert 20 < lowest <= 40 and 60 <= highest < 90
    ems.write("on_grid_power_setpoint", 0)
    until(lambda: ems.read("active_power") == 0, "the battery does not stop")
    charged, discharged = ems.read("total_charge_energy"), ems.read("total_discharge_energy")
    # What is in the cells: 100 kWh, so percent are kWh.
    assert charged > 30 and discharged > 30
    assert charged * 0.92**0.5 - discharged / 0.92**0.5 == pytest.approx(ems.read("system_soc") - 50, abs=0.3)
    assert ems.read("fault_code") == 0
    assert twin.stop() == 0


def test_a_chp_from_stop_to_2400_kw(tmp_path: Path, opened: ExitStack) -> None:
    port = free_port()
    twin = start(opened, tmp_path, site(asset("chp", port)), "--speed", "60", "--duration", "150")
    ems = Ems(connect(opened, port), "chp")
    ems.write("power_setpoint", 60)
    ems.write("start_stop", 1)
    states = []
    while ems.read("actual_power_kw") < 2399.9:
        state = ems.read("unit_state")
        states += [state] if states[-1:] != [state] else []
        assert twin.process.poll() is None, (states, twin.text)
    assert [state for state in states if state != 1] == [2, 18, 3, 4, 5]
    assert twin.process.wait(20) == 0
    assert re.search(r"time 150 s, grid -2\d\d\d\.\d{3} kW", twin.text)
    assert re.search(r"chp +│ chp +│ 2400\.000", twin.text)
    assert re.search(r"^1500 steps in ", twin.text, re.MULTILINE)


def test_a_site_on_tcp_and_serial_lines(tmp_path: Path, opened: ExitStack) -> None:
    port = free_port()
    ours, theirs = opened.enter_context(serial_cable(tmp_path))
    line = {"kind": "modbus_rtu", "port": ours, "baudrate": 115200}
    bess = asset("bess", port)
    bess["protocols"].append({**line, "unit_id": 3})
    meter = {"asset_id": "meter", "type": "energy_meter", "protocols": [{**line, "unit_id": 4}]}
    document = site(bess, asset("inverter", port, 2), meter, external_models={"power": {"base_load_w": 9000}})
    twin = start(opened, tmp_path, document, "--speed", "20")
    assert re.search(rf"^bess: modbus_rtu {re.escape(ours)}, unit 3$", twin.text, re.MULTILINE)
    tcp = connect(opened, port)
    serial = ModbusSerialClient(theirs, baudrate=115200, timeout=1)
    assert serial.connect()
    opened.callback(serial.close)
    Ems(serial, "bess", 3).write("start_stop_standby", 1)
    Ems(serial, "bess", 3).write("on_grid_power_setpoint", 9)
    until(lambda: Ems(tcp, "bess", 1).read("active_power") == 9.0, "the battery does not follow")
    until(lambda: abs(Ems(serial, "energy_meter", 4).read("total_active_power")) < 0.01, "the grid is not at zero")
    assert Ems(tcp, "inverter", 2).read("grid_frequency") == 50
    assert twin.stop(signal.SIGTERM) == 0


# -- time ----------------------------------------------------------------------------------------


def test_without_real_time_a_duration_runs_to_its_end_at_once(tmp_path: Path) -> None:
    result = run(tmp_path, site(asset("bess", free_port()), real_time=False), "--duration", "3600.0")
    assert result.returncode == 0, result.stderr
    assert "as fast as it goes" in result.stdout
    assert "time 3600 s, grid 5.000 kW" in result.stdout
    assert re.search(r"^36000 steps in ", result.stdout, re.MULTILINE)


@pytest.mark.parametrize("arguments", [(), ("--step",)])
def test_time_that_stands(tmp_path: Path, opened: ExitStack, arguments: tuple[str, ...]) -> None:
    """`real_time: false` without more is the same: the caller drives the clock."""
    port = free_port()
    twin = start(opened, tmp_path, site(asset("bess", port), real_time=bool(arguments)), *arguments)
    ems = Ems(connect(opened, port), "bess")
    ems.write("start_stop_standby", 1)
    ems.write("on_grid_power_setpoint", 20)
    assert ems.read("active_power") == 0
    told = twin.tell("3", lambda text: "└" in text)
    assert "time 0.3 s" in told and re.search(r"bess +│ bess +│ 20\.000 +│ system_soc", told)
    assert ems.read("active_power") == 20
    assert "time 0.4 s" in twin.tell("", lambda text: "└" in text)
    assert "must be a number of steps" in twin.tell("-1", lambda text: "steps" in text)
    assert twin.process.stdin is not None
    if arguments:
        twin.process.stdin.close()  # no more input is the end
    else:
        twin.process.stdin.write("q\n")
        twin.process.stdin.flush()
    assert twin.process.wait(10) == 0


def test_a_standing_site_without_input_goes_on_serving(tmp_path: Path, opened: ExitStack) -> None:
    port = free_port()
    twin = start(opened, tmp_path, site(asset("bess", port), real_time=False))
    assert twin.process.stdin is not None
    twin.process.stdin.close()
    assert Ems(connect(opened, port), "bess").read("system_soc") == 50
    assert twin.stop() == 0


def test_stopping_before_the_end_is_told(tmp_path: Path, opened: ExitStack) -> None:
    twin = start(opened, tmp_path, site(asset("bess", free_port())), "--duration", "3600")
    assert twin.stop() == 130
    assert "steps in" in twin.text and "Traceback" not in twin.text


# -- mistakes ------------------------------------------------------------------------------------


def one_line(result: subprocess.CompletedProcess[str], code: int = 2) -> str:
    assert result.returncode == code, result.stderr
    (line,) = result.stderr.splitlines()
    assert line.startswith("nullwatt: ")
    return line


def refused(folder: Path, document: Any, *arguments: str) -> str:
    """The same without a process of its own."""
    result = CliRunner().invoke(app, ["twin", "serve", "-c", str(written(folder, document)), *arguments])
    assert result.exit_code == 2, result.output
    (line,) = result.stderr.splitlines()
    return line


def test_a_taken_port_names_the_asset_and_ends(tmp_path: Path) -> None:
    with closing(socket.socket()) as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        document = site(asset("inverter", free_port()), asset("bess", port))
        assert f"asset bess: cannot listen on 127.0.0.1:{port}: " in one_line(run(tmp_path, document))
        result = run(tmp_path, {**document, "real_time": False}, "--keep-going", "--duration", "1")
        assert "asset bess: cannot listen" in one_line(result, 0) and "going on without it" in result.stderr
        assert "inverter: modbus_tcp" in result.stdout and "bess: modbus_tcp" not in result.stdout


@pytest.mark.parametrize(
    "protocol, line",
    [
        ({"kind": "modbus_tcp", "ip": "203.0.113.9", "port": 5020}, "asset x: cannot listen on 203.0.113.9:5020: "),
        ({"kind": "modbus_rtu", "port": "/dev/ttyNowhere"}, "asset x: cannot open /dev/ttyNowhere: No such file"),
        ({"kind": "modbus_tcp", "port": 5020, "register_map": "mine.yaml"}, "mine.yaml: cannot be read: No such file"),
        ({"kind": "modbus_tcp", "prot": 5020}, "prot"),
        ({"kind": "modbus_tcp", "port": 5020, "unit_id": 300}, "unit_id = 300"),
    ],
)
def test_mistakes_of_a_site_are_one_line(tmp_path: Path, protocol: dict[str, Any], line: str) -> None:
    document = site({"asset_id": "x", "type": "bess", "protocols": [protocol]})
    assert line in refused(tmp_path, document)


@pytest.mark.parametrize(
    "arguments, line",
    [
        (("--speed", "0"), "--speed 0: must be a number above 0"),
        (("--duration", "nan"), "--duration nan: must be a number above 0"),
        (("--step", "--speed", "2"), "--step: time stands"),
    ],
)
def test_mistakes_on_the_command_line_are_one_line(tmp_path: Path, arguments: tuple[str, ...], line: str) -> None:
    assert line in refused(tmp_path, site(), *arguments)


@pytest.mark.parametrize("module, package", [("pymodbus", "pymodbus"), ("serial", "pyserial")])
def test_a_missing_package_names_the_extra(tmp_path: Path, module: str, package: str) -> None:
    code = f"import sys; sys.modules[{module!r}] = None; from nullwatt.cli.main import main; main()"
    command = [sys.executable, "-c", code, "twin", "serve", "-c", str(written(tmp_path, site()))]
    result = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert one_line(result) == f"nullwatt: Modbus needs the package {package}; install nullwatt[modbus]"


# -- compose -------------------------------------------------------------------------------------


def composed(path: str, cwd: Path, *arguments: str) -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(cwd)
        result = CliRunner().invoke(app, ["twin", "compose", "-c", path, *arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_a_compose_file_from_any_folder(tmp_path: Path) -> None:
    """Defect 15 of the reference."""
    (tmp_path / "a $1").mkdir()
    (tmp_path / "elsewhere").mkdir()
    line = {"kind": "modbus_rtu", "port": "/dev/ttyB"}
    document = site(
        asset("bess", 55010),
        asset("inverter", 55002),
        asset("chp", 55002, 2),
        {"asset_id": "m", "type": "energy_meter", "protocols": [line, {**line, "port": "/dev/ttyA"}]},
        {"asset_id": "n", "type": "energy_meter", "protocols": [{**line, "unit_id": 2}]},
    )
    path = written(tmp_path / "a $1", document)
    texts = [
        composed(str(path), tmp_path),
        composed(str(path), tmp_path / "elsewhere"),
        composed("site.json", path.parent),
        composed("../a $1/site.json", tmp_path / "elsewhere"),
    ]
    assert len(set(texts)) == 1
    service = yaml.safe_load(texts[0])["services"]["twin"]
    assert service["ports"] == ["55002:55002", "55010:55010", "56001:56001", "56002:56002"]
    assert "# /dev/ttyB: RTU over TCP on port 56001" in texts[0]
    (mount,) = service["volumes"]
    folder = str(path.parent).replace("$", "$$")
    assert mount == {"type": "bind", "source": folder, "target": f"/site{folder}", "read_only": True}
    assert service["command"][4] == f"{mount['target']}/site.json"
    assert service["restart"] == "unless-stopped"
    composed(str(path), tmp_path / "elsewhere", "-o", "compose.yaml")
    assert (tmp_path / "elsewhere" / "compose.yaml").read_text() == texts[0]


def test_a_compose_file_brings_register_maps_from_elsewhere(tmp_path: Path) -> None:
    maps = tmp_path / "maps"
    maps.mkdir()
    (maps / "mine.yaml").write_text("registers: []")
    (tmp_path / "sites").mkdir()
    bess = asset("bess", 55010)
    bess["protocols"][0]["register_map"] = "mine.yaml"
    path = written(tmp_path / "sites", site(bess, register_map_root="../maps"))
    volumes = yaml.safe_load(composed(str(path), tmp_path))["services"]["twin"]["volumes"]
    assert [volume["target"] for volume in volumes] == [f"/site{path.parent}", f"/site{maps}"]
    assert all(volume["read_only"] for volume in volumes)


def test_what_compose_starts_serves(tmp_path: Path, opened: ExitStack) -> None:
    """Its command, here instead of in a container."""
    port = free_port()
    bess = asset("bess", port)
    bess["protocols"].append({"kind": "modbus_rtu", "port": "/dev/ttyNowhere"})
    path = written(tmp_path, site(bess))
    command = yaml.safe_load(composed(str(path), tmp_path))["services"]["twin"]["command"]
    assert command[:3] == ["nullwatt", "twin", "serve"] and command[5:8] == ["--ip", "0.0.0.0", "--rtu-over-tcp"]
    bridge = free_port()
    start(opened, tmp_path, site(bess), *command[5:8], str(bridge))
    client = ModbusTcpClient("127.0.0.1", port=bridge, framer="rtu")  # type: ignore[arg-type]
    assert client.connect()
    opened.callback(client.close)
    assert Ems(client, "bess").read("system_soc") == Ems(connect(opened, port), "bess").read("system_soc") == 50
