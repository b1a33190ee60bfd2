"""The home editor without a browser: documents, forms and drawings."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from house_mistakes import FULL, HAND_WRITTEN, changed
from hypothesis import given, settings
from hypothesis import strategies as st

from nullwatt.home import (
    APPLIANCES,
    ConfigError,
    House,
    house_mistakes,
    house_schema,
    load_house_file,
    parse_house,
    parse_text,
)
from nullwatt.lab import HouseFiles
from nullwatt.serve.page.editor import document as home
from nullwatt.serve.page.editor.form import SUFFIXES, UNITS, fields, text_of, value_of
from nullwatt.serve.page.editor.scene import HOME, MAINS, METER, own_mistakes, scene, spots
from nullwatt.serve.page.editor.schema import DEVICE_LISTS, node_at, read_path, written

SUN = "house: sun"
PARTS = [HOME, MAINS, METER, SUN, "house: base load"]


def built() -> home.Document:
    """A home with one of each."""
    document = home.empty()
    for name in DEVICE_LISTS:
        document, _ = home.add(document, name, "kettle" if DEVICE_LISTS[name].kinds else "")
    return document


def read_back(document: home.Document) -> object:
    return parse_text(home.to_yaml(document), "home.yaml")


# -- documents


def test_a_home_from_nothing_can_be_run_and_holds_only_what_is_needed() -> None:
    document = built()
    assert house_mistakes(home.empty()) == ["batteries = []: must not be empty"]
    assert house_mistakes(document) == []
    assert document["batteries"] == [{"mac": "02B250000001", "phase": "A"}]
    assert document["powermeter"]["loads"] == [{"name": "load", "power": 500, "phase": "A"}]
    assert document["weather"] == {"latitude": 52.5, "longitude": 13.4, "timezone": "Europe/Berlin"}
    house = House(parse_house(read_back(document)).house_config())
    house.advance_to(5.0)
    assert {"load", "kettle", "pv", "hybrid"} <= {device.name for device in house.devices}


@pytest.mark.parametrize("kind", [kind for kind in APPLIANCES if kind != "replay"])
def test_every_appliance_can_be_added(kind: str) -> None:
    document, path = home.add(built(), "powermeter.appliances", kind)
    assert house_mistakes(document) == []
    assert home.get(document, path)["kind"] == kind


def test_new_devices_are_called_something_else() -> None:
    document = built()
    for name in ("batteries", "pv", "powermeter.loads"):
        document, _ = home.add(document, name)
    assert [battery["mac"] for battery in document["batteries"]] == ["02B250000001", "02B250000002"]
    assert [plant["name"] for plant in document["pv"]] == ["pv", "pv 2"]
    assert house_mistakes(document) == []


def test_nothing_changes_the_document_it_was_given() -> None:
    document = built()
    before = json.dumps(document)
    home.add(document, "batteries")
    home.remove(document, ("pv", 0))
    home.connect(document, ("batteries", 0), "B")
    home.set_property(document, ("powermeter", "loads", 0, "name"), "lamp")
    home.place(document, "pv", 1, 2)
    assert json.dumps(document) == before


def test_a_device_is_connected_only_to_what_its_model_allows() -> None:
    document, battery, load = built(), ("batteries", 0), ("powermeter", "loads", 0)
    assert home.connections(document, battery) == ["A", "B", "C", "D"]
    assert home.connections(document, load) == ["A", "B", "C"]
    assert home.connected(home.connect(document, battery, "B"), battery) == ["B"]
    assert home.connected(home.connect(document, battery, "D"), battery) == ["A", "B", "C"]
    assert home.connect(document, load, "D") == document
    assert home.connected(document, ("hybrid", 0)) == ["A", "B", "C"], "its usual one"
    assert "phase" not in home.connect(home.connect(document, ("hybrid", 0), "A"), ("hybrid", 0), "D")["hybrid"][0]
    everywhere = home.connect(document, SUN, "D")
    assert everywhere["powermeter"]["solar_phases"] == ["A", "B", "C"]
    one_phase = home.put(document, ("powermeter", "phases"), 1)
    assert home.connections(one_phase, battery) == ["A"] == home.connected(one_phase, "house: base load")
    assert house_mistakes(everywhere) == []


def test_what_is_as_usual_is_not_written() -> None:
    document, path = built(), ("batteries", 0, "capacity_wh")
    more = home.put(document, path, 5120)
    assert more["batteries"][0]["capacity_wh"] == 5120
    assert home.put(more, path, 2560) == document == home.put(more, path, None)
    deep = home.put(document, ("hybrid", 0, "settings", "zero_export"), True)
    assert deep["hybrid"][0]["settings"] == {"zero_export": True}
    assert home.put(deep, ("hybrid", 0, "settings", "zero_export"), False) == document, "no empty section is left"
    assert home.put(document, ("hybrid", 0, "settings", "zero_export"), 1) != document, "1 is not true, and a mistake"


def test_a_section_that_may_be_missing_stays_when_it_is_empty() -> None:
    document = home.add_section(built(), ("grid",))
    assert document["grid"] == {}
    rated = home.put(document, ("grid", "voltage"), 230)
    assert home.put(rated, ("grid", "voltage"), None)["grid"] == {}
    outage = home.add_entry(document, ("grid", "outages"))
    assert outage["grid"] == {"outages": [{"from": 600, "to": 900}]}
    assert house_mistakes(home.add_entry(outage, ("grid", "rota"))) == []
    assert home.remove(outage, ("grid", "outages", 0)) == document
    assert "grid" not in home.remove(document, ("grid",))


def test_what_refers_to_a_device_follows_its_name_and_goes_with_it() -> None:
    document = home.add_entry(built(), ("powermeter", "events"))
    assert document["powermeter"]["events"][0]["load"] == "load"
    document = home.place(document, "load", 30.4, 400)
    renamed = home.set_property(document, ("powermeter", "loads", 0, "name"), "lamp")
    assert renamed["powermeter"]["events"][0]["load"] == "lamp"
    assert renamed["layout"] == {"lamp": [30, 400]}
    assert house_mistakes(renamed) == []
    gone = home.remove(renamed, ("powermeter", "loads", 0))
    assert "events" not in gone["powermeter"] and "layout" not in gone
    assert house_mistakes(gone) == []


def test_undo_and_redo() -> None:
    history = home.History(home.empty())
    first, _ = home.add(home.empty(), "batteries")
    history = history.then(first).then(home.place(first, "02B250000001", 5, 5), "move")
    history = history.then(home.place(first, "02B250000001", 9, 9), "move")
    assert history.then(history.now) is history
    assert history.undone().now == first, "keys that move one device count as one"
    assert history.undone().undone().now == home.empty()
    assert history.undone().undone().undone().redone().redone().now == history.now
    assert not history.undone().then(home.empty()).after


# -- round trip


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ["on", "yes", "null", "1e5", "02B250000001", "12E456789012", "2026-01-05", "a: b", "#", "0x1F", "~", "18:00", "<<"]
)
SCALARS = st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.floats(allow_nan=False) | TEXTS
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4))


@given(st.dictionaries(TEXTS, JSON, max_size=5))
@settings(max_examples=60, deadline=None)
def test_what_is_saved_is_read_again_whatever_it_holds(document: home.Document) -> None:
    assert read_back(document) == document
    assert home.is_document(document)


DOCS = Path(__file__).parents[2] / "docs"
BLOCK = re.compile(r"^```yaml house\n(.*?)^```", re.DOTALL | re.MULTILINE)
WRITTEN = [
    text
    for page in ("simulator", "weather-and-solar", "grid-and-tariffs", "page")
    for text in BLOCK.findall((DOCS / f"{page}.md").read_text())
]
HOUSES = [FULL, *map(yaml.safe_load, WRITTEN)]


@pytest.mark.parametrize("house", HOUSES)
def test_houses_survive_and_every_key_has_a_field(house: dict[str, Any]) -> None:
    again = read_back(house)
    assert house_mistakes(again) == house_mistakes(house)
    shown = scene(house, HOME, [])
    paths = set()
    for chosen in [*PARTS, *(device["id"] for device in shown["devices"])]:
        paths |= set(leaves(scene(house, chosen, [])["form"]["fields"]))

    def keys(value: object, path: tuple[Any, ...]) -> Any:
        node = node_at(house, path)
        if isinstance(value, dict) and (node is None or node.is_section):
            for key, inner in value.items():
                yield from keys(inner, (*path, key))
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            for place, inner in enumerate(value):
                yield from keys(inner, (*path, place))
        elif path[0] != "layout" and path[-1] != "kind":
            yield written(path)

    assert set(keys(house, ())) <= paths


def leaves(shown: list[dict[str, Any]]) -> Any:
    for field in shown:
        yield field["path"]
        yield from leaves(field.get("fields", []))
        for entry in field.get("entries", []):
            yield from leaves(entry["fields"])


STEPS = st.one_of(
    st.tuples(st.just("add"), st.sampled_from(sorted(DEVICE_LISTS))),
    st.tuples(st.just("remove"), st.integers(0, 5)),
    st.tuples(st.just("connect"), st.integers(0, 5), st.sampled_from("ABCD")),
    st.tuples(st.just("place"), st.integers(0, 5), st.integers(0, 900), st.integers(0, 900)),
    st.tuples(st.just("name"), st.integers(0, 5), st.sampled_from(["x", "on", "1e5", "ä", "house: sun"])),
    st.tuples(st.just("undo")),
)


@given(st.lists(STEPS, max_size=12))
@settings(max_examples=30, deadline=None)
def test_whatever_is_done_is_drawn_saved_and_undone(steps: list[tuple[Any, ...]]) -> None:
    history = home.History(built())
    for what, *rest in steps:
        now = history.now
        devices = [read_path(one["id"]) for one in scene(now, HOME, [])["devices"] if not one["fixed"]]
        device = devices[rest[0] % len(devices)] if devices and what not in ("add", "undo") else None
        if what == "add":
            kinds = DEVICE_LISTS[rest[0]].kinds
            history = history.then(home.add(now, rest[0], kinds[0] if kinds else "")[0])
        elif what == "undo":
            history = history.undone()
        elif device is None:
            continue
        elif what == "remove":
            history = history.then(home.remove(now, device))
        elif what == "connect":
            history = history.then(home.connect(now, device, rest[1]))
        elif what == "place":
            history = history.then(home.place(now, home.names(now)[device], rest[1], rest[2]))
        elif device[0] != "batteries":
            history = history.then(home.set_property(now, (*device, "name"), rest[1]))
    document = history.now
    assert read_back(document) == document
    mistakes = house_mistakes(document)
    json.dumps(scene(document, "batteries[0]", mistakes), allow_nan=False)
    # What can go wrong this way is a name that is taken, a house without batteries, and what follows from them.
    assert all(re.search(r"\.name|^batteries = \[\]", line) for line in mistakes), mistakes
    while history.before:
        history = history.undone()
    assert history.now == built()


# -- drawings and forms


@given(st.dictionaries(st.sampled_from(["batteries", "powermeter", "pv", "hybrid", "weather", "layout", "grid"]), JSON))
@settings(max_examples=60, deadline=None)
def test_anything_can_be_drawn(document: home.Document) -> None:
    mistakes = house_mistakes(document)
    shown = scene(document, HOME, mistakes)
    for device in shown["devices"]:
        json.dumps(scene(document, device["id"], mistakes))


def test_mistakes_are_the_lines_of_the_command_line_beside_their_fields() -> None:
    for place, value, expected in HAND_WRITTEN:
        document = changed(place, value)
        mistakes = house_mistakes(document)
        with pytest.raises(ConfigError) as raised:
            parse_house(document, "home")
        assert str(raised.value) == f"home: {mistakes[0]}"
        assert expected in mistakes[0]
        drawn = scene(document, HOME, mistakes)
        told = [
            drawn,
            *(scene(document, device["id"], mistakes) for device in drawn["devices"] if device["bad"]),
            *(scene(document, part, mistakes) for part in (MAINS, METER)),
        ]
        beside = {line for one in told for line in [*one["form"]["mistakes"], *beside_fields(one["form"]["fields"])]}
        assert mistakes[0] in beside, mistakes[0]


def beside_fields(shown: list[dict[str, Any]]) -> Any:
    for field in shown:
        yield from field["mistakes"]
        yield from beside_fields(field.get("fields", []))
        for entry in field.get("entries", []):
            yield from entry["mistakes"]
            yield from beside_fields(entry["fields"])


def test_several_mistakes_are_told_at_once() -> None:
    document = home.put(built(), ("batteries", 0, "capacity_wh"), "much")
    document = home.put(document, ("pv", 0, "phase"), "E")
    mistakes = house_mistakes(document)
    assert own_mistakes(mistakes, "batteries[0].capacity_wh") == ['batteries[0].capacity_wh = "much": must be a number']
    assert own_mistakes(mistakes, "pv[0].phase") == ["pv[0].phase = \"E\": must be 'A', 'B', 'C' or 'D'"]
    bad = {device["id"] for device in scene(document, HOME, mistakes)["devices"] if device["bad"]}
    assert bad == {"batteries[0]", "pv[0]"}


def test_a_field_tells_type_unit_range_default_and_what_the_model_says() -> None:
    shown = {field["path"]: field for field in fields(FULL, ("batteries", 0))}
    soc, delay, phase = (shown[f"batteries[0].{key}"] for key in ("initial_soc", "startup_delay", "phase"))
    assert (soc["kind"], soc["value"], soc["usual"], soc["range"]) == ("number", "0.4", "0.5", "from 0 to 1")
    assert (delay["unit"], delay["value"], delay["usual"]) == ("s", "", "2")
    assert (phase["kind"], phase["choices"], phase["required"]) == ("choice", ["A", "B", "C", "D"], True)
    assert shown["batteries[0].ratio"]["help"] == "Percent."
    weather = {field["key"]: field for field in fields(FULL, ("weather",))}
    assert weather["latitude"]["help"] == "Degrees, + = north and east."
    assert weather["clouds"]["help"] == "Mean cover 0 ... 1."


def test_units_are_those_of_keys_that_exist() -> None:
    def keys(schema: object) -> Any:
        if isinstance(schema, dict):
            yield from schema.get("properties", {})
            for inner in schema.values():
                yield from keys(inner)
        elif isinstance(schema, list):
            for inner in schema:
                yield from keys(inner)

    known = set(keys(house_schema()))
    assert set(UNITS) <= known
    assert all(any(key.endswith(end) for key in known) for end in SUFFIXES)


@pytest.mark.parametrize("house", [FULL])
def test_what_is_shown_and_not_touched_stays_as_it_is(house: dict[str, Any]) -> None:
    for chosen in [*PARTS, *(device["id"] for device in scene(house, HOME, [])["devices"])]:
        for field in flat(scene(house, chosen, [])["form"]["fields"]):
            if field.get("value") and field["kind"] not in ("section", "sections"):
                node = node_at(house, read_path(field["path"]))
                assert node is not None
                assert value_of(field["value"], node) == home.get(house, read_path(field["path"])), field["path"]


def flat(shown: list[dict[str, Any]]) -> Any:
    for field in shown:
        yield field
        yield from flat(field.get("fields", []))
        for entry in field.get("entries", []):
            yield from flat(entry["fields"])


def test_what_is_no_number_stays_as_it_was_written() -> None:
    node = node_at(FULL, ("batteries", 0, "capacity_wh"))
    base = node_at(FULL, ("powermeter", "base_load"))
    assert node is not None and base is not None
    assert [value_of(text, node) for text in ("5", " 2.5 ", "1e3", "five", "1,5", "nan", "")] == [
        *(5, 2.5, 1000.0, "five", "1,5", "nan", None)
    ]
    assert value_of("1, 2.5,x", base) == [1, 2.5, "x"]
    assert [text_of(value) for value in (2560.0, 0.5, True, None, ["A", "B"])] == ["2560", "0.5", "true", "", "A, B"]


def test_devices_have_places_of_their_own_and_keep_them() -> None:
    document = built()
    first = spots(document, {})
    assert len(set(first.values())) == len(first)
    named = home.names(document)
    kept = {one if "house" in one else named[read_path(one)]: spot for one, spot in first.items()}
    more, _ = home.add(document, "powermeter.loads")
    then = spots(more, kept)
    assert {one: then[one] for one in first} == first
    moved = spots(home.place(more, "pv", 700, 500), kept)
    assert moved["pv[0]"] == (700, 500)
    assert all(moved[one] == first[one] for one in first if one != "pv[0]")


@pytest.mark.parametrize("text", ["batteries[0].mac", "powermeter.sun.start", "pv[12].strings[0].tilt", "date"])
def test_paths_are_read_as_they_are_written(text: str) -> None:
    assert written(read_path(text)) == text
    for wrong in (f"{text}]", f"{text}.", f"{text} x"):
        with pytest.raises(ValueError, match="is no path"):
            read_path(wrong)


# -- files


def test_the_running_house_is_given_as_it_was_written_but_for_the_password(tmp_path: Path) -> None:
    (tmp_path / "sky.csv").write_text("time,ghi\n2026-06-21T00:00,100\n2026-06-21T12:00,700\n")
    document = changed(("weather", "file"), "sky.csv")
    (tmp_path / "home.yaml").write_text(home.to_yaml(document))
    files = HouseFiles(load_house_file(tmp_path / "home.yaml"), tmp_path)
    running = files.running()
    assert "secret" not in json.dumps(running)
    assert running["mqtt_insights"].pop("broker") == "mqtt://192.0.2.1:1884"
    document["mqtt_insights"].pop("broker")
    assert running == document
    assert files.mistakes(running) == []


def test_a_browser_reads_no_files_but_those_beside_the_house_file(tmp_path: Path) -> None:
    own = parse_house({"batteries": [{"mac": "02B250000001", "phase": "A"}]})
    (tmp_path / "below").mkdir()
    (tmp_path / "secret.csv").write_text("password\n")
    files = HouseFiles(own, tmp_path / "below")
    for name in ("../secret.csv", str(tmp_path / "secret.csv"), "/etc/passwd"):
        document = home.put(built(), ("weather", "file"), name)
        (line,) = files.mistakes(document)
        assert line == f"weather.file = {name!r}: on the page only files beside the house file can be named"
    assert "cannot be read" in files.mistakes(home.put(built(), ("weather", "file"), "no.csv"))[0]
    assert not files.restarts


def test_batteries_that_nobody_makes_are_told_as_on_the_command_line() -> None:
    own = parse_house({"batteries": [{"mac": "02B250000001", "phase": "A"}]})
    (line,) = HouseFiles(own).mistakes(home.put(built(), ("batteries", 0, "law"), "rampp"))
    assert line.startswith("batteries[0].law") and "ramp" in line
