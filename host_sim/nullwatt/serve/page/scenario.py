"""Scenarios: events that happen in the running house."""

from functools import partial
from typing import Any

from ..state import State
from .keyed import Keyed
from .live import Value, there
from .session import Session
from .tags import button, tag
from .words import duration


class Scenario:
    """The scenario page of one browser; made only where there is a simulated house."""

    def __init__(self, session: Session) -> None:
        self._session = session
        house = session.watched.house
        assert house is not None
        with tag("div", "card playing", live="playing"):
            with tag("div", "card-head"):
                tag("h2", "", live="scenario-name")
                button("Stop", lambda _: session.order(house.stop_scenario), test="scenario-stop")
            tag("p", "quiet", live="scenario-words")
            self._events = Keyed(tag("ol", "events"), self._event)
        with tag("div", "card"):
            with tag("div", "card-head"):
                tag("h2", "", "Let something happen")
            tag(
                "p",
                "quiet",
                "The events of a scenario happen in this house, from now on. Nothing is undone at its end.",
            )
            with tag("div", "scenario-list"):
                for name in house.scenarios():
                    start = partial(house.start_scenario, name)
                    with tag("div", "setting"):
                        tag("span", "", name.replace("_", " ").replace("-", " ").capitalize())
                        button(
                            "Start", partial(self._start, start), test=f"scenario-{name}", aria_label=f"Start {name}"
                        )

    def _start(self, start: Any, _: object) -> None:
        self._session.order(start)

    @staticmethod
    def _event(text: str) -> Any:
        return tag("li", "", text)

    def values(self, state: State) -> dict[str, Value]:
        """What it shows."""
        scenario = state.scenario
        shown: dict[str, Value] = {"playing": there(scenario is not None)}
        if scenario is not None:
            self._events.match(_numbered(scenario.happened))
            since = "" if state.time is None else f"For {duration(state.time.now_s - scenario.since_s)}: "
            left = {0: "that was all.", 1: "one event still to come."}
            words = left.get(scenario.pending, f"{scenario.pending} events still to come.")
            shown["scenario-name"] = scenario.name.replace("_", " ").replace("-", " ").capitalize()
            shown["scenario-words"] = f"{since}{words}" if since else words.capitalize()
        return shown


def _numbered(happened: list[str]) -> dict[Any, str]:
    """Keys that tell equal lines apart."""
    seen: dict[str, int] = {}
    keys: dict[Any, str] = {}
    for line in happened:
        seen[line] = seen.get(line, 0) + 1
        keys[line, seen[line]] = line
    return keys
