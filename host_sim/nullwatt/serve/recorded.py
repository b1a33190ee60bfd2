"""What a history file holds, read back moment by moment: a day takes no more memory than a second."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from types import TracebackType
from typing import Self

from .store import open_history


@dataclass(frozen=True)
class RecordedRun:
    """A run in the file. batteries: MACs of all that were ever there. length_s: time of its last moment, s."""

    id: int
    started_at: str
    title: str
    version: str
    dropped: int
    length_s: float
    batteries: tuple[str, ...]


@dataclass(frozen=True)
class RecordedMoment:
    """One second, or the means over several; see `nullwatt.serve.Moment`. None = not known.

    Attributes:
        at: Real time it was recorded, ISO 8601 in UTC.
        grid_w: Phases A, B, C.
        batteries: Power W and state of charge 0..1 by MAC, of those that were there.
    """

    time_s: float
    at: str
    grid_w: tuple[float | None, ...]
    solar_w: float | None
    batteries: dict[str, tuple[float | None, float | None]]


class Recorded:
    """A history file as it is at this moment, whoever goes on writing to it. A context manager."""

    def __init__(self, path: Path) -> None:
        """Raises HistoryError if it is no history or cannot be read."""
        self._db = open_history(path, write=False)
        self._db.execute("BEGIN")  # from the first read on one state of the file

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db.close()

    def run_ids(self) -> list[int]:
        """Numbers of the runs, oldest first."""
        return [number for (number,) in self._db.execute("SELECT id FROM runs ORDER BY id")]

    def run(self, number: int) -> RecordedRun:
        """LookupError if there is none of this number."""
        query = "SELECT id, started_at, title, version, dropped FROM runs WHERE id = ?"
        row = self._db.execute(query, (number,)).fetchone()
        if row is None:
            raise LookupError(number)
        id_, started_at, title, version, dropped = row
        (length_s,) = self._db.execute("SELECT max(time_s) FROM moments WHERE run = ?", (number,)).fetchone()
        macs = self._db.execute("SELECT DISTINCT mac FROM batteries WHERE run = ? ORDER BY mac", (number,))
        batteries = tuple(mac for (mac,) in macs)
        return RecordedRun(id_, started_at, title, version, dropped, length_s or 0.0, batteries)

    def moments(self, run: int, from_s: float = -math.inf, to_s: float = math.inf) -> Iterator[RecordedMoment]:
        """The moments of a run from `from_s` on and before `to_s`, in order."""
        where = "WHERE run = ? AND time_s >= ? AND time_s < ? ORDER BY time_s"
        bounds = (run, from_s, to_s)
        batteries = self._db.execute(f"SELECT time_s, mac, power_w, soc FROM batteries {where}", bounds)
        by_time = groupby(batteries, key=lambda row: row[0])
        ahead = next(by_time, None)
        columns = "time_s, at, grid_a_w, grid_b_w, grid_c_w, solar_w"
        for time_s, at, *grid_w, solar_w in self._db.execute(f"SELECT {columns} FROM moments {where}", bounds):
            there = {}
            while ahead is not None and ahead[0] <= time_s:
                if ahead[0] == time_s:
                    there = {mac: (power_w, soc) for _, mac, power_w, soc in ahead[1]}
                ahead = next(by_time, None)
            yield RecordedMoment(time_s, at, tuple(grid_w), solar_w, there)


def means(moments: Iterable[RecordedMoment], every_s: float) -> Iterator[RecordedMoment]:
    """Means over each `every_s` seconds, counted from 0; of a battery over the moments it was there.

    The time is the beginning of those seconds, `at` that of the first moment in them.
    """

    def part(moment: RecordedMoment) -> int:
        return math.floor(round(moment.time_s / every_s, 9))

    for number, group in groupby(moments, key=part):
        some = list(group)
        macs = dict.fromkeys(mac for moment in some for mac in moment.batteries)
        there = {mac: [moment.batteries[mac] for moment in some if mac in moment.batteries] for mac in macs}
        yield RecordedMoment(
            number * every_s,
            some[0].at,
            tuple(_mean(phase) for phase in zip(*(moment.grid_w for moment in some), strict=True)),
            _mean([moment.solar_w for moment in some]),
            {mac: (_mean([w for w, _ in pairs]), _mean([soc for _, soc in pairs])) for mac, pairs in there.items()},
        )


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return math.fsum(known) / len(known) if known else None
