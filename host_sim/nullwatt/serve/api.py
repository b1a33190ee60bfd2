"""`/api/v1`: the running house for programs: state, time, history, a stream over WebSocket.

Beside it `/metrics` in the text format of Prometheus. Powers W, energies Wh, times s; battery + = discharge, grid + =
import. Errors are those of `compat`.
"""

import asyncio
from collections import deque
from typing import Any, Protocol

from fastapi import APIRouter, Request, WebSocket, WebSocketDisconnect
from fastapi.responses import PlainTextResponse

from .compat import BadRequestError, Simulation, json_object, number
from .state import Moment
from .timing import TimeControl

#: One entry per simulated second: an hour of them.
HISTORY_S = 3600
#: A stream that takes longer to swallow one message is closed.
SLOWEST_READER_S = 5.0
STREAM_INTERVAL_S = 1.0


class TimedSimulation(Simulation, Protocol):
    """A simulation whose time can be controlled."""

    @property
    def clock(self) -> TimeControl:
        """Its clock."""


class History:
    """The last hour, a moment per simulated second."""

    def __init__(self, simulation: TimedSimulation) -> None:
        self._simulation = simulation
        self._moments: deque[Moment] = deque(maxlen=HISTORY_S)

    def record(self) -> Moment:
        """Keep the present moment, and tell it."""
        status = self._simulation.status()
        batteries = status["batteries"]
        moment = Moment(
            time_s=round(self._simulation.clock.now_s, 3),
            grid_w=[status["grid"][f"phase_{phase}"] for phase in "abc"],
            solar_w=status["solar"]["current"],
            batteries_w={battery["mac"]: battery["power"] for battery in batteries},
            soc={battery["mac"]: battery["soc"] for battery in batteries},
        )
        self._moments.append(moment)
        return moment

    def last(self, seconds: float) -> list[Moment]:
        """The moments of the last so many simulated seconds."""
        since_s = self._simulation.clock.now_s - seconds
        return [moment for moment in self._moments if moment.time_s >= since_s]


def state_of(simulation: TimedSimulation) -> dict[str, Any]:
    """Everything at once: the time, and the status object."""
    clock = simulation.clock
    time = {"now_s": round(clock.now_s, 3), "scale": clock.factor, "paused": clock.paused}
    return {"time": time, **simulation.status()}


def api_routes(simulation: TimedSimulation, history: History) -> APIRouter:
    """The routes, to be included at the root of an application."""
    routes = APIRouter(tags=["api v1"])

    @routes.get("/api/v1/state")
    async def state() -> dict[str, Any]:
        return state_of(simulation)

    @routes.get("/api/v1/history")
    async def last(seconds: float = 600.0) -> list[Moment]:
        if not 0 < seconds <= HISTORY_S:
            raise BadRequestError(f"seconds: {seconds:g} must be above 0 and at most {HISTORY_S}")
        return history.last(seconds)

    @routes.post("/api/v1/time/pause")
    async def pause() -> dict[str, Any]:
        simulation.clock.pause()
        return state_of(simulation)

    @routes.post("/api/v1/time/resume")
    async def resume() -> dict[str, Any]:
        simulation.clock.resume()
        return state_of(simulation)

    @routes.post("/api/v1/time/scale")
    async def scale(request: Request) -> dict[str, Any]:
        simulation.clock.set_factor(number(await json_object(request), "scale", 0.1, 1000.0))
        return state_of(simulation)

    @routes.post("/api/v1/time/step")
    async def step(request: Request) -> dict[str, Any]:
        seconds = number(await json_object(request), "seconds", 0.001, 3600.0)
        try:
            simulation.clock.step(seconds)
        except ValueError as error:
            raise BadRequestError(str(error)) from None
        return state_of(simulation)

    @routes.websocket("/api/v1/stream")
    async def stream(socket: WebSocket) -> None:
        await socket.accept()
        try:
            while True:
                # Whoever does not read gets the present when it does, never a queue of the past.
                await asyncio.wait_for(socket.send_json(state_of(simulation)), SLOWEST_READER_S)
                await asyncio.sleep(STREAM_INTERVAL_S)
        except (WebSocketDisconnect, TimeoutError, RuntimeError):
            return

    @routes.get("/metrics", response_class=PlainTextResponse)
    async def metrics() -> PlainTextResponse:
        return PlainTextResponse(render_metrics(simulation), media_type="text/plain; version=0.0.4")

    return routes


def render_metrics(simulation: TimedSimulation) -> str:
    """The present moment in the text format of Prometheus."""
    from prometheus_client import CollectorRegistry, Gauge, generate_latest

    registry = CollectorRegistry()
    status = simulation.status()

    def gauge(name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"nullwatt_{name}", text, labels, registry=registry)

    grid = gauge("grid_power_watts", "Grid power, + = import", "phase")
    for phase in "abc":
        grid.labels(phase.upper()).set(status["grid"][f"phase_{phase}"])
    gauge("solar_power_watts", "Solar power").set(status["solar"]["current"])
    gauge("simulated_seconds", "Simulated time since the start").set(simulation.clock.now_s)
    power = gauge("battery_power_watts", "Output of a battery, + = discharge", "mac", "phase")
    target = gauge("battery_target_watts", "Output that a battery was last asked for", "mac", "phase")
    soc = gauge("battery_soc_ratio", "State of charge, 0..1", "mac", "phase")
    for battery in status["batteries"]:
        labels = (battery["mac"], battery["phase"])
        power.labels(*labels).set(battery["power"])
        target.labels(*labels).set(battery["target"])
        soc.labels(*labels).set(battery["soc"])
    load = gauge("load_active", "1 = switched on", "name", "phase")
    for entry in status["loads"]:
        load.labels(entry["name"], entry["phase"]).set(entry["active"])
    return generate_latest(registry).decode()
