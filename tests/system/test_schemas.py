"""`nullwatt sim schema` and `lab schema`: an editor accepts what the programs accept, as far as a schema goes."""

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from house_mistakes import FULL
from jsonschema import Draft202012Validator
from typer.testing import CliRunner

from nullwatt.cli.main import app
from nullwatt.lab import shipped

TEXT = (Path(__file__).parents[2] / "docs" / "simulator.md").read_text()


def printed(verb: str) -> Draft202012Validator:
    result = CliRunner().invoke(app, [verb, "schema"])
    assert result.exit_code == 0, result.output
    schema = json.loads(result.stdout)
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def documents(language: str) -> list[Any]:
    return [yaml.safe_load(text) for text in re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)]


def misspelt(document: Any) -> list[Any]:
    """The document with one of its keys misspelt, for each key in it; those of a layout are names."""
    if isinstance(document, list):
        return [[*document[:i], bad, *document[i + 1 :]] for i, item in enumerate(document) for bad in misspelt(item)]
    if not isinstance(document, dict):
        return []
    found = [{**document, key: bad} for key, value in document.items() if key != "layout" for bad in misspelt(value)]
    return found + [
        {f"{other}x" if other == key else other: value for other, value in document.items()} for key in document
    ]


def test_house_files_of_the_docs_are_valid_and_no_misspelt_key_is() -> None:
    schema = printed("sim")
    fragments = [
        {"batteries": [{"mac": "02B250000001", "phase": "A"}], "powermeter": part}
        for part in documents("yaml fragment")
    ]
    houses = [FULL, *documents("yaml house"), *fragments]
    assert len(houses) >= 3
    for house in houses:
        schema.validate(house)
        wrong = misspelt(house)
        assert wrong and not any(schema.is_valid(each) for each in wrong)


def test_scenario_files_are_valid_and_no_misspelt_key_is() -> None:
    schema = printed("lab")
    scenarios = [*documents("yaml scenario"), *(yaml.safe_load(path.read_text()) for path in shipped().values())]
    assert len(scenarios) > 6
    for scenario in scenarios:
        schema.validate(scenario)
        # Names of options, of metrics and of commands are not in the schema.
        wrong = [each for each in misspelt(scenario) if not _differs_in_names(each, scenario)]
        assert wrong and not any(schema.is_valid(each) for each in wrong)


def _differs_in_names(wrong: Any, scenario: Any) -> bool:
    return _without_names(wrong) == _without_names(scenario)


def _without_names(document: Any) -> Any:
    document = copy.deepcopy(document)
    document.pop("options", None)
    for item in (*document.get("events", ()), *document.get("expectations", ())):
        for key in ("tune", "metrics", "set"):
            item[key] = None if key in item else ""
    return document


@pytest.mark.parametrize(
    ("key", "value", "fits"),
    [
        ("duration", "1h 30min", True),
        ("duration", 90, True),
        ("duration", "1 hour", False),
        ("duration", -1, False),
        ("house", "my-house.yaml", True),
        ("house", {"batteries": [{"mac": "02B250000001"}]}, False),
        ("events", [{"at": "5s", "switch_on": ["kettle", "oven"]}, {"when": {"time_of_day": "18:30"}}], True),
        ("events", [{"when": {"time_of_day": "25:00"}}], False),
        ("events", [{"at": 1, "meter": "gone"}], False),
    ],
)
def test_times_houses_and_events(key: str, value: object, fits: bool) -> None:
    scenario = {"duration": 60, "house": {"batteries": [{"mac": "02B250000001", "phase": "A"}]}, key: value}
    assert printed("lab").is_valid(scenario) is fits
