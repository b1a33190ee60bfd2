"""The home editor of one browser: what it asks for, step by step, and the drawing it gets back."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from nicegui import Client, events, ui

from nullwatt.home import ConfigError, parse_text

from ...state import State
from ..live import Value, there
from ..session import Session
from ..tags import button, dialog, icon, tag, text_field
from . import document as home
from .document import History
from .form import value_of
from .scene import FARTHEST, HOME, Spot, path_of, scene, spots, title
from .schema import DEVICE_LISTS, Path, node_at, read_path, written

#: Of a file; it is checked and written anew with every change.
_MOST_CHARACTERS = 200_000


class Editor:
    """The section of the page; made only where there are house files."""

    def __init__(self, session: Session) -> None:
        self._session = session
        house = session.watched.house
        assert house is not None and house.files is not None
        self._files = house.files
        self._history = History(home.empty())
        self._chosen = HOME
        self._places: dict[str, Spot] = {}
        self._name = "home.yaml"
        self._refused = ""
        self._steps = {
            "start": self._start,
            "choose": lambda order: None,
            "add": self._add,
            "remove": self._remove,
            "move": self._move,
            "connect": self._connect,
            "set": self._set,
            "grow": self._grow,
            "shrink": self._shrink,
            "undo": lambda order: self._turn(self._history.undone()),
            "redo": lambda order: self._turn(self._history.redone()),
        }
        self._build()
        ui.on("edit", self._asked)

    # -- what is on the page

    def _build(self) -> None:
        tag("p", "quiet ed-words", "Put a home together and save it as a house file. The running house stays as it is.")
        with tag("div", "ed-bar", role="group", aria_label="The drawing"):
            button("This house", lambda _: self._open_running(), "btn-small", "edit-running")
            button("Empty", lambda _: self._open_empty(), "btn-small", "edit-empty")
            button("Open\N{HORIZONTAL ELLIPSIS}", None, "btn-small", "edit-open", data_opens="open-home")
            button("Undo", None, "btn-small", "edit-undo", data_does="undo", disabled="")
            button("Redo", None, "btn-small", "edit-redo", data_does="redo", disabled="")
            button("Save YAML", None, "btn-small btn-main", "edit-save", data_does="save")
            button("Copy", None, "btn-small", "edit-copy", data_does="copy")
            if self._files.restarts:
                button("Use this home now", self._use, "btn-small", "edit-use")
        with tag("div", "ed-bar", role="group", aria_label="Add"):
            for list_name, one in DEVICE_LISTS.items():
                if one.kinds:
                    self._kinds(list_name, one.kinds)
                    continue
                with button(title(list_name), None, "btn-small", f"edit-add-{list_name}", data_adds=list_name):
                    icon("plus")
        with tag("div", "ed-desk"):
            tag("div", "card ed-canvas", id="ed-canvas", test="edit-canvas")
            tag(
                "div",
                "card ed-form",
                id="ed-form",
                test="edit-form",
                aria_label="Properties",
                role="region",
                tabindex="-1",
            )
        tag("div", "ed-told", id="ed-told", role="status", test="edit-told")
        with tag("details", "card ed-yaml"):
            tag("summary", "", "The house file")
            tag("p", "quiet", "", live="edit-command")
            tag("textarea", "ed-text", id="ed-yaml", test="edit-yaml", readonly="", rows=16, aria_label="YAML")
        with dialog("open-home", "Open a house file", "Open", self._open):
            with tag("label", "field"):
                tag("span", "", "From this device")
                tag("input", type="file", accept=".yaml,.yml,.json", id="ed-file", test="edit-file")
            text_field("Name", "name", "home.yaml", id="ed-name")
            with tag("label", "field"):
                tag("span", "", "Or as text, YAML")
                tag("textarea", "ed-text", name="text", rows=10, id="ed-open", spellcheck="false", test="edit-text")
            tag("p", "ed-bad", live="edit-refused", role="alert", test="edit-refused")

    @staticmethod
    def _kinds(list_name: str, kinds: list[str]) -> None:
        words, test = title(list_name), f"edit-add-{list_name}"
        with tag("select", "ed-kinds", aria_label=f"Add: {words}", data_adds=list_name, test=test):
            tag("option", "", f"+ {words}\N{HORIZONTAL ELLIPSIS}", value="")
            for kind in kinds:
                tag("option", "", kind.replace("_", " "), value=kind)

    def values(self, state: State) -> dict[str, Value]:
        """What it shows beside the drawing."""
        return {
            "edit-refused": {"t": self._refused, **there(bool(self._refused))},
            "edit-command": f"Run it with: nullwatt sim run -c {self._name}",
        }

    def _show(self) -> None:
        now = self._history.now
        shown = scene(now, self._chosen, self._files.mistakes(now), self._places)
        self._chosen = shown["chosen"]
        named = home.names(now)
        for identity, spot in spots(now, self._places).items():
            path = path_of(now, identity)
            self._places[identity if path is None else named.get(path, "")] = spot
        self._places.pop("", None)
        self._session.tell(
            "drawHome",
            shown
            | {
                "yaml": home.to_yaml(now),
                "file": self._name,
                "undo": bool(self._history.before),
                "redo": bool(self._history.after),
            },
        )

    # -- whole files

    def _turn(self, history: History) -> None:
        self._history = history

    def _replace(self, document: home.Document, name: str) -> None:
        self._name = name
        self._places = {}
        self._chosen = HOME
        self._history = self._history.then(document)
        self._show()

    def _open_running(self) -> None:
        self._session.order(lambda: self._replace(self._files.running(), "home.yaml"))

    def _open_empty(self) -> None:
        self._session.order(lambda: self._replace(home.empty(), "home.yaml"))

    def _open(self, form: Mapping[str, Any]) -> None:
        def opened() -> None:
            name = str(form.get("name") or "home.yaml").strip()
            name = name if name.endswith((".yaml", ".yml", ".json")) else f"{name}.yaml"
            self._refused = ""
            try:
                document = self._read(str(form.get("text") or ""), name)
            except ValueError as error:
                self._refused = str(error)
                raise
            self._replace(document, f"{name.rpartition('.')[0]}.yaml")

        self._session.order(opened, closes="open-home")

    def _read(self, text: str, name: str) -> home.Document:
        """A file that can be run. ValueError with the line that the command line would say."""
        if len(text) > _MOST_CHARACTERS:
            raise ValueError(f"{name}: is too large, must be at most {_MOST_CHARACTERS // 1000} kB")
        try:
            document = parse_text(text, name)
        except ConfigError as error:
            raise ValueError(str(error)) from None
        # One that holds itself is no document, and to be told so by whoever knows.
        found = self._files.mistakes(document if home.is_document(document) else str(type(document)))
        if found:
            raise ValueError(f"{name}: {found[0]}")
        assert isinstance(document, dict)
        return document

    async def _use(self, _: object) -> None:
        try:
            await self._files.use(self._history.now)
        except ValueError as error:
            self._session.tell("say", str(error))
            return
        # Every page is made for the house it was made with.
        for client in list(Client.instances.values()):
            client.run_javascript("location.reload()")

    # -- steps

    def _asked(self, event: events.GenericEventArguments) -> None:
        """The browser wants something done; what makes no sense is left alone, and it gets the drawing as it is."""
        order = event.args if isinstance(event.args, dict) else {}
        step = self._steps.get(str(order.get("do")))
        if step is None:
            return
        if isinstance(order.get("id"), str):
            self._chosen = order["id"]
        self._session.order(partial(self._take, step, order))

    def _take(self, step: Any, order: Mapping[str, Any]) -> None:
        try:
            step(order)
        finally:
            self._show()

    def _then(self, document: home.Document, mark: str = "") -> None:
        self._history = self._history.then(document, mark)

    def _start(self, order: Mapping[str, Any]) -> None:
        """The section is looked at: with what this browser still has of it, or the running house."""
        kept, name = order.get("kept"), order.get("file")
        document: object = None
        if isinstance(kept, str) and len(kept) <= _MOST_CHARACTERS:
            try:
                document = parse_text(kept, "home.yaml")
            except ConfigError:
                document = None
        if isinstance(document, dict) and home.is_document(document):
            self._history = History(document)
            self._name = name if isinstance(name, str) and name.isprintable() else self._name
        elif not self._history.before:
            self._history = History(self._files.running())

    def _add(self, order: Mapping[str, Any]) -> None:
        document, path = home.add(self._history.now, str(order.get("list")), str(order.get("kind") or ""))
        self._then(document)
        self._chosen = written(path)

    def _device(self, order: Mapping[str, Any]) -> Path | str | None:
        identity = str(order.get("id"))
        return identity if identity in home.FIXED else path_of(self._history.now, identity)

    def _remove(self, order: Mapping[str, Any]) -> None:
        device = self._device(order)
        if not isinstance(device, tuple):
            raise ValueError("this is a part of every home")
        self._then(home.remove(self._history.now, device))
        self._chosen = HOME

    def _move(self, order: Mapping[str, Any]) -> None:
        device, spot = self._device(order), (order.get("x"), order.get("y"))
        x, y = (float(one) if type(one) in (int, float) else -1.0 for one in spot)  # type: ignore[arg-type]
        if device is None or not (0 <= x <= FARTHEST and 0 <= y <= FARTHEST):
            return
        name = device if isinstance(device, str) else home.names(self._history.now).get(device)
        if name:
            self._then(home.place(self._history.now, name, x, y), f"move {name}" if order.get("key") is True else "")

    def _connect(self, order: Mapping[str, Any]) -> None:
        device = self._device(order)
        if device is not None:
            self._then(home.connect(self._history.now, device, str(order.get("phase"))))

    def _path(self, order: Mapping[str, Any]) -> Path:
        path = read_path(str(order.get("path")))
        if not path or node_at(self._history.now, path) is None:
            raise ValueError(f"{order.get('path')}: there is no such key")
        return path

    def _set(self, order: Mapping[str, Any]) -> None:
        path, now = self._path(order), self._history.now
        node = node_at(now, path)
        assert node is not None
        value = value_of(str(order.get("text") or ""), node)
        self._then(home.set_property(now, path, value))

    def _grow(self, order: Mapping[str, Any]) -> None:
        path, now = self._path(order), self._history.now
        node = node_at(now, path)
        assert node is not None
        self._then(home.add_section(now, path) if node.is_section else home.add_entry(now, path))

    def _shrink(self, order: Mapping[str, Any]) -> None:
        self._then(home.remove(self._history.now, self._path(order)))
