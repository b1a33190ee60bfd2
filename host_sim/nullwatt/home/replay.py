"""A column of a CSV file as a sequence of powers."""

import csv
import difflib
import math
from collections.abc import Callable
from datetime import datetime
from itertools import pairwise
from pathlib import Path

from .section import HUGE

#: (power W, how long s), one per row.
Trace = tuple[tuple[float, float], ...]

_DELIMITERS = ",;\t"


def read_trace(file: str, time_column: str, column: str, scale: float = 1.0) -> Trace:
    """Read two columns of a CSV file with a header; separator comma, semicolon or tab.

    Times are seconds or ISO 8601, rising from row to row; a row holds until the next one, the last as long as the one
    before it. Raises ValueError: `file: ...` or the column's key first, one line that names file and line.
    """
    header, *lines = file_text(file).splitlines() or [""]
    delimiter = max(_DELIMITERS, key=header.count)
    names = [name.strip().strip('"') for name in header.split(delimiter)]
    times, values = _place(names, "time_column", time_column), _place(names, "column", column)
    try:
        rows = [
            (number, _cell(number, row, times, _time), _cell(number, row, values, float))
            for number, row in enumerate(csv.reader(lines, delimiter=delimiter), start=2)
            if row
        ]
    except csv.Error as error:
        raise ValueError(f"file: is not CSV: {error}") from None
    if len(rows) < 2:
        raise ValueError("file: needs a header and at least two rows")
    for (_, before, _), (number, here, _) in pairwise(rows):
        if here <= before:
            raise ValueError(f"file: line {number}: the time must be later than in the row before")
    ends = [time_s for _, time_s, _ in rows[1:]]
    ends.append(2.0 * rows[-1][1] - rows[-2][1])
    return tuple((value * scale, end - time_s) for (_, time_s, value), end in zip(rows, ends, strict=True))


def file_text(file: str) -> str:
    """What a text file holds. ValueError, `file: ...`, if it cannot be read."""
    try:
        return Path(file).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ValueError(f"file: cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise ValueError("file: is not UTF-8 text") from None
    except ValueError as error:  # a name no file can have
        raise ValueError(f"file: cannot be read: {error}") from None


def _place(names: list[str], key: str, name: str) -> int:
    if name in names:
        return names.index(name)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    hint = f', did you mean "{near[0]}"?' if near else f" (the file has: {', '.join(names)})"
    raise ValueError(f'{key}: the file has no column "{name}"{hint}'[:200])


def _cell(number: int, row: list[str], place: int, read: Callable[[str], float]) -> float:
    text = row[place].strip() if place < len(row) else ""
    try:
        value = read(text)
    except ValueError:
        value = math.nan
    if not abs(value) <= HUGE:  # nor not a number
        raise ValueError(f"file: line {number}: {text[:40]!r} is not a {'time' if read is _time else 'number'}")
    return value


def _time(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return datetime.fromisoformat(text).timestamp()
