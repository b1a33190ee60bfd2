"""Keeps the pages of other sites from giving orders through a browser on this machine."""

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

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
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc == headers.get("host")
