"""What is around every section: the rail (a bar at the bottom of a narrow screen), the head, messages, help."""

from ..state import State
from ..watched import Watched
from .axis import extent
from .bars import placed, track
from .batteries import Batteries
from .compare import Compare
from .controller import Controller
from .editor import Editor
from .house import House
from .live import Value, there
from .overview import Overview
from .scenario import Scenario
from .session import Session
from .tags import dialog, icon, tag
from .time_bar import TimeBar
from .words import grid_word, watts

SECTIONS = {
    "overview": "Overview",
    "batteries": "Batteries",
    "house": "House",
    "controller": "Controller",
    "scenario": "Scenario",
    "home": "Home",
    "compare": "Compare",
}


def path_of(section: str) -> str:
    """Its address."""
    return "/" if section == "overview" else f"/{section}"


def sections(watched: Watched) -> dict[str, str]:
    """The sections that make sense there, with what they are called."""
    state = watched.state()
    there_is = {
        "house": watched.house is not None or state.loads is not None or state.solar is not None,
        "scenario": watched.house is not None,
        "home": watched.house is not None and watched.house.files is not None,
        "compare": watched.house is not None and watched.house.comparing is not None,
    }
    return {name: title for name, title in SECTIONS.items() if there_is.get(name, True)}


class Frame:
    """The whole page of one browser."""

    def __init__(self, session: Session, current: str) -> None:
        self._session = session
        watched = session.watched
        shown = sections(watched)
        tag("a", "skip", "To the content", href="#main")
        with tag("div", "shell", data_section=current if current in shown else "overview", id="shell"):
            self._rail(shown)
            with tag("div", "page"):
                with tag("header", "top"):
                    with tag("div", "top-title"):
                        tag("p", "top-name", watched.title)
                        tag("p", "quiet", watched.where)
                    if watched.clock is not None:
                        session.show(TimeBar(session, watched.clock))
                with tag("div", "content", id="main", tabindex="-1"):
                    tag("p", "lost", role="alert", id="lost", hidden="")
                    tag("p", "lost", role="alert", live="link", test="link", hidden="")
                    for name, title in shown.items():
                        with tag(
                            "section",
                            "section",
                            data_name=name,
                            aria_labelledby=f"title-{name}",
                            test=f"section-{name}",
                        ):
                            tag("h1", "", title, id=f"title-{name}")
                            self._section(name)
        tag("div", "toast", id="toast", role="alert", popover="manual", test="toast")
        self._help(shown)
        session.show(self)

    def _rail(self, shown: dict[str, str]) -> None:
        with tag("nav", "rail", aria_label="Sections"):
            with tag("div", "brand"):
                tag("span", "brand-mark", aria_hidden="true")
                tag("span", "", "nullwatt")
            with tag("div", "rail-links"):
                for place, (name, title) in enumerate(shown.items(), 1):
                    with tag("a", "rail-link", href=path_of(name), data_to=name, data_title=title, test=f"to-{name}"):
                        icon(name)
                        tag("span", "", title)
                        tag("kbd", "", str(place), aria_hidden="true")
            with tag("div", "rail-grid", live="rail-grid"):
                tag("p", "eyebrow", "Grid now")
                tag("p", "rail-number", live="rail-watts")
                track("rail-bar", "grid")
            with tag("div", "rail-foot"):
                with tag(
                    "button", "btn btn-round", type="button", id="theme", test="theme", aria_label="Light or dark"
                ):
                    icon("theme")
                with tag(
                    "button", "btn btn-round", type="button", data_opens="help", test="help", aria_label="Keyboard help"
                ):
                    icon("help")

    def _section(self, name: str) -> None:
        session = self._session
        if name == "overview":
            session.show(Overview(), name)
        elif name == "batteries":
            session.show(Batteries(session), name)
        elif name == "house":
            session.show(House(session, session.watched.state()), name)
        elif name == "controller":
            session.show(Controller(session), name)
        elif name == "home":
            session.show(Editor(session), name)
        elif name == "compare":
            house = session.watched.house
            assert house is not None and house.comparing is not None
            session.show(Compare(session, house.comparing), name)
        else:
            session.show(Scenario(session), name)

    @staticmethod
    def _help(shown: dict[str, str]) -> None:
        keys = {str(place): title for place, title in enumerate(shown.values(), 1)}
        keys |= {"Space": "Pause, or go on", "t": "Light or dark", "?": "This help", "Tab": "To the next control"}
        with dialog("help", "Keyboard", "", None), tag("dl", "keys"):
            for key, words in keys.items():
                with tag("div"):
                    with tag("dt"):
                        tag("kbd", "", key)
                    tag("dd", "", words)

    def values(self, state: State) -> dict[str, Value]:
        """What it shows."""
        cut_off = state.link is not None and not state.link.connected
        link: Value = {"t": state.link.text if state.link is not None else "", **there(cut_off)}
        if state.grid is None:
            return {"link": link, "rail-grid": there(False)}
        total_w, word = state.grid.total, grid_word(state.grid.total)
        return {
            "link": link,
            "rail-grid": there(True),
            "rail-watts": {"t": watts(total_w, signed=True), "a": {"data-word": word}},
            "rail-bar": placed(f"Grid: {watts(total_w, signed=True)}", total_w, extent(abs(total_w)), word=word),
        }
