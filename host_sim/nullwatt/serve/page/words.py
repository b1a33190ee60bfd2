"""Numbers and states in words."""

from ..sides import sides
from ..state import BatteryState, GridState, MainsState, State

#: What a meter and the control leave over; nobody would call it import or export.
HELD_W = 40.0
#: Below this a battery rests: inverters leave a few watts.
RESTING_W = 5.0
_NEAR_LIMIT = 0.02
_MINUS, _SPACE, _GAP = "\N{MINUS SIGN}", "\N{NARROW NO-BREAK SPACE}", "\N{NO-BREAK SPACE}"


def number(value: float, decimals: int = 0, signed: bool = False) -> str:
    """A number for people: real minus sign, narrow spaces between thousands, never a negative zero."""
    text = f"{abs(value):,.{decimals}f}".replace(",", _SPACE)
    if not any(digit in "123456789" for digit in text):
        return text
    return f"{_MINUS if value < 0 else '+' if signed else ''}{text}"


def watts(value: float, signed: bool = False) -> str:
    """A power with its unit: W, from 10 kW on kW."""
    if abs(value) >= 9999.5:
        return f"{number(value / 1000, 1, signed)}{_GAP}kW"
    return f"{number(value, 0, signed)}{_GAP}W"


def money(cents: float, decimals: int = 2) -> str:
    """Hundredths of the currency as the currency: 12.34."""
    return number(cents / 100.0, decimals)


def percent(share: float) -> str:
    """A share, 0..1, in percent."""
    return f"{number(share * 100)}{_GAP}%"


def duration(seconds: float) -> str:
    """A stretch of time: 0:07, 12:34, 3:25:45, 2 d 3:25:45."""
    whole = int(max(0.0, seconds))
    days, rest = divmod(whole, 86400)
    hours, rest = divmod(rest, 3600)
    minutes, left = divmod(rest, 60)
    text = f"{hours}:{minutes:02}:{left:02}" if days or hours else f"{minutes}:{left:02}"
    return f"{days}{_GAP}d {text}" if days else text


def time_of_day(hour: float) -> str:
    """An hour of the day, 0..24, as 14:05."""
    minutes = int(hour * 60 + 1e-6) % 1440
    return f"{minutes // 60:02}:{minutes % 60:02}"


def phase(name: str) -> str:
    """A phase as people call it: A is L1; D stands for all three."""
    return {"A": "L1", "B": "L2", "C": "L3", "D": "L1\N{EN DASH}L3"}.get(name.upper(), name)


def battery_word(battery: BatteryState) -> str:
    """What a battery does, in a word or two."""
    if battery.answered is False:
        return "not answered"
    power = battery.power
    if abs(power) > RESTING_W:
        limit = battery.max_discharge if power > 0 else battery.max_charge
        if limit is not None and abs(power) >= limit * (1 - _NEAR_LIMIT):
            return "at its limit"
        return "discharging" if power > 0 else "charging"
    if battery.soc is not None and battery.soc <= 0.001:
        return "empty"
    if battery.soc is not None and battery.soc >= 0.999:
        return "full"
    return "resting"


def grid_word(total_w: float) -> str:
    """Which way the grid goes: held, import or export."""
    if abs(total_w) <= HELD_W:
        return "held"
    return "import" if total_w > 0 else "export"


def sentence(state: State) -> str:
    """What the grid does and why, in one plain sentence; empty if the grid is not known."""
    if state.grid is None:
        return ""
    if state.mains is not None and not state.mains.on:
        return _outage(state, state.mains)
    word = grid_word(state.grid.total)
    if word == "held":
        return _held(state)
    verb = "Importing" if word == "import" else "Exporting"
    return f"{verb} {watts(abs(state.grid.total))}: {_reason(state, state.grid)}."


def _outage(state: State, mains: MainsState) -> str:
    carriers = [hybrid.name for hybrid in state.hybrids or [] if hybrid.islanded]
    lit = "L1\N{EN DASH}L3" if len(mains.lit) == 3 else " and ".join(map(phase, mains.lit))
    if not mains.lit:
        text = "The mains are off: nothing has power."
    else:
        text = f"The mains are off: {' and '.join(carriers) or 'an island'} keeps {lit} alive."
    if mains.until_s is None or state.time is None:
        return text
    return f"{text} They are back in {duration(mains.until_s - state.time.now_s)}."


def _held(state: State) -> str:
    batteries = state.batteries
    stores = len(batteries) + sum(hybrid.soc is not None for hybrid in state.hybrids or [])
    if not stores:
        return "The grid happens to be near zero."
    known = sides(state)
    power = sum(battery.power for battery in batteries) if known is None else known.batteries_w
    if abs(power) <= RESTING_W * stores:
        return "The grid is held at zero: the batteries rest."
    return f"The grid is held at zero: the batteries {'give' if power > 0 else 'take'} {watts(abs(power))}."


def _reason(state: State, grid: GridState) -> str:
    batteries = state.batteries
    if not batteries:
        stores = any(hybrid.soc is not None for hybrid in state.hybrids or [])
        return "the hybrid inverter leaves that to the grid" if stores else "there are no batteries"
    if state.controller is not None and state.controller.active_control is False:
        return "active control is off"
    if (state.emulator is not None and state.emulator.answers is False) or all(
        battery.answered is False for battery in batteries
    ):
        return "nobody answers the batteries"
    needed = 1.0 if grid.total > 0 else -1.0
    if all(_exhausted(battery, needed) for battery in batteries):
        drained = all(_at_the_end(battery, needed) for battery in batteries)
        if drained:
            return "the batteries are empty" if needed > 0 else "the batteries are full"
        return "the batteries are at their limit"
    return "the batteries are following"


def _at_the_end(battery: BatteryState, needed: float) -> bool:
    return battery.soc is not None and (battery.soc <= 0.001 if needed > 0 else battery.soc >= 0.999)


def _exhausted(battery: BatteryState, needed: float) -> bool:
    """It cannot give (needed > 0) or take (< 0) more."""
    limit = battery.max_discharge if needed > 0 else battery.max_charge
    at_limit = limit is not None and battery.power * needed >= limit * (1 - _NEAR_LIMIT)
    return at_limit or _at_the_end(battery, needed) or battery.answered is False
