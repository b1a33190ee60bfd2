"""The application: everything that is served over HTTP."""

from fastapi import FastAPI

import nullwatt

from .api import api_routes
from .compat import answer_errors, compat_routes
from .watched import ServedHouse


def application(house: ServedHouse) -> FastAPI:
    """The routes of astra-sim, `/api/v1` and `/metrics`. `GET /openapi.json` describes them."""
    app = FastAPI(title="nullwatt sim", version=nullwatt.__version__, redoc_url=None, docs_url=None)
    app.include_router(compat_routes(house))
    app.include_router(api_routes(house))
    answer_errors(app)
    return app
