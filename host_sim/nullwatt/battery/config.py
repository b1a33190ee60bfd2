"""What a simulated battery is: its parameters, checked once, when the object is made.

Signs and units: power in W, battery power + = discharge; limits and DC input >= 0; energy in Wh; time in s; state of
charge and efficiencies as fractions. A bad value raises ValueError with one line that starts with the field's name.
"""

import re
from dataclasses import dataclass
from math import inf, isfinite

from .models import CT002_TYPE, model_of
from .steering import LAW_NAMES, check_choice

PHASES = ("A", "B", "C", "D")
READINGS = ("own", "sum")
_MAC = re.compile(r"[0-9A-Fa-f]{12}")

# field -> (lowest, highest); inf: any finite number
_RANGES: dict[str, tuple[float, float]] = {
    "max_charge_w": (0, inf),
    "max_discharge_w": (0, inf),
    "capacity_wh": (0, inf),
    "initial_soc": (0, 1),
    "ramp_rate_w_s": (0, inf),
    "min_power_w": (0, inf),
    "startup_delay_s": (0, inf),
    "max_dc_input_w": (0, inf),
    "dc_input_w": (0, inf),
    "initial_power_w": (-inf, inf),
    "charge_efficiency": (0, 1),
    "discharge_efficiency": (0, 1),
    "standby_w": (0, inf),
    "poll_interval_s": (0.05, inf),
}
_WHOLE_RANGES: dict[str, tuple[float, float]] = {
    "ratio": (30, 100),
    "command_delay_ticks": (0, inf),
    "inspection_polls": (0, inf),
}
_POSITIVE = ("ramp_rate_w_s", "charge_efficiency", "discharge_efficiency")
_OPTIONAL = ("max_charge_w", "max_discharge_w", "poll_interval_s")


@dataclass(frozen=True, slots=True, kw_only=True)
class BatteryConfig:
    """Parameters of one battery. Only `mac` has no default.

    Attributes:
        mac: Battery MAC, 12 hex digits, any case; sent in upper case.
        phase: "A", "B", "C", or "D" (combined: follows the total).
        device_type: Type string on the wire, for instance "HMG-50"; selects the model row. Printable ASCII, no '|'.
        law: Name of the steering law; None takes the model's newest.
        ratio: Loop gain of the integrator laws, percent, 30..100.
        max_charge_w: Charge limit; None takes the model's. Without effect on a model that has no AC input.
        max_discharge_w: Discharge limit; None takes the model's.
        capacity_wh: Usable capacity; 0 freezes the state of charge.
        initial_soc: State of charge at the start, 0..1.
        ramp_rate_w_s: Slew rate of the output, > 0.
        min_power_w: Smaller targets mean 0 W.
        startup_delay_s: Wait from standstill to the first watt.
        command_delay_ticks: Own poll ticks until a new target becomes active.
        max_dc_input_w: Size of the DC (PV) input; 0: none.
        dc_input_w: DC input at the start, 0..max_dc_input_w.
        participates: False sends the field that asks the CT to leave this battery out.
        inspection_polls: Answered polls with phase "0" before the battery names its phase.
        initial_power_w: Output, target and (where it has one) law setpoint at the start, within the limits given.
        charge_efficiency: Terminals to cells, 0 < x <= 1.
        discharge_efficiency: Cells to terminals, 0 < x <= 1.
        standby_w: Own consumption out of the cells.
        reading: "own" phase field (D: total), or "sum" of the three phase fields.
        ct_type: CT type on the wire; HMG-50 also picks its law by it.
        ct_mac: CT MAC on the wire, 12 hex digits, or empty.
        poll_interval_s: Time between polls, at least 0.05; None takes the model's.
        discard_repeated_index: Ignore a reply that repeats the last reply's index, as real batteries do.

    Raises:
        ValueError: A field is out of its range; one line.
    """

    mac: str
    phase: str = "A"
    device_type: str = "HMG-50"
    law: str | None = None
    ratio: int = 100
    max_charge_w: float | None = None
    max_discharge_w: float | None = None
    capacity_wh: float = 2560.0
    initial_soc: float = 0.5
    ramp_rate_w_s: float = 200.0
    min_power_w: float = 20.0
    startup_delay_s: float = 2.0
    command_delay_ticks: int = 0
    max_dc_input_w: float = 0.0
    dc_input_w: float = 0.0
    participates: bool = True
    inspection_polls: int = 1
    initial_power_w: float = 0.0
    charge_efficiency: float = 1.0
    discharge_efficiency: float = 1.0
    standby_w: float = 0.0
    reading: str = "own"
    ct_type: str = CT002_TYPE
    ct_mac: str = "112233445566"
    poll_interval_s: float | None = None
    discard_repeated_index: bool = True

    def __post_init__(self) -> None:
        """Check every field."""
        _check_mac("mac", self.mac)
        if self.ct_mac != "":
            _check_mac("ct_mac", self.ct_mac)
        _check_text("device_type", self.device_type)
        _check_text("ct_type", self.ct_type)
        check_choice("phase", self.phase, PHASES)
        check_choice("reading", self.reading, READINGS)
        if self.law is not None:
            check_choice("law", self.law, LAW_NAMES)
        for flag in ("participates", "discard_repeated_index"):
            if not isinstance(getattr(self, flag), bool):
                raise ValueError(f"{flag}: {getattr(self, flag)!r} is neither True nor False")
        for name, (low, high) in (_RANGES | _WHOLE_RANGES).items():
            _check_number(name, getattr(self, name), low, high)
        if self.dc_input_w > self.max_dc_input_w:
            raise ValueError(f"dc_input_w: {self.dc_input_w!r} is more than max_dc_input_w ({self.max_dc_input_w!r})")
        charge_w, discharge_w = self.limits_w
        if not -charge_w <= self.initial_power_w <= discharge_w:
            raise ValueError(f"initial_power_w: {self.initial_power_w!r} is not in {-charge_w:g}..{discharge_w:g}")

    @property
    def limits_w(self) -> tuple[float, float]:
        """Charge and discharge limit in force at the start, W, both >= 0; a model without AC input charges with 0."""
        model = model_of(self.device_type)
        charge_w = model.max_charge_w if self.max_charge_w is None else float(self.max_charge_w)
        discharge_w = model.max_discharge_w if self.max_discharge_w is None else float(self.max_discharge_w)
        return (charge_w if model.ac_input else 0.0), discharge_w


def _check_mac(name: str, value: object) -> None:
    if not isinstance(value, str) or _MAC.fullmatch(value) is None:
        raise ValueError(f"{name}: {value!r} is not 12 hex digits")


def _check_text(name: str, value: object) -> None:
    if not isinstance(value, str) or not value.isascii() or not (value == "" or value.isprintable()) or "|" in value:
        raise ValueError(f"{name}: {value!r} is not printable ASCII without '|'")


def _check_number(name: str, value: object, low: float, high: float) -> None:
    if value is None and name in _OPTIONAL:
        return
    kinds = (int,) if name in _WHOLE_RANGES else (int, float)
    noun = "whole number" if name in _WHOLE_RANGES else "number"
    if isinstance(value, bool) or not isinstance(value, kinds) or not isfinite(value):
        raise ValueError(f"{name}: {value!r} is not a {noun}")
    if name in _POSITIVE and value <= 0:
        raise ValueError(f"{name}: {value!r} is not above 0")
    if not low <= value <= high:
        bounds = f"at least {low:g}" if high == inf else f"in {low:g}..{high:g}"
        raise ValueError(f"{name}: {value!r} is not {bounds}")
