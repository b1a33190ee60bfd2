"""Assets that come and go while a site runs: all of a change or nothing, and what stays does not notice."""

import asyncio
import socket
from contextlib import closing
from typing import Any

import pytest
from pymodbus.client import AsyncModbusTcpClient

from nullwatt.home.der import DerSite, SiteConfig, SiteConfigError, parse_asset, parse_site
from nullwatt.serve.modbus import Change, EndpointError, Endpoints, Roster


def tcp(unit: int = 1, port: int = 0) -> dict[str, Any]:
    return {"kind": "modbus_tcp", "ip": "127.0.0.1", "port": port, "unit_id": unit}


def document(*assets: dict[str, Any], **more: Any) -> SiteConfig:
    return parse_site({"step": 0.1, **more, "assets": list(assets)})


BESS: dict[str, Any] = {"type": "bess", "asset_id": "keep", "protocols": [tcp()]}
ROOF: dict[str, Any] = {"type": "inverter", "asset_id": "roof", "protocols": [tcp()]}
METER: dict[str, Any] = {"type": "energy_meter"}
SKY = {"external_models": {"grid_frequency": {"noise_std": 0.01, "drift_std": 0.01}}}


def started(config: SiteConfig) -> DerSite:
    site = DerSite(config)
    site.command("keep", "start_stop_standby", 1)
    site.command("keep", "active_power_setpoint", 8)
    return site


async def test_what_stays_goes_on_as_if_nothing_happened() -> None:
    config = document(BESS, METER, **SKY)
    site, alone = started(config), started(config)
    endpoints = Endpoints(site)
    await endpoints.update()
    roster = Roster(site, endpoints)
    ticking = True

    async def tick() -> None:
        while ticking:
            site.step()
            await asyncio.sleep(0)

    clock = asyncio.create_task(tick())
    port = endpoints.port("keep")
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    before = site.ticks
    for _ in range(5):
        assert await roster.add(parse_asset(ROOF)) == Change(added=("roof",))
        with pytest.raises(EndpointError):
            await roster.add(parse_asset({**ROOF, "asset_id": "x", "protocols": [tcp(port=port)]}))
        assert (await roster.remove("roof")).removed == ("roof",)
        assert await roster.reload(document(METER, BESS, **SKY)) == Change()
    assert site.ticks > before
    ticking = False
    await clock
    assert not writer.is_closing() and endpoints.port("keep") == port and not endpoints.failed
    alone.step(site.ticks)
    for asset_id in ("keep", "energy_meter-1"):
        assert site.assets[asset_id].device.telemetry() == alone.assets[asset_id].device.telemetry()
    assert site.ledger.leak_j < 1e-6
    writer.close()
    endpoints.close()


async def test_a_file_that_is_read_again() -> None:
    other = {"type": "bess", "capacity_kwh": 7}
    config = document(BESS, ROOF, METER, other, **SKY)
    site = started(config)
    endpoints = Endpoints(site)
    await endpoints.update()
    roster = Roster(site, endpoints)
    site.step(100)
    keep, meter, small = (site.assets[each] for each in ("keep", "energy_meter-1", "bess-1"))
    old_port = endpoints.port("keep")
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        new_port = free.getsockname()[1]
    site.command("keep", "active_power_setpoint", 5)  # told before, carried out after
    change = await roster.reload(
        document(
            other,
            {**ROOF, "rated_kw": 20},
            {"type": "bess", "asset_id": "bess-2"},
            {"type": "bess"},
            METER,
            {**BESS, "protocols": [tcp(port=new_port)]},
            **SKY,
        )
    )
    assert change == Change(added=("bess-2", "bess-3"), changed=("roof",), rewired=("keep",))
    assert list(site.assets) == ["bess-1", "roof", "bess-2", "bess-3", "energy_meter-1", "keep"]
    assert site.assets["energy_meter-1"] is meter and site.assets["bess-1"] is small
    assert site.assets["keep"].device is keep.device and endpoints.port("keep") == new_port != old_port
    site.step()
    assert site.assets["keep"].telemetry("active_power") == 5
    async with AsyncModbusTcpClient("127.0.0.1", port=new_port) as client:
        assert (await client.read_input_registers(10059, count=2)).registers == [0, 50]
    assert (await roster.reload(config)).removed == ("bess-2", "bess-3")
    endpoints.close()


async def test_a_half_written_value_and_one_that_waits_outlive_a_change_of_the_wires() -> None:
    site = started(document(BESS))
    endpoints = Endpoints(site)
    await endpoints.update()
    async with AsyncModbusTcpClient("127.0.0.1", port=endpoints.port("keep")) as client:
        await client.write_register(10126, 0)
        await client.write_register(10332, 110)
        both = {**BESS, "protocols": [*BESS["protocols"], tcp(unit=2)]}
        assert (await Roster(site, endpoints).reload(document(both))).rewired == ("keep",)
        assert (await client.read_holding_registers(10332)).registers == [110]  # over the same connection
        await client.write_register(10127, 30)
        site.step()
        assert (await client.read_holding_registers(10332)).registers == [110]
        assert (await client.read_input_registers(10059, count=2)).registers == [0, 30]
    endpoints.close()


@pytest.mark.parametrize(
    "more, told",
    [
        ({"step": 0.2}, "site: step: cannot change while the site runs; restart it"),
        ({"external_models": {"power": {"base_load_w": 1}}}, "site: external_models: cannot change"),
        ({"assets": [{**ROOF, "protocols": [tcp(port=1, unit=3), tcp(port=1, unit=4)]}]}, "asset roof: cannot listen"),
    ],
)
async def test_what_cannot_be_changes_nothing(more: dict[str, Any], told: str) -> None:
    if "cannot listen" in told:
        holder = socket.create_server(("127.0.0.1", 0))
        for wire in more["assets"][0]["protocols"]:
            wire["port"] = holder.getsockname()[1]
    site = started(document(BESS, METER))
    endpoints = Endpoints(site)
    await endpoints.update()
    before, served = dict(site.assets), endpoints.served()
    with pytest.raises((SiteConfigError, EndpointError)) as error:
        await Roster(site, endpoints).reload(parse_site({"step": 0.1, "assets": [METER], **more}))
    assert str(error.value).startswith(told) and "\n" not in str(error.value)
    assert dict(site.assets) == before and endpoints.served() == served
    if "cannot listen" in told:
        holder.close()
    endpoints.close()


async def test_an_id_is_one_assets_own() -> None:
    site = started(document(BESS))
    endpoints = Endpoints(site)
    await endpoints.update()
    roster = Roster(site, endpoints)
    assert await roster.add(parse_asset(BESS)) == Change()
    with pytest.raises(SiteConfigError, match="there is another asset of this id"):
        await roster.add(parse_asset({**BESS, "capacity_kwh": 5}))
    with pytest.raises(ValueError, match=r"no asset 'roof' \(there are: keep\)"):
        await roster.remove("roof")
    endpoints.close()
