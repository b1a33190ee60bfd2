"""People interfere: a battery is moved by hand, paused, taken over by its own app and limited by it, and returns.

A newer-integrator partner on the same phase holds the house meanwhile. Demand stands still, so whatever moves the
grid is the hand-over itself.
"""

from nullwatt.home import HouseConfig

from ..scenario import Action, Event, Scenario
from .building import NO_SUN, unit

HANDLED_LAWS = ("ramp", "integrator", "integrator-2", "dc-regulator")

_DEMAND_W = 600.0
_MANUAL_W, _APP_W, _APP_LIMIT_W = 100.0, 450.0, 150.0
_EVERY_S = 60.0


def handled() -> tuple[Scenario, ...]:
    """One scenario per law."""
    return tuple(_handled(law) for law in HANDLED_LAWS)


def _handled(law: str) -> Scenario:
    subject = unit(1, law)
    limit_w = subject.config.limits_w[1]
    actions: tuple[tuple[Action, float], ...] = (
        ("manual", _MANUAL_W),
        ("auto", 0.0),
        ("pause", 0.0),
        ("resume", 0.0),
        ("app_power", _APP_W),
        ("app_release", 0.0),
        ("max_discharge", _APP_LIMIT_W),
        ("max_discharge", limit_w),
    )
    events = tuple(Event(_EVERY_S * (index + 1), action, value) for index, (action, value) in enumerate(actions))
    house = HouseConfig(phases=1, base_load_w=(_DEMAND_W,), noise_w=0.0, sun=NO_SUN)
    name = f"handled_{law.replace('-', '_')}"
    title = f"{law} law: moved by hand, paused, taken over and limited by its app"
    duration_s = round(_EVERY_S * (len(actions) + 1))
    pool = (subject, unit(2, "integrator-2"))
    return Scenario(name, house, pool, duration_s=duration_s, events=events, steps_s=(), title=title)


def returns_s(scenario: Scenario) -> tuple[float, ...]:
    """When, in such a scenario, the battery is given back, s: after each interference."""
    return tuple(event.time_s for event in scenario.events[1::2])
