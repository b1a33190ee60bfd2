"""Homes compared beside a running house: the simulation is in other processes, a thread here only listens to them."""

import threading
from typing import Any

import yaml

from nullwatt.home import ConfigError, read_text
from nullwatt.serve import Comparison

from .house_files import HouseFiles
from .what_if import MOST_DAYS, Home, WhatIfError, what_if

#: Of a house file; more is a mistake, and would take long to read.
MOST_CHARACTERS = 60_000
#: Of its loads; more of them nobody reads.
MOST_EVENTS = 100
#: How the house is reached and watched: nothing of the home, and it may hold passwords.
_NOT_THE_HOME = {"ct", "http", "mqtt_insights", "log_interval", "time_scale", "auto_mode", "auto_interval", "layout"}


def as_text(document: dict[str, Any]) -> str:
    """A house file as YAML, without what is not the home; with a comment instead of very many events."""
    home = {key: value for key, value in document.items() if key not in _NOT_THE_HOME}
    power = home.get("powermeter", {})
    events = len(power.get("events", []))
    if events > MOST_EVENTS:
        home["powermeter"] = {key: value for key, value in power.items() if key != "events"}
    text = str(yaml.safe_dump(home, sort_keys=False, allow_unicode=True, width=100, default_flow_style=None))
    return f"# {events} events of loads are left out\n{text}" if events > MOST_EVENTS else text


class HomeComparing:
    """See `nullwatt.serve.Comparing`. Homes may name the files that `HouseFiles` lets them."""

    def __init__(self, files: HouseFiles) -> None:
        self._files = files
        self._state: Comparison | None = None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def own(self) -> str:
        """The file of the running house, without what is not the home."""
        return as_text(self._files.running())

    def check(self, text: str, name: str) -> None:
        """Check a house file; ValueError."""
        self._home(text, name)

    def start(self, texts: list[str], names: list[str], days: int) -> None:
        """Begin; ValueError."""
        if self._thread is not None and self._thread.is_alive():
            raise ValueError("a comparison is running; stop it first")
        if not 1 <= days <= MOST_DAYS:
            raise ValueError(f"days: {days} must be within 1 and {MOST_DAYS}")
        homes = [self._home(text, name) for text, name in zip(texts, names, strict=True)]
        self._stop = threading.Event()
        state = self._state = Comparison(names=names, days=days, running=True, done=0.0)
        self._thread = threading.Thread(target=self._run, args=(homes, state, self._stop), name="what-if", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Forget the one that runs."""
        self._stop.set()

    def close(self) -> None:
        """Stop, and wait until its processes are gone."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(5.0)

    def state(self) -> Comparison | None:
        """The latest; None = there was none."""
        return self._state

    def _run(self, homes: list[Home], state: Comparison, stop: threading.Event) -> None:
        def progress(done: float) -> None:
            self._state = state.model_copy(update={"done": done})

        try:
            results = what_if(homes, state.days, progress, stop.is_set)
            self._state = state.model_copy(update={"running": False, "done": 1.0, "homes": results})
        except WhatIfError as error:
            self._state = state.model_copy(update={"running": False, "failed": str(error)})

    def _home(self, text: str, name: str) -> Home:
        if len(text) > MOST_CHARACTERS:
            raise ValueError(f"{name}: is longer than {MOST_CHARACTERS} characters")
        try:
            document = read_text(text, name)
        except ConfigError as error:
            raise ValueError(str(error)) from None
        try:
            return Home.of(self._files.checked(document), name)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None
