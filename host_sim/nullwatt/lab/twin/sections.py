"""The keys of a scenario file of a site, and what each may hold; rules between keys are those of `file`."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, FiniteFloat, WithJsonSchema

from ..scenario_events import Hour, NotNegative, ScenarioSection, Seconds
from ..scenario_file import BandSection
from .droop import Droop

_LONGEST_S = 31 * 24 * 3600.0
_Positive = Annotated[FiniteFloat, Field(gt=0)]
_Text = Annotated[str, Field(min_length=1)]
_Share = Annotated[FiniteFloat, Field(gt=0, le=1)]
_Word = Annotated[int, Field(ge=0, le=65535)]


def _as_list(value: object) -> object:
    return [value] if isinstance(value, dict) else value


def _as_level(value: object) -> object:
    return {"to": value} if isinstance(value, int | float) and not isinstance(value, bool) else value


class ModbusSection(ScenarioSection):
    """A write to holding registers. register: a name of the map, or an address. value: in its unit. raw: the number
    or the words as they are.
    """

    asset: _Text
    register_: Annotated[str | _Word, Field(alias="register")]
    value: FiniteFloat | None = None
    raw: int | Annotated[list[_Word], Field(min_length=1, max_length=123)] | None = None


class LevelSection(ScenarioSection):
    """`to` a level, `over` so long, back after `for`; or off by `delta` `for` so long; or as a column of a `file`."""

    to: FiniteFloat | None = None
    over: Seconds = 0.0
    lasting: Annotated[Seconds | None, Field(alias="for")] = None
    delta: FiniteFloat | None = None
    shape: Literal["step", "ramp"] = "step"
    file: _Text | None = None
    column: _Text | None = None


_Modbus = Annotated[list[ModbusSection], BeforeValidator(_as_list), Field(min_length=1)]
_Level = Annotated[LevelSection | None, BeforeValidator(_as_level)]


class SiteWhenSection(ScenarioSection):
    """All that is given must hold, for `for` on end and not before `after`."""

    asset: _Text | None = None
    register_: Annotated[_Text | None, Field(alias="register")] = None
    quantity: _Text | None = None
    above: FiniteFloat | None = None
    below: FiniteFloat | None = None
    time_of_day: Hour | None = None
    after: Seconds = 0.0
    hold: Annotated[Seconds, Field(alias="for")] = 0.0


class SiteEventSection(ScenarioSection):
    """What happens `at` a time or `when` something holds."""

    at: Seconds | None = None
    when: SiteWhenSection | None = None
    repeat: bool = False
    modbus: _Modbus = Field(default=[])
    asset: _Text | None = None
    set: dict[str, Any] | None = None
    fault: _Text | None = None
    frequency: _Level = None
    voltage: _Level = None
    irradiance: _Level = None
    ambient: _Level = None
    base_load: _Level = None


class ValueSection(BandSection):
    """Bounds in each step, or of the mean, from `from` to `to`; or of the value `at` a time."""

    at: Seconds | None = None


class ResponseSection(ScenarioSection):
    """So fast it gets to a `value`, or a `share` of the way there."""

    value: FiniteFloat
    within: Seconds
    tolerance: NotNegative
    share: _Share = 1.0
    start: Annotated[Seconds, Field(alias="from")] = 0.0


class SettleSection(ScenarioSection):
    """So fast it gets to a `value`, and stays."""

    value: FiniteFloat
    within: Seconds
    tolerance: NotNegative
    start: Annotated[Seconds, Field(alias="from")] = 0.0
    end: Annotated[Seconds | None, Field(alias="to")] = None


class _LineSection(ScenarioSection):
    """power: in the unit of what is looked at; full_at, nominal, deadband: Hz."""

    power: _Positive
    full_at: _Positive = 0.2
    nominal: FiniteFloat = 50.0
    deadband: NotNegative = 0.0
    baseline: FiniteFloat = 0.0

    @property
    def droop(self) -> Droop:
        """The line."""
        return Droop(self.power, self.full_at, self.nominal, self.deadband, self.baseline)


class DroopSection(_LineSection):
    """On the line within `tolerance` of the full power, at most `lag` late."""

    tolerance: _Share = 0.05
    lag: Seconds = 5.0
    start: Annotated[Seconds, Field(alias="from")] = 0.0
    end: Annotated[Seconds | None, Field(alias="to")] = None


class FrequencyResponseSection(_LineSection):
    """Every step and ramp of the grid by itself."""

    tolerance: _Share = 0.05
    half_within: Seconds = 15.0
    full_within: Seconds = 30.0
    hold: Seconds = 900.0
    lag: Seconds = 5.0


class SiteExpectationSection(ScenarioSection):
    """A register or quantity, and one of `value`, `response`, `settle`, `droop` and `frequency_response`."""

    asset: _Text | None = None
    register_: Annotated[_Text | None, Field(alias="register")] = None
    quantity: _Text | None = None
    value: ValueSection | None = None
    response: ResponseSection | None = None
    settle: SettleSection | None = None
    droop: DroopSection | None = None
    frequency_response: FrequencyResponseSection | None = None


class ControllerSection(_LineSection):
    """The stand-in for an energy management system."""

    kind: Literal["droop"]
    asset: _Text
    frequency: _Text = "grid_frequency"
    setpoint: _Text = "on_grid_power_setpoint"
    period: Annotated[Seconds, Field(gt=0)] = 1.0


class SiteScenarioFile(ScenarioSection):
    """A whole scenario file of a site. site: the content of a site file, or a path to one, from where this file is."""

    name: _Text | None = None
    description: str = ""
    duration: Annotated[Seconds, Field(le=_LONGEST_S)]
    seed: int | None = None
    site: Annotated[Any, WithJsonSchema({"type": ["string", "object"]})] = None
    controller: ControllerSection | None = None
    events: list[SiteEventSection] = Field(default=[])
    expectations: list[SiteExpectationSection] = Field(default=[])
