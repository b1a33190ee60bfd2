"""Time that clients may move."""

from typing import Protocol


class TimeControl(Protocol):
    """The clock of the running house, as far as clients may move it."""

    @property
    def now_s(self) -> float:
        """Simulated seconds since the start."""

    @property
    def factor(self) -> float:
        """Simulated seconds per real second."""

    @property
    def paused(self) -> bool:
        """It stands."""

    @property
    def caught_up(self) -> bool:
        """Everything up to its time has been carried out."""

    def set_factor(self, factor: float) -> None:
        """ValueError unless finite and > 0."""

    def pause(self) -> None:
        """Stand still."""

    def resume(self) -> None:
        """Go on."""

    def step(self, duration_s: float) -> None:
        """Move a standing clock on; ValueError if it runs, or for a step that is not above 0."""
