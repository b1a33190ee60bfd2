"""What the HTTP interface of astra-sim asks of a house, and what any house that is served has."""

from typing import Any, Protocol


class Simulation(Protocol):
    """What these routes need of the running house. Powers W, + = discharge and import."""

    def grid_w(self) -> tuple[float, float, float]:
        """Grid power per phase; 0 for phases the house does not have."""

    def status(self) -> dict[str, Any]:
        """The status object."""

    def toggle_load(self, index: int) -> None:
        """Switch the index-th load (from 0); IndexError if there is none."""

    def set_solar(self, power_w: float) -> None:
        """Fix the solar power; it is clamped. math.inf = as much as there is."""

    def set_soc(self, mac: str, soc: float) -> None:
        """State of charge, 0..1. LookupError: no such battery. ValueError: not a state of charge."""

    def set_limits(self, mac: str, charge_w: float | None, discharge_w: float | None) -> None:
        """Power limits; None keeps one. LookupError, ValueError."""

    def set_dc_input(self, mac: str, power_w: float) -> None:
        """PV power at the battery. LookupError; ValueError: it has no such input, or it is too much for it."""

    def set_auto(self, enabled: bool) -> None:
        """Random switching on or off."""

    def shut_down(self) -> None:
        """End the simulation soon."""
