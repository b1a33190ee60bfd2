"""The steering laws by name: the one place where a name becomes a law.

Units: limits in W, both >= 0; ratio in percent; rest band in W.
"""

from collections.abc import Callable
from difflib import get_close_matches

from .dc_regulator import DcRegulatorLaw
from .ideal import IdealLaw
from .integrator import GatedIntegratorLaw, IntegratorLaw
from .law import SteeringLaw
from .ramp import RampLaw

# max charge W, max discharge W, ratio %, rest band W -> law
_LAWS: dict[str, Callable[[float, float, int, float], SteeringLaw]] = {
    "ramp": lambda charge_w, discharge_w, _ratio, _band_w: RampLaw(charge_w, discharge_w),
    "integrator": lambda charge_w, discharge_w, ratio, _band_w: IntegratorLaw(charge_w, discharge_w, ratio),
    "integrator-2": GatedIntegratorLaw,
    "dc-regulator": lambda charge_w, discharge_w, _ratio, _band_w: DcRegulatorLaw(charge_w, discharge_w),
    "ideal": lambda charge_w, discharge_w, _ratio, _band_w: IdealLaw(charge_w, discharge_w),
}
LAW_NAMES: tuple[str, ...] = tuple(_LAWS)


def check_choice(name: str, value: object, allowed: tuple[str, ...]) -> None:
    """Raise ValueError, one line with value, allowed values and the nearest, unless value is one of them."""
    if value in allowed:
        return
    nearest = get_close_matches(str(value), allowed, n=1, cutoff=0.0)
    hint = f"; did you mean {nearest[0]!r}?" if nearest else ""
    raise ValueError(f"{name}: {value!r} is not one of {', '.join(allowed)}{hint}")


def build_law(
    name: str, max_charge_w: float, max_discharge_w: float, ratio: int = 100, rest_band_w: float = 10.0
) -> SteeringLaw:
    """Return a new law at rest.

    Args:
        name: One of LAW_NAMES.
        max_charge_w: Charge limit, W, >= 0.
        max_discharge_w: Discharge limit, W, >= 0.
        ratio: Loop gain of the integrators, percent, 30..100.
        rest_band_w: Rest band of the newer integrator, W.

    Raises:
        ValueError: The name is unknown; one line with the allowed names and the nearest.
    """
    check_choice("law", name, LAW_NAMES)
    return _LAWS[name](max_charge_w, max_discharge_w, ratio, rest_band_w)
