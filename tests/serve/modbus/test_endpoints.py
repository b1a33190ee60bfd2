"""A whole site on the wire: real devices behind real sockets, stepped by hand."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import requires
from pathlib import Path
from typing import Any

import pytest
from modbus_wire import serial_cable
from pymodbus.client import AsyncModbusSerialClient, AsyncModbusTcpClient
from pymodbus.client.mixin import ModbusClientMixin

from nullwatt.home.der import DerSite, parse_site
from nullwatt.serve.modbus import EndpointError, Endpoints, RegisterMapError, shipped_register_map


def tcp(unit_id: int = 1, **more: Any) -> dict[str, Any]:
    return {"kind": "modbus_tcp", "ip": "127.0.0.1", "port": 0, "unit_id": unit_id, **more}


def site_of(*assets: dict[str, Any], **more: Any) -> DerSite:
    return DerSite(parse_site({"step": 0.1, "real_time": False, **more, "assets": list(assets)}))


@asynccontextmanager
async def serving(site: DerSite, **how: Any) -> AsyncIterator[Endpoints]:
    endpoints = Endpoints(site, **how)
    try:
        await endpoints.update()
        yield endpoints
    finally:
        endpoints.close()


class Master:
    """An EMS: values by name of the register."""

    def __init__(self, client: Any, kind: str, unit: int = 1) -> None:
        self.client, self.unit, self.registers = client, unit, shipped_register_map(kind)

    async def read(self, name: str) -> float:
        register = self.registers[name]
        if register.table == 2:
            return float((await self.client.read_discrete_inputs(register.address, device_id=self.unit)).bits[0])
        ask = {3: self.client.read_holding_registers, 4: self.client.read_input_registers}[register.table]
        reply = await ask(register.address, count=register.count, device_id=self.unit)
        assert not reply.isError(), (name, reply)
        types = ModbusClientMixin.DATATYPE
        kind = {"uint16": types.UINT16, "int16": types.INT16, "uint32": types.UINT32, "int32": types.INT32}
        raw = ModbusClientMixin.convert_from_registers(reply.registers, kind[register.codec.kind])
        assert isinstance(raw, int)
        return raw * register.codec.scale

    async def write(self, name: str, value: float) -> bool:
        register = self.registers[name]
        words = list(register.codec.encode(value))
        return not (await self.client.write_registers(register.address, words, device_id=self.unit)).isError()


@asynccontextmanager
async def master(endpoints: Endpoints, asset_id: str, kind: str, unit: int = 1) -> AsyncIterator[Master]:
    async with AsyncModbusTcpClient("127.0.0.1", port=endpoints.port(asset_id)) as client:
        yield Master(client, kind, unit)


@pytest.mark.parametrize("kind", ["bess", "inverter", "chp", "energy_meter"])
async def test_every_register_shows_the_telemetry_of_the_device(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    models = {"power": {"base_load_w": 7000}, "grid_frequency": {"noise_std": 0.02, "seed": 3}}
    site = site_of({"asset_id": "x", "type": kind, "protocols": [tcp()]}, external_models=models, start_time_h=11)
    site.step(50)
    async with serving(site) as endpoints, master(endpoints, "x", kind) as ems:
        asset = site.assets["x"]
        for register in shipped_register_map(kind):
            if register.direction == "read":
                name = register.internal_name if register.name not in asset.device.quantities else register.name
                shown, wanted = await ems.read(register.name), asset.telemetry(name)
                assert abs(shown - wanted) <= register.codec.scale / 2 + 1e-9, register.name
    assert "without effect" not in caplog.text


async def test_a_command_acts_within_one_tick() -> None:
    site = site_of({"asset_id": "b", "type": "bess", "protocols": [tcp()]})
    async with serving(site) as endpoints, master(endpoints, "b", "bess") as ems:
        assert await ems.write("start_stop_standby", 1)
        assert await ems.write("on_grid_power_setpoint", 12.5)
        assert await ems.read("active_power") == 0
        site.step()
        assert await ems.read("active_power") == pytest.approx(10.0)  # the ramp: 100 kW/s
        site.step()
        assert await ems.read("active_power") == pytest.approx(12.5)
        assert await ems.read("on_grid_power") == pytest.approx(12.5)


async def test_a_device_on_two_wires_is_stepped_once() -> None:
    """Defect 4 of the reference."""
    once = {"asset_id": "b", "type": "bess", "protocols": [tcp()]}
    twice = {**once, "protocols": [tcp(), tcp()]}
    readings = []
    for asset in (once, twice):
        site = site_of(asset)
        async with serving(site) as endpoints, master(endpoints, "b", "bess") as ems:
            assert len(endpoints.served()) == len(asset["protocols"])
            await ems.write("start_stop_standby", 1)
            await ems.write("on_grid_power_setpoint", 20)
            site.step(9000)
            readings.append([await ems.read(register.name) for register in ems.registers if register.func == 4])
            assert await ems.read("total_discharge_energy") == pytest.approx(5.0, abs=0.051)
    assert readings[0] == readings[1]


async def test_1000_kw_do_not_wrap() -> None:
    """Defect 7 of the reference: 1,000 kW read 344.64."""
    site = site_of({"asset_id": "b", "type": "bess", "max_charge_kw": 1000, "protocols": [tcp()]})
    async with serving(site) as endpoints, master(endpoints, "b", "bess") as ems:
        assert await ems.read("max_charge_power") == pytest.approx(655.35)
        assert await ems.read("available_charging_power") == 1000


async def test_resets_work_again_and_only_when_written() -> None:
    """Defect 8 of the reference."""
    site = site_of({"asset_id": "c", "type": "chp", "protocols": [tcp()]})
    chp = site.assets["c"]
    async with serving(site) as endpoints, master(endpoints, "c", "chp") as ems:
        for _ in range(2):
            chp.command("fault", 1)
            site.step()
            assert (await ems.read("unit_state"), await ems.read("collective_fault")) == (0, 1)
            await ems.write("parameterizable_regulator_setpoint", 7)  # not what resets it
            await ems.write("remote_acknowledgment", 4320)
            site.step()
            assert await ems.read("unit_state") == 0
            await ems.write("remote_acknowledgment", 4321)
            site.step()
            assert (await ems.read("unit_state"), await ems.read("collective_fault")) == (1, 0)
            address = ems.registers["remote_acknowledgment"].address
            assert (await ems.client.read_holding_registers(address, device_id=1)).registers == [0]


def test_serial_dependency_is_declared() -> None:
    """Defect 14 of the reference."""
    needed = [each for each in requires("nullwatt") or [] if "extra == 'modbus'" in each or 'extra == "modbus"' in each]
    assert any(each.startswith("pyserial") for each in needed) and any(each.startswith("pymodbus") for each in needed)


async def test_assets_come_and_go_and_ids_do_not_collide() -> None:
    """Defect 16 of the reference, and adding and removing at run time."""
    site = site_of(*({"type": "bess", "initial_soc": soc, "protocols": [tcp()]} for soc in (10, 20)))
    async with serving(site) as endpoints:
        first, second = site.assets
        async with master(endpoints, first, "bess") as gone, master(endpoints, second, "bess") as stays:
            assert (await gone.read("system_soc"), await stays.read("system_soc")) == (10, 20)
            port = endpoints.port(first)
            assert site.remove_asset(first) and not site.remove_asset(first)
            third = site.add_asset({"type": "bess", "initial_soc": 30, "protocols": [tcp()]})
            assert third.asset_id not in (first, second)
            for _ in range(2):  # twice is as good as once
                await endpoints.update()
            assert [each.asset_id for each in endpoints.served()] == [second, third.asset_id]
            assert await stays.read("system_soc") == 20
            async with master(endpoints, third.asset_id, "bess") as new:
                assert await new.read("system_soc") == 30
            with pytest.raises(KeyError):
                endpoints.port(first)
            late = AsyncModbusTcpClient("127.0.0.1", port=port, reconnect_delay=0, timeout=1)
            assert not await late.connect()
            late.close()


async def test_an_asset_that_comes_back_under_its_id_is_the_new_one() -> None:
    site = site_of({"asset_id": "b", "type": "bess", "initial_soc": 10, "protocols": [tcp()]})
    async with serving(site) as endpoints:
        site.remove_asset("b")
        site.add_asset({"asset_id": "b", "type": "bess", "initial_soc": 70, "protocols": [tcp()]})
        await endpoints.update()
        async with master(endpoints, "b", "bess") as ems:
            assert await ems.read("system_soc") == 70


async def test_units_share_a_port_and_a_line_and_may_be_both(tmp_path: Path, unused_tcp_port: int) -> None:
    with serial_cable(tmp_path) as (ours, theirs):
        rtu = {"kind": "modbus_rtu", "port": ours, "baudrate": 115200}
        port = unused_tcp_port
        site = site_of(
            {
                "asset_id": "b",
                "type": "bess",
                "initial_soc": 40,
                "protocols": [tcp(1, port=port), {**rtu, "unit_id": 5}],
            },
            {"asset_id": "m", "type": "energy_meter", "protocols": [tcp(2, port=port), {**rtu, "unit_id": 6}]},
        )
        async with serving(site) as endpoints:
            assert endpoints.port("b") == endpoints.port("m") == port
            serial = AsyncModbusSerialClient(theirs, baudrate=115200)
            assert await serial.connect()
            try:
                async with AsyncModbusTcpClient("127.0.0.1", port=port) as client:
                    site.step(2)
                    for wire, bess, meter in ((client, 1, 2), (serial, 5, 6)):
                        assert await Master(wire, "bess", bess).read("system_soc") == pytest.approx(40)
                        assert await Master(wire, "energy_meter", meter).read("phase_voltage_a") == pytest.approx(230.9)
                    # Written on one wire, seen on the other.
                    await Master(serial, "bess", 5).write("soc_upper_limit_2", 77)
                    site.step()
                    address = shipped_register_map("bess")["soc_upper_limit_2"].address
                    assert (await client.read_holding_registers(address, device_id=1)).registers == [770]
            finally:
                serial.close()


async def test_a_line_as_rtu_over_tcp(unused_tcp_port: int) -> None:
    rtu = {"kind": "modbus_rtu", "port": "/dev/ttyNowhere"}
    site = site_of({"asset_id": "b", "type": "bess", "protocols": [rtu]})
    async with serving(site, ip="127.0.0.1", bridges={"/dev/ttyNowhere": unused_tcp_port}):
        for _ in range(2):
            async with AsyncModbusTcpClient("127.0.0.1", port=unused_tcp_port, framer="rtu") as client:  # type: ignore[arg-type]
                assert await Master(client, "bess").read("system_soc") == 50


async def test_chp_is_at_2400_kw_after_about_two_minutes() -> None:
    site = site_of({"asset_id": "c", "type": "chp", "protocols": [tcp()]})
    async with serving(site) as endpoints, master(endpoints, "c", "chp") as ems:
        await ems.write("power_setpoint", 60)  # of 4,000 kW, and before the start
        await ems.write("start_stop", 1)
        seen = []
        while await ems.read("actual_power_kw") < 2400 and site.now_s < 300:
            site.step(10)
            state = await ems.read("unit_state")
            seen += [state] if seen[-1:] != [state] else []
        assert seen == [2, 18, 3, 4, 5]
        assert 115 < site.now_s < 135
        assert await ems.read("circuit_breaker_closed") == await ems.read("engine_running") == 1
        assert await ems.read("engine_speed_rpm") == pytest.approx(1500, abs=1)


# -- mistakes ------------------------------------------------------------------------------------


async def refused(site: DerSite) -> str:
    endpoints = Endpoints(site)
    with pytest.raises((EndpointError, RegisterMapError)) as error:
        await endpoints.update()
    endpoints.close()
    assert "\n" not in str(error.value)
    return str(error.value)


async def test_what_cannot_be_opened_names_the_asset(unused_tcp_port: int) -> None:
    taken = {"asset_id": "north", "type": "bess", "protocols": [tcp(port=unused_tcp_port)]}
    async with serving(site_of(taken)):
        assert f"asset south: cannot listen on 127.0.0.1:{unused_tcp_port}: " in await refused(
            site_of({**taken, "asset_id": "south"})
        )
    away = {"asset_id": "far", "type": "bess", "protocols": [tcp(ip="203.0.113.9", port=unused_tcp_port)]}
    assert (await refused(site_of(away))).startswith(f"asset far: cannot listen on 203.0.113.9:{unused_tcp_port}: ")
    serial = {"asset_id": "s", "type": "bess", "protocols": [{"kind": "modbus_rtu", "port": "/dev/ttyNowhere"}]}
    assert await refused(site_of(serial)) == "asset s: cannot open /dev/ttyNowhere: No such file or directory"


async def test_keep_going_serves_the_rest() -> None:
    serial = {"asset_id": "s", "type": "bess", "protocols": [{"kind": "modbus_rtu", "port": "/dev/ttyNowhere"}]}
    site = site_of(serial, {"asset_id": "b", "type": "bess", "protocols": [tcp()]})
    async with serving(site, keep_going=True) as endpoints, master(endpoints, "b", "bess") as ems:
        assert endpoints.failed == ["asset s: cannot open /dev/ttyNowhere: No such file or directory"]
        assert await ems.read("system_soc") == 50


async def test_register_maps_of_a_site(tmp_path: Path) -> None:
    own = tmp_path / "maps" / "mine.yaml"
    own.parent.mkdir()
    asset = {"asset_id": "b", "type": "bess", "protocols": [tcp(register_map="mine.yaml")]}
    document = {"step": 0.1, "register_map_root": "maps", "assets": [asset]}
    assert "mine.yaml: cannot be read" in await refused(DerSite(parse_site(document, folder=tmp_path)))
    own.write_text(
        "registers:\n  - {name: soc, internal_name: system_soc, address: 3, func: 3, direction: read, type: uint32,"
        " count: 2, scale: 0.01, endian: little}\n"
    )
    async with serving(DerSite(parse_site(document, folder=tmp_path))) as endpoints:
        async with AsyncModbusTcpClient("127.0.0.1", port=endpoints.port("b")) as client:
            assert (await client.read_holding_registers(3, count=2, device_id=1)).registers == [5000, 0]
        (served,) = endpoints.served()
        assert served.registers == str(own)


async def test_two_assets_are_never_one_unit(unused_tcp_port: int) -> None:
    site = site_of({"asset_id": "first", "type": "bess", "protocols": [tcp(port=unused_tcp_port)]})
    async with serving(site) as endpoints:
        site.add_asset({"asset_id": "second", "type": "bess", "protocols": [tcp(port=unused_tcp_port)]})
        for _ in range(2):
            with pytest.raises(EndpointError) as error:
                await endpoints.update()
            where = f"127.0.0.1:{unused_tcp_port}"
            assert str(error.value) == f"asset second: unit 1 on {where} is already asset first"
        site.remove_asset("second")
        await endpoints.update()
        async with master(endpoints, "first", "bess") as ems:
            assert await ems.read("system_soc") == 50


async def test_one_line_has_one_setting(tmp_path: Path) -> None:
    with serial_cable(tmp_path) as (ours, _):
        line = {"kind": "modbus_rtu", "port": ours}
        site = site_of({"asset_id": "first", "type": "bess", "protocols": [{**line, "baudrate": 19200}]})
        async with serving(site) as endpoints:
            site.add_asset({"asset_id": "second", "type": "bess", "protocols": [{**line, "unit_id": 2}]})
            with pytest.raises(EndpointError) as error:
                await endpoints.update()
            told = f"asset second: {ours} is already open for asset first with 19200 8N1, not 9600 8N1"
            assert str(error.value) == told
