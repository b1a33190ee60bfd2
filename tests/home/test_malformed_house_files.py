"""Every mistake in a house file is one line that names where and, for a misspelling, the nearest valid thing."""

import copy
import difflib
import json
import math
import re
import tempfile
from pathlib import Path
from typing import Any

import pytest
from house_mistakes import FULL, HAND_WRITTEN, A, Place, at, changed
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from nullwatt.home import APPLIANCES, ConfigError, house_schema, load_house_file, parse_house


def misspelt(place: Place, key: str) -> dict[str, Any]:
    document = copy.deepcopy(FULL)
    section = at(document, place[:-1])
    section[key] = section.pop(place[-1])
    return document


def places(document: Any, here: Place = ()) -> list[Place]:
    """Where every value of the document is, sections included."""
    inside = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    found = [here] if here else []
    for key, value in inside:
        found += places(value, (*here, key))
    return found


def path_of(place: Place) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).lstrip(".")


def line_for(document: object) -> str:
    with pytest.raises(ConfigError) as caught:
        parse_house(document, "h.json")
    text = str(caught.value)
    assert "\n" not in text and text.startswith("h.json: ") and text.isprintable() and len(text) < 400
    return text.removeprefix("h.json: ")


def test_the_full_file_is_a_house() -> None:
    parse_house(FULL)


@pytest.mark.parametrize(("place", "value", "message"), HAND_WRITTEN)
def test_hand_written_mistakes(place: Place, value: object, message: str) -> None:
    line = line_for(changed(place, value))
    assert message in line and "hunter2" not in line


@pytest.mark.parametrize("document", ["u:hunter2@h", [{"mqtt_insights": {"broker": "u:hunter2@h"}}]])
def test_a_file_that_is_no_object_shows_no_password(document: object) -> None:
    assert "hunter2" not in line_for(document)


@pytest.mark.parametrize("value", ["*hunter2", "!hunter2", "!hunter2 x", "&hunter2 *x", "hunter2: x", "%hunter2"])
def test_a_password_that_is_no_yaml_is_not_shown(tmp_path: Path, value: str) -> None:
    path = tmp_path / "h.yaml"
    path.write_text(f"mqtt_insights:\n  password: {value}\n")
    with pytest.raises(ConfigError) as caught:
        load_house_file(path)
    assert "hunter2" not in str(caught.value) and str(caught.value).startswith(str(path))


def test_a_name_that_would_break_the_line_is_escaped() -> None:
    document = changed((*A, 0, "name"), "te\na\x1b[0m")
    assert r"no such load (allowed: lamp, te\na\x1b[0m, oven" in line_for(document)


def test_a_phase_the_house_does_not_have() -> None:
    document = {**FULL, "powermeter": {"phases": 1, "appliances": FULL["powermeter"]["appliances"][:1]}}
    assert line_for(document).startswith('powermeter.appliances[0].phase = "B": this house has only phase A')


_PLACES = places(FULL)
_KEYS = [place for place in _PLACES if isinstance(place[-1], str)]


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(_KEYS), st.data())
def test_a_misspelt_key_is_named_with_its_place_and_its_cure(place: Place, data: st.DataObject) -> None:
    key = str(place[-1])
    index = data.draw(st.integers(0, len(key) - 1))
    letter = data.draw(st.sampled_from("abcxyz_"))
    wrong = data.draw(st.sampled_from([key[:index] + key[index + 1 :], key[:index] + letter + key[index:]]))
    section = at(FULL, place[:-1])
    assume(len(key) > 3 and wrong != key and wrong not in section and key != "kind")
    document = misspelt(place, wrong)
    assume(wrong not in _valid_keys(place[:-1]))
    text = line_for(document)
    assert text.startswith(f"{path_of((*place[:-1], wrong))} = ")
    assert f'did you mean "{key}"?' in text or _as_near(wrong, key, text)


def _as_near(wrong: str, key: str, text: str) -> bool:
    """Another key as near as the one meant was proposed (base_load and base_noise, on_s and off_s)."""
    proposed = text.rpartition('"')[0].rpartition('"')[2]
    return difflib.SequenceMatcher(None, wrong, proposed).ratio() >= difflib.SequenceMatcher(None, wrong, key).ratio()


def _valid_keys(place: Place) -> set[str]:
    """The keys of the section at a place, by the schema."""
    found: list[str] = []

    def seek(schema: Any, document: Any, rest: Place) -> None:
        schema = resolve(schema, document)
        if not rest:
            found.extend(schema.get("properties", ()))
        elif isinstance(rest[0], int):
            seek(schema["items"], document[rest[0]], rest[1:])
        else:
            seek(schema["properties"][rest[0]], document[rest[0]], rest[1:])

    seek(SCHEMA, FULL, place)
    return set(found)


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from(_PLACES),
    st.sampled_from([None, "x", -1, 1e9, math.nan, math.inf, [], {}, [1], {"x": 1}, True, "\n", "ä", 10**30, [[]]]),
)
def test_a_wrong_value_is_named_with_its_place(place: Place, value: object) -> None:
    document = changed(place, value)
    try:
        parse_house(document)
    except ConfigError:
        text = line_for(document)
        # A rule between two keys may name the other one, but in the same section.
        assert text.startswith(path_of(place[:1])), text
        if not accepts(SCHEMA, document) and finite(document):
            assert text.startswith((path_of(place), path_of(place[:-1]))), text
    else:
        assert accepts(SCHEMA, document)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 3000), st.sampled_from([".json", ".yaml"]), st.binary(max_size=3))
def test_a_damaged_file_is_one_line_or_still_a_house(cut: int, suffix: str, junk: bytes) -> None:
    text = json.dumps(FULL, indent=1).encode()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"h{suffix}"
        path.write_bytes(text[:cut] + junk + text[cut + 2 :])
        try:
            load_house_file(path)
        except ConfigError as error:
            assert "\n" not in str(error) and str(error).startswith(str(path))


# -- the JSON Schema ---------------------------------------------------------------------------

SCHEMA = house_schema()


def resolve(schema: Any, document: Any) -> Any:
    if "$ref" in schema:
        return resolve(SCHEMA["$defs"][schema["$ref"].removeprefix("#/$defs/")], document)
    if "discriminator" in schema:
        kind = document.get("kind") if isinstance(document, dict) else None
        target = schema["discriminator"]["mapping"].get(kind) if isinstance(kind, str) else None
        return resolve({"$ref": target}, document) if target else {"not": {}}
    return schema


_TYPES: dict[str, Any] = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "number": (int, float),
    "integer": int,
    "null": type(None),
}


def accepts(schema: Any, value: Any) -> bool:
    """The part of JSON Schema that ours uses, as its specification reads."""
    schema = resolve(schema, value)
    if "not" in schema:
        return False
    if "anyOf" in schema and not any(accepts(option, value) for option in schema["anyOf"]):
        return False
    if "const" in schema and value != schema["const"]:
        return False
    if "enum" in schema and value not in schema["enum"]:
        return False
    if "type" in schema:
        kind = _TYPES[schema["type"]]
        if not isinstance(value, kind) or (isinstance(value, bool) and schema["type"] != "boolean"):
            return False
    if isinstance(value, dict):
        known = schema.get("properties", {})
        if schema.get("additionalProperties") is False and set(value) - set(known):
            return False
        missing = set(schema.get("required", ())) - set(value)
        return not missing and all(accepts(known[key], inner) for key, inner in value.items() if key in known)
    if isinstance(value, list):
        fits = schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", math.inf)
        return fits and all(accepts(schema.get("items", {}), inner) for inner in value)
    if isinstance(value, str):
        return len(value) >= schema.get("minLength", 0) and bool(re.search(schema.get("pattern", ""), value))
    if isinstance(value, int | float) and not isinstance(value, bool):
        above = value >= schema.get("minimum", -math.inf) and value > schema.get("exclusiveMinimum", -math.inf)
        return above and value <= schema.get("maximum", math.inf)
    return True


def finite(value: Any) -> bool:
    """JSON has no NaN and no infinity."""
    if isinstance(value, dict):
        return all(map(finite, value.values()))
    if isinstance(value, list):
        return all(map(finite, value))
    return not isinstance(value, float) or math.isfinite(value)


def test_schema_is_plain_json_and_names_every_appliance() -> None:
    schema = json.loads(json.dumps(SCHEMA, allow_nan=False))
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    items = schema["$defs"]["PowermeterSection"]["properties"]["appliances"]["items"]
    assert set(items["discriminator"]["mapping"]) == set(APPLIANCES)
    for reference in items["oneOf"]:
        assert schema["$defs"][reference["$ref"].removeprefix("#/$defs/")]["additionalProperties"] is False


def test_schema_accepts_what_the_parser_accepts() -> None:
    assert accepts(SCHEMA, FULL)
    assert accepts(SCHEMA, {"batteries": [{"mac": "02B250000001", "phase": "D"}]})
    assert not accepts(SCHEMA, {"batteries": [{"mac": "02B250000001", "phas": "D"}]})
    assert not accepts(SCHEMA, {})
