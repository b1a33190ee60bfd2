"""What every grid meter looks like to the emulator."""

from collections.abc import Callable, Sequence
from typing import Protocol

type Sample = Sequence[float] | None
"""Watts per phase, one to three values, + = import; None = the meter is unavailable."""

type SampleSink = Callable[[Sample], None]


class Meter(Protocol):
    """A source of grid samples."""

    async def run(self, sink: SampleSink) -> None:
        """Passes each sample to `sink`, in the event loop's thread, until the source ends or it is cancelled."""
        ...
