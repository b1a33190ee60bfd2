"""Keeps the pages of other sites from giving orders through a browser on this machine."""

from contextlib import suppress
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

#: Ends of names that no page elsewhere can have.
_NEAR = (".local", ".lan", ".home", ".internal", ".home.arpa", ".fritz.box")
_READS = ("GET", "HEAD", "OPTIONS")


class OwnPagesOnly:
    """Refuses changes and streams that a browser asks for on behalf of a page from elsewhere.

    Programs send no Origin and are let through.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] == "http" and scope["method"] not in _READS and not _own(scope):
            response = JSONResponse({"error": "orders are taken from this page only"}, 403)
            await response(scope, receive, send)
        elif scope["type"] == "websocket" and not _own(scope):
            await send({"type": "websocket.close", "code": 1008})
        else:
            await self._app(scope, receive, send)


def _own(scope: Scope) -> bool:
    headers = Headers(scope=scope)
    origin, host = headers.get("origin"), headers.get("host", "")
    return origin is None or (urlsplit(origin).netloc == host and _is_near(host))


def _is_near(host: str) -> bool:
    """Whether a name can only mean a machine of this network; a page elsewhere may make any other mean this one."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    with suppress(ValueError):
        ip_address(name)
        return True
    return "." not in name or name.endswith(_NEAR)
