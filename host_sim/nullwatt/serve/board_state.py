"""A board's entities as the document that the page and programs read. What is not known is absent."""

import math
from collections.abc import Mapping
from typing import Any

from .board_entities import BoardBattery, BoardEntity, Recognised
from .state import BatteryState, ControllerState, GridState, Moment, SteeredState

#: Latest states by entity; a state that the board calls missing is not in it.
type Values = Mapping[BoardEntity, Any]

_OPTIONS = ("grid_target", "peak_shaving_threshold", "min_efficient_power")
_SETTINGS = ("min_dc_output", "max_charge", "max_discharge", "charge_order", "discharge_order")
_PHASES = ("A", "B", "C", "D")
_PERCENT = 100.0


def identity(battery: BoardBattery, values: Values) -> str | None:
    """Its MAC; what it is called, if the board tells no MAC; None = nobody has the place."""
    if "mac" not in battery.entities:
        return battery.name
    return values.get(battery.entities["mac"]) or None


def grid(board: Recognised, values: Values) -> GridState | None:
    """What the meter says; None while the total is not known."""
    phases = [_number(board.meter, f"grid_power_l{number}", values) for number in (1, 2, 3)]
    known = [power for power in phases if power is not None]
    total = _number(board.meter, "grid_power", values)
    if total is None and len(known) == len(phases):
        total = math.fsum(known)
    if total is None:
        return None
    return GridState(phase_a=phases[0], phase_b=phases[1], phase_c=phases[2], total=total)


def batteries(board: Recognised, values: Values) -> list[BatteryState]:
    """Those whose power is known."""
    found = []
    for mac, battery in _named(board, values):
        power, soc = _number(battery.entities, "power", values), _number(battery.entities, "soc", values)
        if power is None:
            continue
        found.append(
            BatteryState(
                mac=mac,
                phase=_phase(battery, values) or "",
                power=power,
                soc=None if soc is None else soc / _PERCENT,
                type=_value(battery.entities, "model", values) or None,
                name=battery.name,
            )
        )
    return found


def controller(board: Recognised, values: Values) -> ControllerState:
    """What the board thinks."""
    now, known = board.meter, grid(board, values)
    phases = [] if known is None else [known.phase_a, known.phase_b, known.phase_c]
    options = {key: _number(now, key, values) for key in _OPTIONS}
    return ControllerState(
        active_control=_value(now, "active_control", values),
        grid=[power for power in phases if power is not None] or None,
        demand=_number(now, "demand", values),
        missing=_number(now, "control_value", values),
        pool_output=_number(now, "pool_power", values),
        options={key: value for key, value in options.items() if value is not None},
        batteries=[_steered(mac, battery, values) for mac, battery in _named(board, values)],
    )


def moment(time_s: float, board: Recognised, values: Values) -> Moment:
    """The present second for the history."""
    known, present = grid(board, values), batteries(board, values)
    phases = [] if known is None else [known.phase_a, known.phase_b, known.phase_c]
    # A meter of one phase has a total and L1; of three phases all count.
    complete = [power for power in phases if power is not None] if None not in phases else []
    return Moment(
        time_s=round(time_s, 3),
        grid_w=complete or ([] if known is None else [known.total]),
        batteries_w={battery.mac: battery.power for battery in present},
        soc={battery.mac: battery.soc for battery in present if battery.soc is not None},
    )


def _steered(mac: str, battery: BoardBattery, values: Values) -> SteeredState:
    entities = battery.entities
    mode, automatic = _value(entities, "mode", values), _value(entities, "automatic", values)
    active, manual = _value(entities, "active", values), None if automatic is None else not automatic
    if mode is not None:
        active = mode != "Off" if active is None else active
        # Behind "Off" it may be either.
        manual = mode == "Manual" if manual is None and mode != "Off" else manual
    settings: dict[str, Any] = {"mode": mode} | {key: _number(entities, key, values) for key in _SETTINGS}
    settings["window_weight"] = _share(entities, "window_weight", values)
    return SteeredState(
        mac=mac,
        name=battery.name,
        device_type=_value(entities, "model", values) or None,
        phase=_phase(battery, values),
        online=_value(entities, "online", values),
        active=active,
        manual=manual,
        manual_target=_number(entities, "manual_target", values),
        power=_number(entities, "power", values),
        target=_number(entities, "target", values),
        saturation_charge=_share(entities, "saturation_charge", values),
        saturation_discharge=_share(entities, "saturation_discharge", values),
        weight=_number(entities, "weight", values),
        poll_interval_s=_number(entities, "poll_interval", values),
        settings={key: value for key, value in settings.items() if value is not None},
    )


def _named(board: Recognised, values: Values) -> list[tuple[str, BoardBattery]]:
    named = [(identity(battery, values), battery) for battery in board.batteries]
    return [(mac, battery) for mac, battery in named if mac is not None]


def _value(entities: Mapping[str, BoardEntity], key: str, values: Values) -> Any:
    entity = entities.get(key)
    value = None if entity is None else values.get(entity)
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _number(entities: Mapping[str, BoardEntity], key: str, values: Values) -> float | None:
    value = _value(entities, key, values)
    # What ESPHome sends has the precision of a float of 32 bits.
    return None if value is None else float(f"{value:.7g}")


def _share(entities: Mapping[str, BoardEntity], key: str, values: Values) -> float | None:
    percent = _number(entities, key, values)
    return None if percent is None else percent / _PERCENT


def _phase(battery: BoardBattery, values: Values) -> str | None:
    phase = _value(battery.entities, "phase", values)
    return phase if phase in _PHASES else None
