"""The Marstek models as data: what a device type can do and which steering law its firmware runs.

Units: limits in W, both >= 0 (charge and discharge apart); poll interval in s. A device type is classified by the
prefix of its upper-case name; the first matching row wins, the last row catches everything.

Laws are named "ramp", "integrator", "integrator-2", "dc-regulator" and "ideal" (see steering; the last one and the
type "IDEAL" exist in simulations only). `laws` lists those the
model's firmwares are known to run, newest first; the first is the default. HMG-50 carries two laws and picks by the
CT it polls: the newer integrator with an HME-4 (CT002), the ramp with anything else.

Sources: battery-firmware notes. Limits are the usual 800 W household setting; Venus D charges with up to 2200 W.
Poll intervals: observed 0.45 s on VNSE3-0; 1 s is the common value elsewhere.
"""

from dataclasses import dataclass

CT002_TYPE = "HME-4"


@dataclass(frozen=True, slots=True)
class Model:
    """One row of the model table.

    Attributes:
        prefix: Start of the upper-case device type; empty matches everything.
        family: Name for people.
        inverter: True if the unit has a built-in inverter.
        ac_input: True if it can charge from AC.
        dc_input: True if it has PV terminals.
        laws: Known steering laws, newest first.
        rest_band_w: Rest band of the newer integrator on this model, W.
        max_charge_w: Default charge limit, W.
        max_discharge_w: Default discharge limit, W.
        poll_interval_s: Default time between two polls, s.
    """

    prefix: str
    family: str
    inverter: bool
    ac_input: bool
    dc_input: bool
    laws: tuple[str, ...]
    rest_band_w: float = 10.0
    max_charge_w: float = 800.0
    max_discharge_w: float = 800.0
    poll_interval_s: float = 1.0

    def default_law(self, ct_type: str = CT002_TYPE) -> str:
        """Return the name of the law this model runs with that CT."""
        if self.prefix == "HMG" and ct_type.upper() != CT002_TYPE:
            return "ramp"
        return self.laws[0]


_JUPITER = ("Jupiter", True, False, True, ("ramp",))
_B2500 = ("B2500", False, False, True, ("dc-regulator",))

MODELS: tuple[Model, ...] = (
    Model("VNSA", "Venus A", True, True, True, ("integrator-2", "ramp")),
    Model("VNSD", "Venus D", True, True, True, ("integrator-2", "integrator"), max_charge_w=2200.0),
    Model("HMG", "Venus C", True, True, False, ("integrator-2", "ramp"), rest_band_w=20.0),
    Model("VNSE", "Venus E", True, True, False, ("integrator-2", "ramp"), poll_interval_s=0.45),
    Model("VNS", "Venus", True, True, False, ("integrator-2", "ramp")),
    *(Model(prefix, *_JUPITER, max_charge_w=0.0) for prefix in ("HMN", "HMM", "JPLS")),
    *(Model(prefix, *_B2500, max_charge_w=0.0) for prefix in ("HMA", "HMJ", "HMK")),
    Model("IDEAL", "ideal", True, True, True, ("ideal",)),
    Model("", "unknown", True, True, False, ("ramp",)),
)


def model_of(device_type: str) -> Model:
    """Return the model row of a device type such as "HMG-50"; unknown and empty types get the last row."""
    name = device_type.upper()
    return next(model for model in MODELS if name.startswith(model.prefix))
