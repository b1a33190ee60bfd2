"""The application: everything that is served over HTTP."""

from fastapi import FastAPI

import nullwatt

from .api import api_routes, controller_routes, watch_routes
from .compat import answer_errors, compat_routes
from .own_pages import OwnPagesOnly
from .watched import ServedHouse, Watched


def application(house: ServedHouse) -> FastAPI:
    """The routes of astra-sim, `/api/v1` and `/metrics`, and orders from no page but its own.

    `GET /openapi.json` describes them.
    """
    app = FastAPI(title="nullwatt sim", version=nullwatt.__version__, redoc_url=None, docs_url=None)
    app.include_router(compat_routes(house))
    app.include_router(api_routes(house))
    app.add_middleware(OwnPagesOnly)
    answer_errors(app)
    return app


def board_application(board: Watched) -> FastAPI:
    """Of `/api/v1` what makes sense for a real board, and `/metrics`. Pages of other sites give it no orders."""
    app = FastAPI(title="nullwatt dash", version=nullwatt.__version__, redoc_url=None, docs_url=None)
    app.include_router(watch_routes(board))
    app.include_router(controller_routes(board, "this board is only watched; nullwatt dash --control gives it orders"))
    app.add_middleware(OwnPagesOnly)
    answer_errors(app)
    return app
