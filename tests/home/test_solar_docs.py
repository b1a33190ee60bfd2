"""docs/weather-and-solar.md: its house files, weather file and Python run; its tables name every key and default."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

pytest.importorskip("pvlib", reason="pvlib is not installed")

from nullwatt.home import House, HybridConfig, HybridSettings, PvPlantConfig, PvString, WeatherConfig, load_house_file
from nullwatt.home.hybrid_config import CellsSection, MpptSection, WindowSection
from nullwatt.home.weather_file import COLUMNS, TIMES

TEXT = (Path(__file__).parents[2] / "docs" / "weather-and-solar.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)


def named(heading: str) -> set[str]:
    """What the first two columns of a table name."""
    table = TEXT.partition(f"| {heading}")[2].partition("\n\n")[0]
    return set(re.findall(r"\w+", " ".join(re.findall(r"`([^`]+)`", table))))


@pytest.mark.parametrize(
    ("heading", "models"),
    [
        ("`weather` |", [WeatherConfig]),
        ("`strings` |", [PvString]),
        ("`pv`: a plant", [PvPlantConfig]),
        ("`hybrid` |", [HybridConfig, MpptSection, CellsSection]),
        ("`settings`,", [HybridSettings, WindowSection]),
    ],
)
def test_every_key_is_in_its_table(heading: str, models: list[Any]) -> None:
    keys = {key for model in models for key in model.model_fields} - {"settings"}
    assert keys <= named(heading), sorted(keys - named(heading))


def test_every_column_of_the_docs_is_known() -> None:
    known = {*TIMES, "year", "month", "day", "hour", "minute", *(name for names in COLUMNS.values() for name in names)}
    table = TEXT.partition("| What | Columns |")[2].partition("\n\n")[0]
    told = {name.lower() for name in re.findall(r"`([^`]+)`", table)} - {"20260621:1200"}
    assert told <= known and {names[0] for names in COLUMNS.values()} <= told


def test_house_files_weather_and_python_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (weather,) = blocks("csv")
    (tmp_path / "berlin.csv").write_text(weather)
    houses = blocks("yaml house")
    assert len(houses) == 3
    for text in houses:
        (tmp_path / "my-house.yaml").write_text(text)
        house = House(load_house_file("my-house.yaml").house_config())
        house.advance_to(1800.0)
        if "file:" in text:
            assert house.surroundings.irradiance_w_m2 == pytest.approx((720 + 745) / 2, abs=1)
    document = yaml.safe_load(houses[0]) | {"step_s": 60, "meter": {"refresh_s": 60, "latency_s": 0}}
    (tmp_path / "my-house.yaml").write_text(yaml.safe_dump(document))
    (code,) = blocks("py")
    exec(code, {})
    assert "'cellar'" in capsys.readouterr().out
