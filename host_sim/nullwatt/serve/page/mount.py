"""The page as a part of an application that has other routes."""

from pathlib import Path

from fastapi import FastAPI
from nicegui import app as nicegui_app
from nicegui import ui
from starlette.routing import Match, Mount
from starlette.types import Scope

from ..watched import Watched
from .frame import SECTIONS, Frame, path_of
from .session import Session

_HERE = Path(__file__).parent
#: Before anything is drawn: a dark page must not flash in white.
_THEME_FIRST = """
let theme = null;
try { theme = localStorage.getItem('nullwatt-theme'); } catch {}
document.documentElement.dataset.theme =
  theme || (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light');
"""
_ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="#10312d"/>'
    '<path d="M6 16h20" stroke="#4cc9b0" stroke-width="3" stroke-linecap="round"/>'
    '<circle cx="16" cy="16" r="5" fill="#10312d" stroke="#f4f1ea" stroke-width="3"/></svg>'
)


class _OwnPaths(Mount):
    """A mount at the root that leaves every path to the others but its own."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        path = scope.get("path", "")
        page = path in _PATHS and scope.get("method") in ("GET", "HEAD")
        if page or path == "/favicon.ico" or path.startswith(("/_nicegui/", "/_nicegui_ws/")):
            return super().matches(scope)
        return Match.NONE, {}


_PATHS = {path_of(section): section for section in SECTIONS}


def _read(*names: str) -> str:
    return "\n".join((_HERE / name).read_text(encoding="utf-8") for name in names)


def mount(app: FastAPI, watched: Watched) -> None:
    """Put the page at `/` and at the paths of its sections. The application must be run with its lifespan."""
    head = (
        f"<script>{_THEME_FIRST}</script>"
        f"<style>{_read('page.css', 'page_editor.css')}</style>"
        f"<script>{_read('page.js', 'page_editor.js')}</script>"
    )

    def page_of(section: str) -> None:
        def page() -> None:
            session = Session(watched, ui.context.client)
            ui.add_head_html(head)
            Frame(session, section)
            ui.on("look", session.asked)

        ui.page(path_of(section), title=watched.title, favicon=_ICON, language="en-US", reconnect_timeout=10.0)(page)

    for section in SECTIONS:
        page_of(section)
    ui.run_with(app, tailwind=False, show_welcome_message=False, binding_refresh_interval=None)
    # It mounts itself over everything, and would answer what is none of its business.
    everything = next(route for route in app.router.routes if getattr(route, "app", None) is nicegui_app)
    app.router.routes[app.router.routes.index(everything)] = _OwnPaths("/", app=nicegui_app)
