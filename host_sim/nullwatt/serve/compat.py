"""The HTTP interface of astra-sim: the same routes, bodies, replies and errors.

JSON in and out; every change replies with the status object. Errors: 400 with {"error": text} for what cannot be used,
404 with {"error": "battery not found"}; unknown paths and wrong methods in plain text.
"""

import asyncio
import json
import math
from collections.abc import AsyncIterator, Callable
from typing import Any

from fastapi import APIRouter, FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse, StreamingResponse
from starlette.exceptions import HTTPException as StarletteHTTPException

from .simulation import Simulation

EVENT_INTERVAL_S = 1.0


class BadRequestError(Exception):
    """What the client sent cannot be used. `str()` becomes the reply."""


class NotThereError(Exception):
    """What the client names is not there. `str()` becomes the reply."""


async def json_object(request: Request) -> dict[str, Any]:
    """The body, which must be a JSON object."""
    try:
        body = json.loads(await request.body(), parse_constant=_refuse_constant)
    except (ValueError, UnicodeDecodeError, RecursionError):
        raise BadRequestError("the body is not valid JSON") from None
    if not isinstance(body, dict):
        raise BadRequestError("the body must be a JSON object")
    return body


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def is_finite(value: float) -> bool:
    """Whether it is a number that a float can hold; JSON has longer ones."""
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def number(body: dict[str, Any], key: str, low: float, high: float = math.inf) -> float:
    """A number of the body in its range. True is none."""
    value = body.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not is_finite(value):
        raise BadRequestError(f"{key}: {json.dumps(value)[:40]} is not a number")
    if not low <= value <= high:
        bounds = f"at least {low:g}" if math.isinf(high) else f"within {low:g} and {high:g}"
        raise BadRequestError(f"{key}: {value:g} must be {bounds}")
    return float(value)


def compat_routes(simulation: Simulation) -> APIRouter:
    """The routes, to be included at the root of an application."""
    routes = APIRouter(tags=["astra-sim"])

    def changed(change: Callable[[], None]) -> dict[str, Any]:
        try:
            change()
        except LookupError:
            raise HTTPException(404, "battery not found") from None
        except ValueError as error:
            raise BadRequestError(str(error)) from None
        return simulation.status()

    @routes.get("/power")
    async def power() -> dict[str, float]:
        a, b, c = (round(watts, 1) for watts in simulation.grid_w())
        return {"phase_a": a, "phase_b": b, "phase_c": c}

    @routes.get("/status")
    async def status() -> dict[str, Any]:
        return simulation.status()

    @routes.get("/events")
    async def events() -> StreamingResponse:
        async def stream() -> AsyncIterator[str]:
            while True:
                await asyncio.sleep(EVENT_INTERVAL_S)
                yield f"event: status\ndata: {json.dumps(simulation.status())}\n\n"

        return StreamingResponse(stream(), media_type="text/event-stream", headers={"Cache-Control": "no-cache"})

    @routes.post("/loads/{n}/toggle")
    async def toggle(n: str) -> dict[str, Any]:
        if not n.isascii() or not n.isdecimal():
            raise BadRequestError("invalid index")
        try:
            simulation.toggle_load(int(n) - 1)
        except IndexError:
            raise BadRequestError("load index out of range") from None
        return simulation.status()

    @routes.post("/solar")
    async def solar(request: Request) -> dict[str, Any]:
        body = await json_object(request)
        words = {"max": math.inf, "off": 0.0}
        watts = body.get("watts")
        if isinstance(watts, str):
            if watts not in words:
                raise BadRequestError(f'watts: {json.dumps(watts)} is neither a number nor "max" or "off"')
            simulation.set_solar(words[watts])
        else:
            simulation.set_solar(number(body, "watts", -math.inf))
        return simulation.status()

    @routes.post("/batteries/{mac}/soc")
    async def soc(mac: str, request: Request) -> dict[str, Any]:
        value = number(await json_object(request), "soc", 0.0, 1.0)
        return changed(lambda: simulation.set_soc(mac, value))

    @routes.post("/batteries/{mac}/max_power")
    async def max_power(mac: str, request: Request) -> dict[str, Any]:
        body = await json_object(request)
        limits = [number(body, key, 0.0) if body.get(key) is not None else None for key in ("charge", "discharge")]
        return changed(lambda: simulation.set_limits(mac, limits[0], limits[1]))

    @routes.post("/batteries/{mac}/dc")
    async def dc(mac: str, request: Request) -> dict[str, Any]:
        watts = number(await json_object(request), "watts", 0.0)
        return changed(lambda: simulation.set_dc_input(mac, watts))

    @routes.post("/auto")
    async def auto(request: Request) -> dict[str, Any]:
        enabled = (await json_object(request)).get("enabled", False)
        if not isinstance(enabled, bool):
            raise BadRequestError(f"enabled: {json.dumps(enabled)} is neither true nor false")
        simulation.set_auto(enabled)
        return simulation.status()

    @routes.post("/shutdown")
    async def shutdown() -> dict[str, str]:
        simulation.shut_down()
        return {"status": "shutting_down"}

    return routes


def _error(text: str, code: int) -> JSONResponse:
    # What a client sent may be no text that can be sent back.
    return JSONResponse({"error": text.encode(errors="replace").decode()}, code)


def answer_errors(app: FastAPI) -> None:
    """Errors as clients of these routes expect them."""

    @app.exception_handler(BadRequestError)
    async def bad_request(request: Request, error: BadRequestError) -> JSONResponse:
        return _error(str(error), 400)

    @app.exception_handler(NotThereError)
    async def not_there(request: Request, error: NotThereError) -> JSONResponse:
        return _error(str(error), 404)

    @app.exception_handler(RequestValidationError)
    async def not_valid(request: Request, error: RequestValidationError) -> JSONResponse:
        return _error(str(error.errors()[0]["msg"]), 400)

    @app.exception_handler(StarletteHTTPException)
    async def http_error(request: Request, error: StarletteHTTPException) -> JSONResponse | PlainTextResponse:
        if error.detail == "battery not found":
            return JSONResponse({"error": error.detail}, error.status_code)
        return PlainTextResponse(f"{error.status_code}: {error.detail}", error.status_code, headers=error.headers)
