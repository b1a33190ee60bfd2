"""A battery in the hands of its own app: it delivers a fixed power and keeps polling, but obeys no reading.

When the app lets go, a law with a setpoint starts from the power the battery delivers at that moment. The DC regulator
has none: its channels are walked by the app as they are by readings, and simply stay where they are.
Signs: battery + = discharge, W.
"""

from nullwatt.battery import Battery, Sample, SteeringLaw

_WALKED = "dc-regulator"
_SHARE_OF_GRID = 0.9  # of a reading is what the DC regulator takes


class WalkedLaw:
    """The DC regulator while its app holds it: its own law, fed with what leads to the fixed power."""

    __slots__ = ("law", "power_w")

    def __init__(self, law: SteeringLaw, power_w: float) -> None:
        self.law = law
        self.power_w = power_w

    def step(self, sample: Sample) -> float:
        """Walk one step towards the fixed power; return the wanted power."""
        missing_w = self.power_w - sample.output_w
        return self.law.step(sample._replace(grid_w=missing_w / _SHARE_OF_GRID))

    def seed(self, power_w: float) -> None:
        """Start over from a battery that delivers power_w."""
        self.law.seed(power_w)

    def set_limits(self, max_charge_w: float, max_discharge_w: float) -> None:
        """Pass the power window on."""
        self.law.set_limits(max_charge_w, max_discharge_w)


class HeldLaw:
    """Any other law while its app holds the battery: it does not run at all."""

    __slots__ = ("law", "power_w")

    def __init__(self, law: SteeringLaw, power_w: float) -> None:
        self.law = law
        self.power_w = power_w

    def step(self, _sample: Sample) -> float:
        """Return the fixed power."""
        return self.power_w

    def seed(self, power_w: float) -> None:
        """Nothing to forget: the own law is seeded when it takes over again."""

    def set_limits(self, max_charge_w: float, max_discharge_w: float) -> None:
        """Pass the power window on; the plant keeps to it anyway."""
        self.law.set_limits(max_charge_w, max_discharge_w)


def hold(battery: Battery, power_w: float) -> None:
    """Fix the power of a battery; it begins to move there with its next poll."""
    release(battery)
    battery.law = WalkedLaw(battery.law, power_w) if battery.law_name == _WALKED else HeldLaw(battery.law, power_w)


def release(battery: Battery) -> None:
    """Give a held battery back to its own law; nothing happens to one that is not held."""
    if isinstance(battery.law, WalkedLaw):
        battery.law = battery.law.law
    elif isinstance(battery.law, HeldLaw):
        battery.law = battery.law.law
        battery.law.seed(battery.power_w)
