"""Options: one table, read alike by the compiled core, the Python door and the ESPHome schema."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nullwatt.core import Config, Option, options

CORE = Path(__file__).parents[2] / "esphome_component" / "ct002_core"


def schema_table() -> ModuleType:
    """The table as the ESPHome schema reads it, loaded from its file."""
    spec = importlib.util.spec_from_file_location("ct002_core_options", CORE / "options.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_schema_reads_the_same_table_as_the_compiled_core() -> None:
    rows = {row.key: row for row in schema_table().load()}
    assert list(rows) == list(options())
    for key, option in options().items():
        row = rows[key]
        assert (row.kind.lower(), row.group, row.unit, row.help) == (
            option.kind,
            option.group,
            option.unit,
            option.help,
        )
        assert row.default == option.default
        if option.kind not in ("text", "bool"):
            assert (row.low, row.high) == (option.low, option.high)


@pytest.mark.parametrize("option", [o for o in options().values() if o.kind != "text"], ids=lambda o: o.key)
def test_compiled_default_is_the_one_of_the_table(option: Option) -> None:
    expected = -1.0 if option.default is None else float(option.default)  # type: ignore[arg-type]
    assert Config().compiled(option.key) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    "option", [o for o in options().values() if o.kind not in ("text", "bool")], ids=lambda o: o.key
)
@pytest.mark.filterwarnings("ignore:option .* has no effect")
def test_bounds_are_accepted_and_what_lies_beyond_is_refused(option: Option) -> None:
    for bound, beyond in ((option.low, -1), (option.high, 1)):
        if bound is None:
            continue
        value = int(bound) if option.kind == "int" else bound
        assert Config(**{option.key: value}).compiled(option.key) == pytest.approx(bound)
        step = 1 if option.kind == "int" or abs(bound) > 1000 else 0.01
        with pytest.raises(ValueError, match=f"^option {option.key}: .* out of range; allowed: "):
            Config(**{option.key: value + beyond * step})


def test_unknown_option_names_the_closest() -> None:
    with pytest.raises(TypeError, match="unknown option 'balance_gian'; the closest is 'balance_gain'"):
        Config(balance_gian=0.2)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"ct_type": "HME-9"}, "option ct_type: 'HME-9' is not known; allowed: HME-4, HME-3"),
        ({"ct_mac": "02b250"}, "option ct_mac: '02b250' is not known; allowed: empty, or 12 hex digits"),
        ({"ct_mac": 112233445566}, "put it in quotes"),
        ({"active_control": 1}, "option active_control: 1 is not a bool value"),
        ({"wifi_rssi": -5.5}, "option wifi_rssi: -5.5"),
        ({"balance_gain": float("nan")}, "option balance_gain: nan"),
        ({"balance_gain": "0.2"}, "option balance_gain: '0.2' is not a float value"),
        ({"consumer_ttl": -1}, "or None for not set"),
    ],
)
def test_wrong_value_gives_one_line_with_what_is_allowed(values: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError) as error:
        Config(**values)  # type: ignore[arg-type]
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_config_shows_only_what_differs_from_the_defaults() -> None:
    assert repr(Config(wifi_rssi=-61, balance_gain=0.2)) == "Config(wifi_rssi=-61)"
    assert Config(wifi_rssi=-61).wifi_rssi == -61
    assert Config(wifi_rssi=-61) != Config()


@given(st.floats(min_value=0, max_value=1e6, allow_nan=False))
def test_seconds_keep_millisecond_precision(seconds: float) -> None:
    kept = Config(dedupe_window=seconds).compiled("dedupe_window")
    # 32-bit floats hold 24 bits: 1 ms up to about four hours, then 1 part in 2^23.
    assert kept == pytest.approx(seconds, abs=0.0011, rel=2.0**-22)


def test_option_without_effect_is_accepted_with_one_warning_that_names_it() -> None:
    with pytest.warns(UserWarning, match="^option osc_damp_max has no effect") as caught:
        config = Config(osc_damp_max=0.5, max_target_step=100)
    assert len(caught) == 1
    assert config.osc_damp_max == 0.5


def test_default_of_an_option_without_effect_is_no_reason_to_warn(recwarn: pytest.WarningsRecorder) -> None:
    Config(osc_damp_max=0.95)
    assert not recwarn.list
