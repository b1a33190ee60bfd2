"""What a watched board answers over HTTP."""

from typing import Any

import httpx
import pytest

from nullwatt.serve import (
    BatteryState,
    ControllerState,
    GridState,
    LinkState,
    Moment,
    State,
    SteeredState,
    board_application,
)


class Controller:
    def __init__(self) -> None:
        self.told: list[Any] = []

    def set_override(self, mac: str, name: str, value: float | bool) -> None:
        if name != "weight":
            raise ValueError("no such setting")
        self.told.append((mac, name, value))

    def set_active_control(self, active: bool) -> None:
        self.told.append(active)

    def force_rotation(self) -> None:
        self.told.append("rotate")


class Stub:
    title, where, house, clock = "A board", "10.0.0.5:6053", None, None

    def __init__(self, controller: Controller | None = None) -> None:
        self.controller = controller

    def state(self) -> State:
        return State(
            link=LinkState(connected=True, since_s=3.0, text="connected"),
            grid=GridState(total=12.0),
            batteries=[BatteryState(mac="02b250000001", phase="A", power=300.0)],
            controller=ControllerState(batteries=[SteeredState(mac="02b250000001", target=310.0)]),
        )

    def history(self, seconds: float) -> list[Moment]:
        return [Moment(time_s=1.0, grid_w=[12.0], batteries_w={}, soc={})]


def client(board: Stub) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=board_application(board))
    return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8081")


async def test_unknown_is_absent() -> None:
    async with client(Stub()) as http:
        state = (await http.get("/api/v1/state")).json()
        assert state["grid"] == {"total": 12.0}
        assert set(state) == {"link", "grid", "batteries", "controller"}
        metrics = (await http.get("/metrics")).text
        moment = {"time_s": 1.0, "grid_w": [12.0], "batteries_w": {}, "soc": {}}
        assert (await http.get("/api/v1/history?seconds=60")).json() == [moment]
        # There is no house behind a board.
        assert (await http.get("/power")).status_code == 404
    assert 'nullwatt_grid_power_watts{phase="total"} 12.0' in metrics
    assert 'nullwatt_battery_target_watts{mac="02b250000001",phase="A"} 310.0' in metrics
    for unknown in ("solar_power_watts", "simulated_seconds", "soc_ratio{", 'phase="A"} 0'):
        assert unknown not in metrics


async def test_orders_need_control() -> None:
    order = {"mac": "02b250000001", "name": "weight", "value": 2}
    async with client(Stub()) as http:
        for path, body in (("override", order), ("active", {"active": False}), ("rotate", {})):
            reply = await http.post(f"/api/v1/controller/{path}", json=body)
            assert reply.status_code == 400 and "--control" in reply.json()["error"]
    controller = Controller()
    async with client(Stub(controller)) as http:
        assert (await http.post("/api/v1/controller/override", json=order)).status_code == 200
        assert (await http.post("/api/v1/controller/active", json={"active": False})).status_code == 200
        assert (await http.post("/api/v1/controller/rotate")).status_code == 200
        reply = await http.post("/api/v1/controller/override", json=order | {"name": "colour"})
        assert (reply.status_code, reply.json()) == (400, {"error": "no such setting"})
    assert controller.told == [("02b250000001", "weight", 2), False, "rotate"]


@pytest.mark.parametrize(
    ("origin", "code"), [("http://127.0.0.1:8081", 200), ("https://evil.example", 403), ("null", 403), (None, 200)]
)
async def test_pages_of_other_sites_give_no_orders(origin: str | None, code: int) -> None:
    controller = Controller()
    headers = {} if origin is None else {"origin": origin}
    async with client(Stub(controller)) as http:
        reply = await http.post("/api/v1/controller/rotate", headers=headers)
        assert reply.status_code == code
        assert (await http.get("/api/v1/state", headers=headers)).status_code == 200
    assert bool(controller.told) == (code == 200)
