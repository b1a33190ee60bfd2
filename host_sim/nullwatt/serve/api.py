"""`/api/v1`: the running house for programs: state, devices, orders, scenarios, time, history, a stream over WebSocket.

Beside it `/metrics` in the text format of Prometheus. Powers W, energies Wh, times s; battery + = discharge, grid + =
import. Errors are those of `compat`, and 404 with {"error": text} for what is not there.
"""

import asyncio
import json
import math
import time
from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Request, WebSocket, WebSocketDisconnect
from fastapi.responses import PlainTextResponse

from .compat import BadRequestError, NotThereError, is_finite, json_object, number
from .history import HISTORY_S
from .metrics import render_metrics
from .state import DeviceState, Moment, State
from .watched import ControllerControl, ServedHouse, Watched

#: A stream that takes longer to swallow one message is closed.
SLOWEST_READER_S = 5.0
STREAM_INTERVAL_S = 1.0
#: The longest outage that ends by itself: a week.
MOST_MINUTES = 7 * 1440.0
#: Many readers of the stream share one text for so long.
_SHARED_S = 0.1
_STEP_POLL_S = 0.005


#: What a change replies with.
_ANSWERS: dict[str, Any] = {"response_model": State, "response_model_exclude_none": True}


def api_routes(house: ServedHouse) -> APIRouter:
    """The routes of a simulated house, to be included at the root of an application."""
    routes, answers = APIRouter(tags=["api v1"]), _ANSWERS
    routes.include_router(watch_routes(house))
    routes.include_router(controller_routes(house, "the controller runs elsewhere"))

    def changed(change: Callable[[], object]) -> State:
        return _changed(house, change)

    @routes.get("/api/v1/devices", response_model_exclude_none=True)
    async def devices() -> list[DeviceState]:
        return house.devices()

    @routes.post("/api/v1/command", **answers)
    async def command(request: Request) -> State:
        body = await json_object(request)
        device, name, value = _text(body, "device"), _text(body, "name"), _value(body, "value")
        return changed(lambda: house.command(device, name, value))

    @routes.post("/api/v1/mains/cut", **answers)
    async def cut_mains(request: Request) -> State:
        body = await json_object(request)
        minutes = number(body, "minutes", 0.1, MOST_MINUTES) if body.get("minutes") is not None else math.inf
        return changed(lambda: house.cut_mains(minutes * 60.0))

    @routes.post("/api/v1/mains/restore", **answers)
    async def restore_mains() -> State:
        return changed(house.restore_mains)

    @routes.post("/api/v1/loads", **answers)
    async def add_load(request: Request) -> State:
        body = await json_object(request)
        return changed(lambda: house.add_load(body))

    @routes.post("/api/v1/loads/{name:path}/switch", **answers)
    async def switch_load(name: str, request: Request) -> State:
        active = _flag(await json_object(request), "active")
        return changed(lambda: house.switch_load(name, active))

    @routes.delete("/api/v1/loads/{name:path}", **answers)
    async def remove_load(name: str) -> State:
        return changed(lambda: house.remove_load(name))

    @routes.post("/api/v1/batteries", **answers)
    async def add_battery(request: Request) -> State:
        body = await json_object(request)
        return changed(lambda: house.add_battery(body))

    @routes.delete("/api/v1/batteries/{mac}", **answers)
    async def remove_battery(mac: str) -> State:
        return changed(lambda: house.remove_battery(mac))

    @routes.get("/api/v1/scenarios")
    async def scenarios() -> list[str]:
        return house.scenarios()

    @routes.post("/api/v1/scenario", **answers)
    async def start_scenario(request: Request) -> State:
        body = await json_object(request)
        wanted = body if "events" in body else _text(body, "name")
        return changed(lambda: house.start_scenario(wanted))

    @routes.delete("/api/v1/scenario", **answers)
    async def stop_scenario() -> State:
        return changed(house.stop_scenario)

    @routes.post("/api/v1/time/pause", **answers)
    async def pause() -> State:
        return changed(house.clock.pause)

    @routes.post("/api/v1/time/resume", **answers)
    async def resume() -> State:
        return changed(house.clock.resume)

    @routes.post("/api/v1/time/scale", **answers)
    async def scale(request: Request) -> State:
        factor = number(await json_object(request), "scale", 0.1, 1000.0)
        return changed(lambda: house.clock.set_factor(factor))

    @routes.post("/api/v1/time/step", **answers)
    async def step(request: Request) -> State:
        seconds = number(await json_object(request), "seconds", 0.001, 3600.0)
        changed(lambda: house.clock.step(seconds))
        while house.clock.paused and not house.clock.caught_up:
            await asyncio.sleep(_STEP_POLL_S)
        return house.state()

    return routes


def watch_routes(watched: ServedHouse | Watched) -> APIRouter:
    """The routes that only read, of whatever is watched."""
    routes = APIRouter(tags=["api v1"])
    shared = _Shared(watched)

    @routes.get("/api/v1/state", **_ANSWERS)
    async def state() -> State:
        return watched.state()

    @routes.get("/api/v1/history", response_model_exclude_none=True)
    async def last(seconds: float = 600.0) -> list[Moment]:
        if not 0 < seconds <= HISTORY_S:
            raise BadRequestError(f"seconds: {seconds:g} must be above 0 and at most {HISTORY_S}")
        return watched.history(seconds)

    @routes.websocket("/api/v1/stream")
    async def stream(socket: WebSocket) -> None:
        await socket.accept()
        try:
            while True:
                # Whoever does not read gets the present when it does, never a queue of the past.
                await asyncio.wait_for(socket.send_text(shared.text()), SLOWEST_READER_S)
                await asyncio.sleep(STREAM_INTERVAL_S)
        except (WebSocketDisconnect, TimeoutError, RuntimeError):
            return

    @routes.get("/metrics", response_class=PlainTextResponse)
    async def metrics() -> PlainTextResponse:
        return PlainTextResponse(render_metrics(watched.state()), media_type="text/plain; version=0.0.4")

    return routes


def controller_routes(watched: ServedHouse | Watched, without: str) -> APIRouter:
    """The routes that change the controller. without: what they reply if there is none to be changed."""
    routes, answers = APIRouter(tags=["api v1"]), _ANSWERS

    def control() -> ControllerControl:
        if watched.controller is None:
            raise BadRequestError(without)
        return watched.controller

    def changed(change: Callable[[], object]) -> State:
        return _changed(watched, change)

    @routes.post("/api/v1/controller/override", **answers)
    async def override(request: Request) -> State:
        body, controller = await json_object(request), control()
        mac, name, value = _text(body, "mac"), _text(body, "name"), _value(body, "value")
        if isinstance(value, str):
            raise BadRequestError(f"value: {json.dumps(value)} is neither a number nor true or false")
        return changed(lambda: controller.set_override(mac, name, value))

    @routes.post("/api/v1/controller/active", **answers)
    async def active_control(request: Request) -> State:
        controller, active = control(), _flag(await json_object(request), "active")
        return changed(lambda: controller.set_active_control(active))

    @routes.post("/api/v1/controller/rotate", **answers)
    async def rotate() -> State:
        return changed(control().force_rotation)

    return routes


class _Shared:
    """The state as text, made once for everybody who asks within a moment."""

    def __init__(self, watched: ServedHouse | Watched) -> None:
        self._watched = watched
        self._text = ""
        self._made_s = -1.0

    def text(self) -> str:
        now_s = time.monotonic()
        if not self._text or now_s - self._made_s > _SHARED_S:
            self._text, self._made_s = self._watched.state().model_dump_json(exclude_none=True), now_s
        return self._text


def _changed(watched: ServedHouse | Watched, change: Callable[[], object]) -> State:
    try:
        change()
    except LookupError as error:
        raise NotThereError(str(error)) from None
    except ValueError as error:
        raise BadRequestError(str(error)) from None
    return watched.state()


def _text(body: dict[str, Any], key: str) -> str:
    value = body.get(key)
    if not isinstance(value, str) or not value:
        raise BadRequestError(f"{key}: {json.dumps(value)} is not a text")
    return value


def _flag(body: dict[str, Any], key: str) -> bool:
    value = body.get(key)
    if not isinstance(value, bool):
        raise BadRequestError(f"{key}: {json.dumps(value)} is neither true nor false")
    return value


def _value(body: dict[str, Any], key: str) -> float | bool | str:
    value = body.get(key)
    if not isinstance(value, int | float | str) or (not isinstance(value, str) and not is_finite(value)):
        raise BadRequestError(f"{key}: {json.dumps(value)[:40]} is neither a number, a text, nor true or false")
    return value
