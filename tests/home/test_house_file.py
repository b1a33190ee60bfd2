"""House files: what is read, and that every mistake is one helpful line."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nullwatt.home import ConfigError, House, HouseFile, load_house_file, parse_house

BATTERY = {"mac": "02B250000001", "phase": "A"}


def error_of(document: object) -> str:
    with pytest.raises(ConfigError) as caught:
        parse_house(document, "house.json")
    assert "\n" not in str(caught.value)
    return str(caught.value)


def with_power(**keys: object) -> dict[str, object]:
    return {"batteries": [BATTERY], "powermeter": keys}


def with_battery(**keys: object) -> dict[str, object]:
    return {"batteries": [{**BATTERY, **keys}]}


def test_defaults_are_a_usable_house() -> None:
    house = parse_house({"batteries": [BATTERY]})
    assert House(house.house_config()).grid_w()[0] == pytest.approx(100, abs=20)
    battery = house.batteries[0]
    assert (battery.meter_dev_type, battery.max_charge_power, battery.capacity_wh) == ("HMG-50", 800, 2560)
    assert (house.ct.mac, house.ct.port) == ("112233445566", 12345)


def test_all_keys_arrive() -> None:
    file = parse_house(
        with_power(
            base_load=[10, -20, 30],
            base_noise=0,
            noise_tau=4,
            loads=[{"name": "pump", "power": 500, "phase": "B", "on_s": 5, "off_s": 6, "active": True}],
            events=[{"time": 3, "load": "pump", "active": False}],
            solar_max=900,
            solar_phases=["A", "C"],
            sun={"mode": "clear_sky", "sunrise": 5, "sunset": 21, "start": 9, "clouds": 0.2},
        )
        | {"meter": {"refresh_s": 2, "latency_s": 0.25, "resolution": 1, "noise": 2}, "seed": 5}
    )
    config = file.house_config()
    assert config.base_load_w == (10, -20, 30)
    assert config.loads[0].cyclic and config.loads[0].active
    assert config.events[0].time_s == 3
    assert (config.sun.max_w, config.sun.phases, config.sun.clouds) == (900, ("A", "C"), 0.2)
    assert (config.meter.refresh_s, config.meter.noise_w, config.seed) == (2, 2, 5)
    assert file.house_config(seed=9).seed == 9


def test_one_phase_house_takes_the_whole_default_base() -> None:
    config = parse_house(with_power(phases=1)).house_config()
    assert config.phases == 1 and config.base_load_w == (300.0,)


def test_phase_d_battery_is_accepted() -> None:
    assert parse_house(with_battery(phase="D")).batteries[0].phase == "D"


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "house.json: must be an object"),
        ({}, "batteries: required key is missing"),
        ({"batteries": []}, "batteries = []: must not be empty"),
        ({"batteries": [{"mca": "02B250000001", "phase": "A"}]}, 'unknown key, did you mean "mac"?'),
        ({"batteries": [BATTERY, {**BATTERY, "mac": "02b250000001"}]}, 'batteries[1].mac = "02b250000001": must be un'),
        (with_battery(pase="A"), 'batteries[0].pase = "A": unknown key, did you mean "phase"?'),
        (with_battery(phase="E"), "batteries[0].phase = \"E\": must be 'A', 'B', 'C' or 'D'"),
        (with_battery(mac=112233445566), "must be 12 hexadecimal digits in quotes"),
        (with_battery(initial_soc=1.5), "batteries[0].initial_soc = 1.5: must be less than or equal to 1"),
        (with_battery(capacity_wh=0), "batteries[0].capacity_wh = 0: must be greater than 0"),
        (with_battery(poll_interval=True), "batteries[0].poll_interval = true: must be a number"),
        (with_battery(dc_input_power=5), "must not be above max_dc_input (0)"),
        (with_battery(max_dc_input=float("nan")), "batteries[0].max_dc_input = NaN"),
        (with_power(base_nois=5), 'powermeter.base_nois = 5: unknown key, did you mean "base_noise"?'),
        (with_power(base_noise=-1), "powermeter.base_noise = -1: must be greater than or equal to 0"),
        (with_power(base_load=[1, 2, 3, 4]), "powermeter.base_load = [1, 2, 3, 4]: has too many entries"),
        (with_power(base_load=[1, "2"]), 'powermeter.base_load[1] = "2": must be a number'),
        (with_power(phases=1, base_load=[1, 2]), "has only phase A"),
        (with_power(phases=1, solar_phases=["B"]), "has only phase A"),
        (with_power(loads=[{"name": "a", "power": 1}]), "powermeter.loads[0].phase: required key is missing"),
        (with_power(loads=[{"name": "a", "power": 1, "phase": "A"}] * 2), "powermeter.loads[1].name"),
        (with_power(loads=[{"name": "a", "power": 1, "phase": "A", "on_s": 1}]), "on_s and off_s"),
        (
            with_power(
                loads=[{"name": "kettle", "power": 1, "phase": "A"}],
                events=[{"time": 1, "load": "ketle", "active": True}],
            ),
            'powermeter.events[0].load = "ketle": no such load, did you mean "kettle"?',
        ),
        (with_power(sun={"sunrise": 20, "sunset": 6}), "powermeter.sun.sunrise = 20.0: must be before sunset"),
        ({"batteries": [BATTERY], "ct": {"port": 70000}}, "ct.port = 70000: must be less than or equal to 65535"),
        ({"batteries": [BATTERY], "zzz": "x" * 500}, "unknown key (allowed: ct, http, powermeter, "),
        ({"batteries": [BATTERY], 1: 2}, "keys must be text"),
    ],
)
def test_a_mistake_is_one_line_that_names_it(document: object, message: str) -> None:
    text = error_of(document)
    assert message in text
    assert text.startswith("house.json: ") and len(text) < 300


def test_json_and_yaml_give_the_same_house(tmp_path: Path) -> None:
    pytest.importorskip("yaml", reason="PyYAML is not installed")
    document = with_power(loads=[{"name": "on", "power": 1.5, "phase": "A", "active": True}])
    (tmp_path / "h.json").write_text(json.dumps(document))
    (tmp_path / "h.yaml").write_text(
        "# a comment\nbatteries:\n  - {mac: '02B250000001', phase: A}\n"
        "powermeter:\n  loads:\n    - {name: on, power: 1.5, phase: A, active: true}\n"
    )
    assert load_house_file(tmp_path / "h.yaml") == load_house_file(tmp_path / "h.json")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("h.json", b'{"batteries": [}', "line 1 column 16: not JSON"),
        ("h.json", b'{"seed": 1, "seed": 2}', "key 'seed' is given 2 times"),
        ("h.json", b"\xff\xfe", "not UTF-8"),
        ("h.json", b"[" * 100_000, "nested too deeply"),
        ("h.yaml", b"seed: 1\nseed: 2", "key 'seed' is given 2 times"),
        ("h.yaml", b"batteries: [", "line 1: not YAML"),
        ("h.yaml", b"a: &a [*a]", "unknown key"),
        ("h.yaml", b"? [1, 2]\n: 3", "not YAML"),
        ("h.yaml", b"!!python/object:os.system x", "not YAML"),
        ("h.yaml", b"a: 2020-13-45", "not usable YAML"),
        ("h.yml", b"", "must be an object"),
    ],
)
def test_broken_files_are_one_line(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    if name != "h.json":
        pytest.importorskip("yaml", reason="PyYAML is not installed")
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load_house_file(tmp_path / name)
    assert message in str(caught.value) and "\n" not in str(caught.value)
    assert str(tmp_path / name) in str(caught.value)


def test_unreadable_files_are_one_line(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "absent.json", "bad\0name"):
        with pytest.raises(ConfigError, match="cannot be read"):
            load_house_file(path)


_KEYS = st.sampled_from([*HouseFile.model_fields, "phase", "mac", "loads", "events", "sun", "time", "x"])
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(["A", "D"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(_KEYS, _JSON, max_size=4))
def test_no_document_gives_anything_but_a_house_or_one_line(document: dict[str, object]) -> None:
    try:
        parse_house(document)
    except ConfigError as error:
        assert "\n" not in str(error)
