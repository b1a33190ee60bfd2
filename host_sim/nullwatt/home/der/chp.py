"""A CHP unit: a gas engine with generator and heat recovery, from standstill to load and back.

    READY -> STARTING -> WARMUP -> IDLE -> SYNC -> RUNNING -> STOPPING -> READY, and FAULT from anywhere

Signs: power + = into the site. Inside: W, J, C; shown: kW, percent of the rating.
"""

import math
from collections.abc import Mapping
from typing import ClassVar

from ..device import FLAGS, Command, EnergyTerms, Surroundings
from .config import ChpConfig
from .device import DerDevice, Reading

FAULT, READY, STARTING, IDLE, SYNC, RUNNING, STOPPING, WARMUP = 0, 1, 2, 3, 4, 5, 6, 18
#: Written to remote_acknowledgment, it acknowledges a fault.
ACKNOWLEDGE = 4321.0

_NEXT = {STARTING: WARMUP, WARMUP: IDLE, IDLE: SYNC, SYNC: RUNNING}
_FIRED = (STARTING, WARMUP, IDLE, SYNC, RUNNING)
_SPLIT = 10_000
_SAME = 1.0 + 1e-9

_RPM = 1500.0
_OIL_BAR = 4.5
_INLET_K = 8.0
_INTAKE_K = 5.0
#: Time constants, s, in the order of `Chp._lags`.
_TAUS_S = (5.0, 60.0, 90.0, 15.0, 2.0, 5.0, 3.0, 120.0)
_SPEED, _COOLANT, _OIL, _EXHAUST, _PRESSURE, _CHARGE, _THROTTLE, _INTAKE = range(8)


def _flag(*states: int) -> Reading:
    return Reading("", "", lambda d: float(d.state in states))


class Chp(DerDevice):
    """A CHP unit. state: see the top. starts: READY to STARTING. running_s: in RUNNING. load: share of the rating."""

    __slots__ = (
        "_bus_j",
        "_config",
        "_durations_s",
        "_elapsed_s",
        "_gains",
        "_heat_j",
        "_lags",
        "_rated_w",
        "_step",
        "load",
        "running_s",
        "starts",
        "state",
    )

    COMMANDS: ClassVar[Mapping[str, Command]] = {
        "start_stop": Command("", "1 start, 0 stop; back to 0 with a fault", choices=FLAGS),
        "power_setpoint_percent": Command(
            "%", "wanted load; 0 and less is none, else within the least and the most; kept until RUNNING", -1e4, 1e4
        ),
        "remote_acknowledgment": Command("", "4321 acknowledges a fault; back to 0 at once", 0.0, 65535.0),
        "parameterizable_regulator_setpoint": Command("", "kept, without effect", -65535.0, 65535.0),
        "e_stop": Command("", "1 stops it at once with a fault, which cannot be acknowledged until 0", choices=FLAGS),
        "fault": Command("", "1 is a fault of the engine; back to 0 at once", choices=FLAGS),
    }

    READINGS: ClassVar[Mapping[str, Reading]] = {
        "unit_state": Reading(
            "", "0 fault, 1 ready, 2 starting, 18 warm-up, 3 idle, 4 sync, 5 running, 6 stopping", lambda d: d.state
        ),
        "actual_power_kw": Reading("kW", "electric", lambda d: d.power_w / 1e3),
        "actual_power_percent": Reading("%", "of the rating", lambda d: d.load * 100.0),
        "permitted_power_percent": Reading("%", "the most it may be set to", lambda d: d.permitted_percent),
        "heat_power_kw": Reading("kW", "useful heat", lambda d: d.heat_w / 1e3),
        "engine_speed_rpm": Reading("rpm", "", lambda d: d._lags[_SPEED]),
        "throttle_position": Reading("%", "", lambda d: d._lags[_THROTTLE]),
        "coolant_outlet_temp": Reading("C", "", lambda d: d._lags[_COOLANT]),
        "coolant_inlet_temp": Reading("C", "8 K below the outlet, not below the air", lambda d: d.coolant_inlet_c),
        "exhaust_temp_after_catalyst": Reading("C", "", lambda d: d._lags[_EXHAUST]),
        "oil_temperature": Reading("C", "", lambda d: d._lags[_OIL]),
        "intake_air_temp": Reading("C", "", lambda d: d._lags[_INTAKE]),
        "oil_pressure": Reading("bar", "", lambda d: d._lags[_PRESSURE]),
        "charge_pressure": Reading("bar", "", lambda d: d._lags[_CHARGE]),
        "operating_hours": Reading("h", "in RUNNING, without the ten thousands", lambda d: d.hours % _SPLIT),
        "operating_hours_10000": Reading("", "ten thousands of hours", lambda d: d.hours // _SPLIT),
        "start_counter": Reading("", "starts, without the ten thousands", lambda d: d.starts % _SPLIT),
        "start_counter_10000": Reading("", "ten thousands of starts", lambda d: d.starts // _SPLIT),
        "engine_running": Reading("", "the engine turns by itself", lambda d: float(d.engine_running)),
        "circuit_breaker_closed": Reading("", "feeds the grid", lambda d: float(d.breaker_closed)),
        "collective_fault": _flag(FAULT)._replace(text="1 in FAULT"),
        "collective_warning": Reading("", "1 above the rating", lambda d: float(d.load > _SAME)),
        "auto_mode": Reading("", "always 1", lambda d: 1.0),
        "e_stop_request": Reading("", "the emergency stop is pressed", lambda d: d.settings["e_stop"]),
        "power_supply_failure": Reading("", "no mains", lambda d: float(not d._around.mains)),
        "ignition_on": _flag(*_FIRED)._replace(text="STARTING to RUNNING"),
        "starter_on": _flag(STARTING)._replace(text="STARTING"),
        "prelube_pump_on": _flag(STARTING)._replace(text="STARTING"),
        "preheat_on": _flag(WARMUP)._replace(text="WARMUP"),
    }

    def __init__(self, name: str, config: ChpConfig, surroundings: Surroundings) -> None:
        super().__init__(name, surroundings, dict.fromkeys(self.COMMANDS, 0.0))
        self._config = config
        self._rated_w = config.rated_kw * 1e3
        self._durations_s = {
            STARTING: config.starting_s,
            WARMUP: config.warmup_s,
            IDLE: config.idle_s,
            SYNC: config.sync_s,
            STOPPING: config.stopping_s,
        }
        self.state = READY
        self._elapsed_s = 0.0
        self.load = 0.0
        self._step = 0.0
        self.starts = 0
        self.running_s = 0.0
        self._bus_j = self._heat_j = 0.0
        air_c = surroundings.ambient_c
        self._lags = [0.0, air_c, air_c, air_c, 0.0, 0.0, 0.0, air_c]
        self._gains = [0.0] * len(_TAUS_S)

    # -- what it shows -------------------------------------------------------------------------

    @property
    def hours(self) -> int:
        """Whole hours in RUNNING."""
        return int((self.running_s + 1e-6) // 3600.0)

    @property
    def heat_w(self) -> float:
        """Useful heat, W."""
        return self.power_w * self._config.heat_to_power_ratio

    @property
    def breaker_closed(self) -> bool:
        """In RUNNING, and in STOPPING until the load is off."""
        return self.state == RUNNING or self.load > 0.0

    @property
    def engine_running(self) -> bool:
        """From WARMUP on, until the load is off."""
        return self.state in _FIRED[1:] or self.load > 0.0

    @property
    def permitted_percent(self) -> float:
        """The most it may be set to, percent; 0 in FAULT."""
        return 0.0 if self.state == FAULT else self._config.max_load_percent

    @property
    def coolant_inlet_c(self) -> float:
        """Coolant inlet, C."""
        return max(min(self._around.ambient_c, self._lags[_COOLANT]), self._lags[_COOLANT] - _INLET_K)

    # -- what it is told -----------------------------------------------------------------------

    def _apply(self, name: str, value: float) -> None:
        settings = self.settings
        if name == "fault":
            settings[name] = 0.0
            if value:
                self._fail()
        elif name == "e_stop":
            if value:
                self._fail()
        elif name == "remote_acknowledgment":
            settings[name] = 0.0
            if value == ACKNOWLEDGE and self.state == FAULT and not settings["e_stop"]:
                self._enter(READY)
        elif name == "start_stop" and self.state == FAULT:
            settings[name] = 0.0  # it is acknowledged first, then started

    def _fail(self) -> None:
        """Trip: breaker open, engine stopped, and no start until somebody asks for it again."""
        self._enter(FAULT)
        self.settings["start_stop"] = 0.0
        self.load = self.power_w = 0.0
        self._lags[_SPEED] = self._lags[_THROTTLE] = 0.0

    def _enter(self, state: int) -> None:
        self.state = state
        self._elapsed_s = 0.0

    # -- time ----------------------------------------------------------------------------------

    def advance(self, dt_s: float) -> None:
        """Let dt_s > 0 seconds pass."""
        if dt_s != self._dt_s:
            self._dt_s = dt_s
            self._gains = [1.0 - math.exp(-dt_s / tau_s) for tau_s in _TAUS_S]
            self._step = self._config.ramp_percent_per_s / 100.0 * dt_s
        state = self._move_on(dt_s)
        load = self.load
        target = self._target() if state == RUNNING else 0.0
        if load != target:
            step = self._step
            change = target - load
            if change > step * _SAME:
                load += step
            elif change < -step * _SAME:
                load -= step
            else:
                load = target
            self.load = load
        if load:
            self.power_w = power_w = load * self._rated_w
            energy_j = power_w * dt_s
            self._bus_j += energy_j
            self._heat_j += energy_j * self._config.heat_to_power_ratio
        else:
            self.power_w = 0.0
        self._follow(state, load)

    def _move_on(self, dt_s: float) -> int:
        """The state for this step; each lasts its time, and a step belongs to one state."""
        state = self.state
        started = self.settings["start_stop"]
        if state == RUNNING:
            if started:
                self.running_s += dt_s
                return state
            self._enter(STOPPING)
        elif state == READY:
            if not started:
                return state
            self.starts += 1
            self._enter(STARTING)
        elif state == FAULT:
            return state
        elif state != STOPPING and not started:
            self._enter(STOPPING)
        elif self._elapsed_s >= self._durations_s[state] - 1e-9 and (state != STOPPING or self.load <= 0.0):
            self._enter(_NEXT.get(state, READY))
            if self.state == RUNNING:
                self.running_s += dt_s
        self._elapsed_s += dt_s
        return self.state

    def _target(self) -> float:
        """Wanted load in RUNNING, of the rating."""
        wanted = self.settings["power_setpoint_percent"]
        if wanted <= 0.0:
            return 0.0
        config = self._config
        return max(config.min_load_percent, min(config.max_load_percent, wanted)) / 100.0

    def _follow(self, state: int, load: float) -> None:
        """Everything that follows with a lag."""
        speed, coolant, oil, exhaust, pressure, charge, throttle, intake = self._lags
        g_speed, g_coolant, g_oil, g_exhaust, g_pressure, g_charge, g_throttle, g_intake = self._gains
        air_c = self._around.ambient_c
        if state in _FIRED or load > 0.0:
            to_rpm, to_coolant, to_oil, to_pressure = _RPM, 85.0 + 5.0 * load, 90.0 + 5.0 * load, _OIL_BAR
            to_exhaust = 450.0 * (0.5 + 0.5 * load) if state in (RUNNING, STOPPING) else 200.0
            to_intake = air_c + _INTAKE_K
        else:
            to_rpm = to_pressure = 0.0
            to_coolant = to_oil = to_exhaust = to_intake = air_c
        opened = 100.0 * load if load < 1.0 else 100.0
        self._lags = [
            speed + (to_rpm - speed) * g_speed,
            coolant + (to_coolant - coolant) * g_coolant,
            oil + (to_oil - oil) * g_oil,
            exhaust + (to_exhaust - exhaust) * g_exhaust,
            pressure + (to_pressure - pressure) * g_pressure,
            charge + (2.0 * load - charge) * g_charge,
            throttle + (opened - throttle) * g_throttle,
            intake + (to_intake - intake) * g_intake,
        ]

    def take_energy(self) -> EnergyTerms:
        """The energies since the last call: fuel turned into power and useful heat."""
        bus_j, heat_j = self._bus_j, self._heat_j
        self._bus_j = self._heat_j = 0.0
        return EnergyTerms(source_j=bus_j + heat_j, sink_j=heat_j, bus_j=bus_j)
