"""The site file: forms, defaults, folders, and one clear line for every mistake."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nullwatt.home.der import (
    BessConfig,
    ChpConfig,
    DerSite,
    InverterConfig,
    MeterConfig,
    ModbusRtuConfig,
    ModbusTcpConfig,
    SiteConfigError,
    load_site,
    parse_site,
)

SITE = """{
  "site_name": "my-site", "step": 0.1, "real_time": true, "start_time_h": 12.0, "register_map_root": "register_maps",
  "external_models": {
    "power": {"base_load_w": 7000.0},
    "irradiance": {"peak": 1000.0, "sunrise": 6.0, "sunset": 18.0},
    "ambient_temperature": {"mean": 22.0, "amplitude": 5.0, "peak_hour": 15.0},
    "grid_frequency": {"nominal_hz": 50.0, "noise_std": 0.002, "drift_std": 0.0005, "seed": 42},
    "grid_voltage": {"nominal_v_ll": 410.0, "noise_std": 0.5, "seed": null}
  },
  "assets": [
    {"type": "bess", "capacity_kwh": 100.0, "initial_soc": 60.0, "soc_limits": {"lower_1": 30.0},
     "protocols": [{"kind": "modbus_tcp", "ip": "0.0.0.0", "port": 55001, "unit_id": 1, "register_map": "bess.yaml"},
                   {"kind": "modbus_rtu", "port": "/dev/ttyS9", "baudrate": 19200, "parity": "E"}]},
    {"asset_id": "roof", "type": "inverter", "port": 55002},
    {"type": "chp", "protocols": []},
    {"type": "energy_meter"}
  ]
}"""


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    (tmp_path / "site.json").write_text(SITE)
    return tmp_path / "site.json"


def test_a_file_of_dertwin(path: Path) -> None:
    site = load_site(path)
    assert (site.site_name, site.step, site.real_time, site.start_time_h) == ("my-site", 0.1, True, 12.0)
    bess, roof, chp, meter = site.assets
    assert isinstance(bess, BessConfig) and isinstance(roof, InverterConfig)
    assert isinstance(chp, ChpConfig) and isinstance(meter, MeterConfig)
    assert (bess.soc_limits.lower_1, bess.soc_limits.lower_2) == (30.0, 20.0)
    assert bess.protocols == (
        ModbusTcpConfig(port=55001, register_map="bess.yaml"),
        ModbusRtuConfig(port="/dev/ttyS9", baudrate=19200, parity="E"),
    )
    assert roof.protocols == (ModbusTcpConfig(ip="0.0.0.0", port=55002, unit_id=1),)
    assets = DerSite(site).assets
    assert list(assets) == ["bess-1", "roof", "chp-1", "energy_meter-1"]
    maps = path.parent / "register_maps"
    assert assets["bess-1"].register_maps == (maps / "bess.yaml", maps / "bess_modbus.yaml")
    assert assets["roof"].register_maps == (maps / "pv_inverter_modbus.yaml",)
    assert assets["roof"].kind == "inverter"


def test_yaml_is_as_good(path: Path) -> None:
    yaml = path.with_suffix(".yaml")
    yaml.write_text("assets:\n  - {type: bess, port: 502}\n")
    assert load_site(yaml) == parse_site({"assets": [{"type": "bess", "port": 502}]})


def test_defaults() -> None:
    site = parse_site({})
    assert (site.site_name, site.step, site.real_time, site.start_time_h, site.assets) == (
        "unnamed",
        0.1,
        True,
        0.0,
        (),
    )
    bess = BessConfig()
    numbers = (bess.capacity_kwh, bess.initial_soc, bess.max_charge_kw, bess.max_discharge_kw, bess.ramp_rate_kw_per_s)
    assert numbers == (100.0, 50.0, 20.0, 20.0, 100.0)
    assert (bess.ambient_temp_c, bess.round_trip_eff, bess.internal_resistance) == (20.0, 0.92, None)
    rtu = ModbusRtuConfig(port="x")
    assert (rtu.baudrate, rtu.bytesize, rtu.parity, rtu.stopbits, rtu.timeout, rtu.unit_id) == (9600, 8, "N", 1, 1.0, 1)


@pytest.mark.parametrize("where", ["file", "working directory", "absent", "absolute"])
def test_the_folder_of_the_register_maps(path: Path, where: str) -> None:
    document = {"assets": [{"type": "chp", "port": 1}], "register_map_root": "maps"}
    wanted = path.parent / "maps"
    if where == "working directory":  # as dertwin, if the file has no such folder beside it
        wanted = Path.cwd() / "maps"
        wanted.mkdir()
    elif where == "absent":
        del document["register_map_root"]
        wanted = Path.cwd()
    elif where == "absolute":
        wanted = path.parent / "far" / "away"
        document["register_map_root"] = str(wanted)
    path.write_text(json.dumps(document))
    assert DerSite(load_site(path)).assets["chp-1"].register_maps == (wanted / "chp_modbus.yaml",)


def tcp(**keys: object) -> dict[str, object]:
    return {"assets": [{"type": "bess", "protocols": [{"kind": "modbus_tcp", "port": 1, **keys}]}]}


def rtu(**keys: object) -> dict[str, object]:
    return {"assets": [{"type": "bess", "protocols": [{"kind": "modbus_rtu", "port": "/dev/x", **keys}]}]}


def bess(**keys: object) -> dict[str, object]:
    return {"assets": [{"type": "bess", **keys}]}


NAN = float("nan")
TCP_0 = "assets[0].protocols[0]"
MISTAKES: list[tuple[object, str]] = [
    ([], "must be an object with the key assets"),
    ({"stpe": 1}, 'stpe = 1: unknown key, did you mean "step"?'),
    ({"step": 0}, "step = 0: must be greater than"),
    ({"step": -0.1}, "step = -0.1: must be greater than"),
    ({"step": NAN}, "step = NaN: must be a finite number"),
    ({"step": "0.1"}, 'step = "0.1": must be a number'),
    ({"real_time": 1}, "real_time = 1: must be true or false"),
    ({"start_time_h": -1}, "start_time_h = -1: must be greater"),
    ({"external_models": 3}, "external_models = 3: must be an object"),
    (
        {"external_models": {"grid_freq": {}}},
        'external_models.grid_freq = {}: unknown key, did you mean "grid_frequency"',
    ),
    ({"external_models": {"grid_voltage": {"nominal_vll": 1}}}, 'did you mean "nominal_v_ll"'),
    (
        {"external_models": {"grid_voltage": {"nominal_v_ll": 400, "nominal_voltage_ll": 410}}},
        "external_models.grid_voltage.nominal_v_ll = 400: differs from nominal_voltage_ll (410)",
    ),
    ({"external_models": {"irradiance": {"sunrise": 19}}}, "irradiance.sunrise = 19: must be before sunset (18)"),
    ({"external_models": {"grid_frequency": {"noise_std": -1}}}, "grid_frequency.noise_std = -1: must be"),
    (
        {"external_models": {"grid_frequency": {"events": [{"duration": 1, "delta": 1, "shape": "rmap"}]}}},
        "external_models.grid_frequency.events[0].shape = \"rmap\": must be 'step' or 'ramp'",
    ),
    ({"assets": {}}, "assets = {}: must be a list"),
    ({"assets": [1]}, "assets[0] = 1: must be an object with the key type"),
    ({"assets": [{}]}, "assets[0].type: required key is missing (allowed: bess, inverter, chp, energy_meter)"),
    ({"assets": [{"type": "besss"}]}, 'assets[0].type = "besss": no such type of asset, did you mean "bess"?'),
    ({"assets": [{"type": 1}]}, "assets[0].type = 1: no such type"),
    ({"assets": [{"type": "energy_meter", "capacity_kwh": 1}]}, "assets[0].capacity_kwh = 1: unknown key"),
    (bess(capacity_kwh=-5), "assets[0].capacity_kwh = -5: must be greater than 0"),
    (bess(capacity_kwh=NAN), "assets[0].capacity_kwh = NaN: must be a finite number"),
    (bess(capcity_kwh=5), 'assets[0].capcity_kwh = 5: unknown key, did you mean "capacity_kwh"?'),
    (bess(initial_soc=250), "assets[0].initial_soc = 250: must be less than or equal to 100"),
    (bess(round_trip_eff=0), "assets[0].round_trip_eff = 0: must be greater than 0"),
    (bess(ramp_rate_kw_per_s=0), "assets[0].ramp_rate_kw_per_s = 0: must be greater than 0"),
    (bess(soc_limits={"lower1": 3}), 'assets[0].soc_limits.lower1 = 3: unknown key, did you mean "lower_1"?'),
    (bess(soc_limits={"lower_2": 40}), "assets[0].soc_limits.lower_2 = 40: must not be above lower_1 (25)"),
    (bess(soc_limits={"upper_1": 95}), "assets[0].soc_limits.upper_1 = 95: must not be above upper_2 (90)"),
    (bess(port=70000), "assets[0].port = 70000: must be less than or equal to 65535"),
    (bess(ip="127.0.0.1"), "assets[0].port: required key is missing"),
    (bess(port=5, protocols=[{}]), "assets[0].port = 5: must stand in protocols"),
    (bess(asset_id="base load"), 'assets[0].asset_id = "base load": must be another'),
    (bess(protocols={}), "assets[0].protocols = {}: must be a list"),
    (bess(protocols=[{"port": 1}]), f"{TCP_0}.kind: required key is missing (allowed: modbus_tcp, modbus_rtu)"),
    (bess(protocols=[{"kind": "tcp"}]), f'{TCP_0}.kind = "tcp": no such protocol'),
    (tcp(unit_id=300), f"{TCP_0}.unit_id = 300: must be less than or equal to 255"),
    (tcp(unit=3), f'{TCP_0}.unit = 3: unknown key, did you mean "unit_id"?'),
    (tcp(ip="300.0.0.1"), f'{TCP_0}.ip = "300.0.0.1": must be an address'),
    (tcp(ip="a b"), f'{TCP_0}.ip = "a b": must be an address'),
    (tcp(ip=""), f'{TCP_0}.ip = "": must not be empty'),
    (rtu(unit_id=0), f"{TCP_0}.unit_id = 0: must be greater than or equal to 1"),
    (rtu(parity="X"), f'{TCP_0}.parity = "X": must be'),
    (rtu(stopbits=3), f"{TCP_0}.stopbits = 3: must be 1, 1.5 or 2"),
    (rtu(bytesize=9), f"{TCP_0}.bytesize = 9: must be"),
    (rtu(timeout=0), f"{TCP_0}.timeout = 0: must be greater than 0"),
    (rtu(port=5), f"{TCP_0}.port = 5: must be text"),
    (
        {"assets": [{"type": "chp", "min_load_percent": 60, "max_load_percent": 50}]},
        "must not be above max_load_percent",
    ),
    ({"assets": [{"type": "bess", "port": 5}, {"type": "chp", "port": 5}]}, "unit 1 there is taken by assets[0]"),
    (
        {"assets": [{"type": "bess", "asset_id": "a"}, {"type": "chp", "asset_id": "a"}]},
        'assets[1].asset_id = "a": must be unique, assets[0] has this id',
    ),
]


@pytest.mark.parametrize(("document", "told"), MISTAKES, ids=[told[:40] for _, told in MISTAKES])
def test_a_mistake_is_one_line_with_key_value_and_what_is_allowed(tmp_path: Path, document: object, told: str) -> None:
    path = tmp_path / "site.json"
    path.write_text(json.dumps(document))
    with pytest.raises(SiteConfigError) as error:
        load_site(path)
    text = str(error.value)
    assert text.startswith(f"{path}: ") and told in text and "\n" not in text


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["bess", "modbus_rtu"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)


def places(node: object) -> list[tuple[Any, Any]]:
    """Every place of a document, as what holds it and its key there."""
    keys = list(node) if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else []
    return [place for key in keys for place in [(node, key), *places(node[key])]]  # type: ignore[index]


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 10_000), JSON, st.booleans())
def test_whatever_stands_in_it_it_is_usable_or_one_line(place: int, value: object, as_key: bool) -> None:
    document = json.loads(SITE)
    holder, key = places(document)[place % len(places(document))]
    if as_key and isinstance(holder, dict):
        holder[str(value)] = holder.pop(key)
    else:
        holder[key] = value
    try:
        site = DerSite(parse_site(document, "site.json"))
        site.step(3)
        assert all(map(math.isfinite, [v for a in site.assets.values() for v in a.device.telemetry().values()]))
    except SiteConfigError as error:
        assert str(error).startswith("site.json: ") and "\n" not in str(error)


@pytest.mark.parametrize("text", ["", "{", '{"step": 1, "step": 2}', "nothing there"])
def test_what_cannot_be_read(tmp_path: Path, text: str) -> None:
    path = tmp_path / "site.json"
    if text != "nothing there":
        path.write_text(text)
    with pytest.raises(SiteConfigError, match=r"site\.json: [^\n]+$"):
        load_site(path)
