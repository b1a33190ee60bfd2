"""The running house as programs and the page see it: one document, every group absent where it is not known.

Signs: battery power + = discharge, grid + = import, load + = drawn. Powers W, times s, state of charge 0..1.
"""

from pydantic import BaseModel, Field


class TimeState(BaseModel):
    """Simulated time; absent for a real board."""

    now_s: float = Field(description="simulated seconds since the start")
    scale: float = Field(description="simulated seconds per real second, as asked for")
    paused: bool
    hour: float | None = Field(default=None, description="time of day in the house, 0..24")


class GridState(BaseModel):
    """True grid power; of a real board the meter's values, whose phases may not be known."""

    phase_a: float | None = None
    phase_b: float | None = None
    phase_c: float | None = None
    total: float


class MainsState(BaseModel):
    """The public grid at the connection; absent for a real board."""

    on: bool = Field(description="there is voltage")
    voltage: float = Field(description="V between phases, 0 during an outage")
    frequency: float = Field(description="Hz, 0 during an outage")
    cut: bool = Field(default=False, description="somebody has cut them by hand")
    until_s: float | None = Field(
        default=None, description="of mains that are off: simulated time of their return; absent = not known"
    )
    lit: list[str] = Field(description="phases that have power, from the mains or from an island")


class LoadState(BaseModel):
    """One load or appliance."""

    name: str
    power: float = Field(description="rated power")
    phase: str
    active: bool = Field(description="switched on")
    kind: str = "load"
    running: bool = Field(default=False, description="drawing, not pausing")
    drawn: float = Field(default=0.0, description="power now")


class SolarState(BaseModel):
    """Sun on the AC side."""

    current: float
    max: float
    phases: list[str]
    mode: str = Field(default="fixed", description="fixed or clear_sky")
    clouds: float = Field(default=0.0, description="0 = none, 1 = may cover the sun fully")


class PlantState(BaseModel):
    """Panels with an inverter of their own."""

    name: str
    phase: str
    power: float = Field(description="AC power; below 0 = own consumption at night")
    dc: float = Field(description="taken from the panels")
    available: float = Field(description="what the panels could give")
    energy_wh: float = Field(description="AC energy since the start")
    fault: bool = Field(default=False, description="it stands with a fault")


class HybridState(BaseModel):
    """A hybrid inverter: panels and a battery on one DC bus."""

    name: str
    phase: str
    power: float = Field(description="AC power, + = into the house")
    pv: float = Field(description="taken from the panels")
    available: float = Field(description="what the trackers could take from the panels")
    battery: float = Field(description="battery on the DC bus, + = discharge")
    soc: float | None = Field(default=None, description="absent = it has no battery")
    capacity_wh: float
    mode: str
    islanded: bool = Field(description="it keeps its phases alive without mains")
    fault: bool = Field(default=False, description="it stands with a fault")


class DayMoney(BaseModel):
    """What a day costs, hundredths of the currency; without what a month's highest demand costs."""

    date: str
    import_kwh: float
    export_kwh: float
    energy_ct: float = Field(description="for energy from the grid")
    earned_ct: float = Field(description="for energy into the grid")
    standing_ct: float
    total_ct: float = Field(description="energy and standing charge less earnings")


class MoneyState(BaseModel):
    """What electricity costs by the tariff of the house file; absent without one."""

    price_ct_kwh: float = Field(description="of import, now")
    feed_in_ct_kwh: float
    month_peak_w: float = Field(description="highest 15-minute mean of import of this month")
    month_demand_ct: float = Field(description="what that costs")
    import_kwh: float = Field(description="energy from the grid since the start, as the tariff counts it")
    export_kwh: float
    energy_ct: float = Field(description="for energy from the grid since the start")
    earned_ct: float = Field(description="for energy into the grid since the start")
    total_ct: float = Field(description="since the start, everything less earnings")
    today: DayMoney
    days: list[DayMoney] = Field(description="the last two weeks, today last")


class BatteryState(BaseModel):
    """One battery as it really is; of a real board as it reports."""

    mac: str = Field(description="of a real board that does not tell it: what the battery is called there")
    phase: str = Field(description="A, B, C or D = combined; empty = not known")
    power: float
    target: float | None = Field(default=None, description="latest request of its control law")
    applied_target: float | None = None
    power_update_delay_ticks: int | None = None
    soc: float | None = None
    max_charge: float | None = None
    max_discharge: float | None = None
    max_dc_input: float | None = None
    dc_input: float | None = None
    type: str | None = Field(default=None, description="as reported to the emulator, such as HMG-50")
    name: str | None = Field(default=None, description="what people call it")
    law: str | None = Field(default=None, description="law its firmware runs")
    capacity_wh: float | None = None
    answered: bool | None = Field(default=None, description="the emulator answered one of its last polls")


class EmulatorInfo(BaseModel):
    """The emulator that the batteries poll."""

    where: str
    own: bool = Field(description="it runs inside this process")
    answers: bool | None = Field(default=None, description="some battery was answered within the last 5 s")


class SteeredState(BaseModel):
    """One battery as the controller sees it; see `nullwatt.core.ConsumerState`."""

    mac: str
    name: str | None = Field(default=None, description="what people call it, if the controller knows")
    device_type: str | None = None
    phase: str | None = None
    online: bool | None = None
    in_pool: bool | None = None
    active: bool | None = None
    manual: bool | None = None
    manual_target: float | None = None
    power: float | None = None
    target: float | None = None
    reading: float | None = None
    law: str | None = None
    setpoint: float | None = None
    gain: float | None = None
    confidence: float | None = Field(default=None, description="trust in the model, 0..1")
    saturation: float | None = Field(default=None, description="0 = follows, 1 = cannot deliver")
    saturation_charge: float | None = None
    saturation_discharge: float | None = None
    presence: float | None = None
    parked: bool | None = None
    probing: bool | None = None
    weight: float | None = None
    poll_interval_s: float | None = None
    age_s: float | None = None
    settings: dict[str, float | bool | str] = Field(
        default={}, description="what it is set to besides, such as max_charge"
    )


class ControllerState(BaseModel):
    """What the controller thinks; see `nullwatt.core.EmulatorState`."""

    active_control: bool | None = None
    grid: list[float] | None = Field(default=None, description="last meter values per phase")
    grid_age_s: float | None = None
    demand: float | None = Field(default=None, description="what the house needs from the pool")
    missing: float | None = None
    pool_output: float | None = None
    pool_size: int | None = None
    limiting: bool | None = None
    replies: int | None = None
    drops: int | None = None
    options: dict[str, float | bool | str | None] = Field(
        default={}, description="options that differ from their defaults"
    )
    filters: list[str] = Field(default=[], description="filters of the grid input, in order")
    batteries: list[SteeredState] = []


class ScenarioState(BaseModel):
    """A scenario that is being played in the running house."""

    name: str
    since_s: float = Field(description="simulated time when it began")
    pending: int = Field(description="events still to come, those that wait for a condition included")
    happened: list[str] = Field(default=[], description="the latest events, newest last")


class LinkState(BaseModel):
    """The connection to a real board; while it is lost, nothing else of the board is known."""

    connected: bool
    since_s: float = Field(description="seconds that it has been so")
    text: str = Field(description="the same in words, one line; while it is lost, why")


class State(BaseModel):
    """Everything at once."""

    link: LinkState | None = Field(default=None, description="only of a real board")
    time: TimeState | None = None
    grid: GridState | None = None
    house_w: float | None = Field(
        default=None, description="what the loads draw: grid + solar + batteries + plants and hybrids"
    )
    mains: MainsState | None = None
    loads: list[LoadState] | None = None
    solar: SolarState | None = None
    plants: list[PlantState] | None = None
    hybrids: list[HybridState] | None = None
    money: MoneyState | None = None
    auto_mode: bool | None = None
    batteries: list[BatteryState] = []
    emulator: EmulatorInfo | None = None
    controller: ControllerState | None = None
    scenario: ScenarioState | None = None


class CommandState(BaseModel):
    """Something a device can be told: a number within low ... high, or one of the choices."""

    unit: str
    text: str
    low: float | None = None
    high: float | None = None
    choices: list[float | bool | str] | None = None


class DeviceState(BaseModel):
    """Something on the wires of the house."""

    name: str
    phase: str
    telemetry: dict[str, float] = Field(description="present values; power_w + = into the house")
    units: dict[str, str]
    commands: dict[str, CommandState]


class Moment(BaseModel):
    """One second of the history."""

    time_s: float = Field(description="simulated seconds since the start; of a real board, seconds since watching")
    grid_w: list[float] = Field(
        description="grid power of phases A, B, C, or only the total of a board that does not tell them; "
        "empty = not known; + = import"
    )
    solar_w: float | None = Field(default=None, description="absent = not known")
    sun_w: float | None = Field(
        default=None, description="all that the sun gives: solar, plants and panels of hybrids; absent = solar_w"
    )
    hybrids_w: dict[str, float] | None = Field(
        default=None, description="what the batteries of hybrids give by name, + = discharge; absent = none"
    )
    batteries_w: dict[str, float] = Field(description="output by MAC; + = discharge")
    soc: dict[str, float] = Field(description="state of charge by MAC, 0..1")
