"""One browser that looks at the house: it asks about once a second, and gets what has changed.

The browser asks, not the server: one that sleeps, is slow or is gone costs nothing.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from nicegui import Client, events

from ..state import State
from ..watched import Watched
from .chart import WINDOWS, Feed
from .live import Shown, Value


class Part(Protocol):
    """A part of the page."""

    def values(self, state: State) -> Mapping[str, Value]:
        """What it shows now, by name."""


class Session:
    """What one browser has been told, and its orders.

    Attributes:
        watched: What it looks at.
    """

    def __init__(self, watched: Watched, client: Client) -> None:
        self.watched = watched
        self._client = client
        self._always: list[Part] = []
        self._sections: dict[str, Part] = {}
        self._section = "overview"
        self._minutes = 10
        self._shown = Shown()
        self._feed = Feed()

    def show(self, part: Part, section: str | None = None) -> None:
        """From now on this part is kept up to date: always, or while its section is looked at."""
        if section is None:
            self._always.append(part)
        else:
            self._sections[section] = part

    def asked(self, event: events.GenericEventArguments) -> None:
        """The browser asks for what is new."""
        wish = event.args if isinstance(event.args, dict) else {}
        if wish.get("section") in self._sections:
            self._section = wish["section"]
        if wish.get("minutes") in WINDOWS:
            self._minutes = wish["minutes"]
        self.look()

    def look(self) -> None:
        """Tell the browser what has changed."""
        state = self.watched.state()
        wanted: dict[str, Value] = {}
        for part in (*self._always, self._sections[self._section]):
            wanted |= part.values(state)
        news: dict[str, Any] = {"values": self._shown.changes(wanted)}
        news["paused"] = state.time is not None and state.time.paused
        if self._section == "overview" and (chart := self._feed.news(self.watched, self._minutes)):
            news["chart"] = chart
        self._call("show", news)

    def order(self, action: Callable[[], object], closes: str = "") -> None:
        """Do it and show what came of it; what is refused is told, and the page shows again what is true.

        closes: the dialog that is done with it.
        """
        try:
            action()
        except (LookupError, ValueError) as error:
            self._call("say", str(error))
        else:
            if closes:
                self._call("close", closes)
        self.look()

    def tell(self, function: str, argument: object) -> None:
        """Call a function of the page's scripts, nullwatt.<function>, with something that is JSON."""
        self._call(function, argument)

    def _call(self, function: str, argument: object) -> None:
        self._client.run_javascript(f"nullwatt.{function}({json.dumps(argument)})")
