"""A meter that writes lines: any program whose output is piped into the emulator.

One sample a line, as JSON: a list of watts per phase (`[120.5, -30, 0]`), a single number
for a one-phase meter, or `null` for "unavailable". The end of the stream means that the
meter is gone.
"""

import asyncio
import json
import logging
import threading
from typing import TextIO

from nullwatt.meters.meter import Sample, SampleSink

_LOG = logging.getLogger(__name__)
_MAX_PHASES = 3


class MeterLineError(ValueError):
    """A line is not a sample. One line says what it is and what is allowed."""


def parse_line(line: str) -> Sample:
    """Sample in one line of text.

    Raises:
        MeterLineError: The line is something else.
    """
    try:
        value = json.loads(line)
    except ValueError:
        value = line
    if value is None:
        return None
    values = value if isinstance(value, list) else [value]
    numbers = [float(v) for v in values if isinstance(v, (int, float)) and not isinstance(v, bool)]
    if not 1 <= len(values) <= _MAX_PHASES or len(numbers) != len(values):
        raise MeterLineError(
            f"meter line {line.strip()[:60]!r} is no sample; allowed: a JSON list of one to three watts, "
            "a number, or null"
        )
    return numbers


class LineMeter:
    """Reads samples from a text stream, such as standard input."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    async def run(self, sink: SampleSink) -> None:
        """Passes on each sample; a line that is none is logged and skipped."""
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()

        def deliver(line: str) -> None:
            try:
                sink(parse_line(line))
            except MeterLineError as error:
                _LOG.warning("%s", error)

        def read() -> None:
            # A thread, because not every stream (a file, a terminal) can be awaited.
            for line in self._stream:
                if line.strip():
                    loop.call_soon_threadsafe(deliver, line)
            loop.call_soon_threadsafe(ended.set)

        threading.Thread(target=read, name="meter-lines", daemon=True).start()
        await ended.wait()
        sink(None)
        _LOG.warning("meter: the stream of samples has ended")
