"""/metrics and the dashboard know the same names, and a running house exports them all."""

import json
import re
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

pytest.importorskip("pvlib", reason="pvlib is not installed")

from nullwatt.core import Config, Emulator
from nullwatt.home import parse_house
from nullwatt.lab import ServedSite, Site, specs_of
from nullwatt.serve import METRICS, LinkState, State, dashboard, render_metrics

FILE = parse_house(
    {
        "batteries": [{"mac": "02B250000001", "phase": "A"}],
        "powermeter": {"loads": [{"name": "kettle", "power": 900, "phase": "A", "active": True}]},
        "weather": {"latitude": 52.5, "longitude": 13.4, "start": "2026-06-21T10:00"},
        "pv": [{"name": "garage", "phase": "A", "strings": [{"peak_w": 700}]}],
        "hybrid": [{"name": "cellar", "mppts": [{"strings": [{"peak_w": 600}]}]}],
        "tariff": {"price": 30, "standing": 40},
    }
)


@pytest.fixture(scope="module")
def exported() -> dict[str, Any]:
    site = Site(FILE.house_config(), specs_of(FILE), emulator=Emulator(Config()), address=("127.0.0.1", 0))
    try:
        site.loop.advance_to(20.0)
        text = render_metrics(ServedSite(site, lambda: None).state())
    finally:
        site.close()
    found = {sample.name: sample for family in text_string_to_metric_families(text) for sample in family.samples}
    assert all(line.startswith(("#", "nullwatt_")) for line in text.splitlines())
    return found


def names_in(document: dict[str, Any]) -> set[str]:
    return set(re.findall(r"nullwatt_\w+", json.dumps([panel["targets"] for panel in document["panels"]])))


def test_a_running_house_exports_what_the_dashboard_shows_and_the_other_way_round(exported: dict[str, Any]) -> None:
    of_boards = {"nullwatt_board_connected"}
    assert names_in(dashboard()) == {metric.exported for metric in METRICS} == set(exported) | of_boards
    assert of_boards <= set(
        re.findall(r"nullwatt_\w+", render_metrics(State(link=LinkState(connected=True, since_s=1, text=""))))
    )
    for metric in METRICS:
        if metric.exported in exported:
            assert tuple(exported[metric.exported].labels) == metric.labels, metric.name


def test_they_tell_the_truth(exported: dict[str, Any]) -> None:
    assert exported["nullwatt_mains_voltage_volts"].value == 400 and exported["nullwatt_mains_on"].value == 1
    assert exported["nullwatt_price_cents_per_kwh"].value == 30
    assert exported["nullwatt_cost_today_cents"].value >= 39
    assert exported["nullwatt_plant_power_watts"].value > 200
    assert exported["nullwatt_plant_energy_kwh_total"].value > 0
    assert exported["nullwatt_house_power_watts"].value > 1000


def test_of_nothing_known_nothing_is_told() -> None:
    assert render_metrics(State()) == ""


def test_grafana_knows_every_key_of_the_dashboard() -> None:
    models = pytest.importorskip("grafana_foundation_sdk.models.dashboard", reason="grafana-foundation-sdk is missing")
    encoder = pytest.importorskip("grafana_foundation_sdk.cog.encoder").JSONEncoder
    written = json.loads(json.dumps(models.Dashboard.from_json(dashboard()), cls=encoder))

    def missing(ours: Any, theirs: Any, path: str = "") -> list[str]:
        if isinstance(ours, dict):
            if not isinstance(theirs, dict):
                return [path]
            return [line for key, value in ours.items() for line in missing(value, theirs.get(key), f"{path}.{key}")]
        if isinstance(ours, list):
            if not isinstance(theirs, list) or len(ours) != len(theirs):
                return [path]
            return [line for at, value in enumerate(ours) for line in missing(value, theirs[at], f"{path}[{at}]")]
        return [] if ours == theirs else [path]

    assert missing(dashboard(), written) == []


def test_its_panels_lie_beside_each_other_and_ask_the_chosen_source() -> None:
    document = dashboard()
    taken: set[tuple[int, int]] = set()
    for panel in document["panels"]:
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken and place["x"] + place["w"] <= 24
        taken |= cells
        assert panel["targets"], panel["title"]
        refs = [target["refId"] for target in panel["targets"]]
        assert len(set(refs)) == len(refs)
        for target in panel["targets"]:
            assert target["datasource"]["uid"] == "${datasource}" and "{" in target["expr"]
    assert len({panel["id"] for panel in document["panels"]}) == len(document["panels"])
    assert [variable["name"] for variable in document["templating"]["list"]] == ["datasource", "instance"]
