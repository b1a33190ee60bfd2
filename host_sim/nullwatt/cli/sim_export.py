"""`nullwatt sim export` and `nullwatt sim runs`: what `--history` kept, as a wide table and as a list of runs."""

import csv
import math
import os
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from importlib import import_module
from itertools import batched
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from nullwatt.cli.errors import fail

if TYPE_CHECKING:
    from nullwatt.serve import Recorded, RecordedMoment

#: Columns before those of the batteries.
COLUMNS = ("time_s", "at", "grid_a_w", "grid_b_w", "grid_c_w", "grid_w", "solar_w")
#: Decimals of times and powers, and of states of charge.
DECIMALS, SOC_DECIMALS = 3, 6
_SUFFIXES = {".csv": "csv", ".parquet": "parquet", ".pq": "parquet", "": "csv"}
_GROUP = 10_000  # rows that Parquet holds in memory

HistoryFile = Annotated[Path, typer.Argument(help="File of sim run --history.")]

type _Row = list[float | str | None]
type _Write = Callable[[list[str], Iterator[_Row], Path | None], None]


def export(
    file: HistoryFile,
    run: Annotated[int | None, typer.Option(help="Number of the run. Default: the latest.")] = None,
    from_s: Annotated[float, typer.Option("--from", help="First second.", show_default=False)] = -math.inf,
    to_s: Annotated[float, typer.Option("--to", help="Second to end before.", show_default=False)] = math.inf,
    every_s: Annotated[float | None, typer.Option("--every", help="Means over so many seconds.")] = None,
    format_: Annotated[
        str | None, typer.Option("--format", help="csv or parquet. Default: by the name of the output.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--output", "-o", help="File to write. Default: the screen.")] = None,
) -> None:
    """Write a recorded run as CSV or Parquet."""
    if not from_s < to_s:
        fail(f"--from {from_s:g} --to {to_s:g}: --from must be below --to")
    if every_s is not None and not 1 <= every_s < math.inf:
        fail(f"--every {every_s:g}: must be a number of seconds, at least 1")
    write = _writer(format_, out)
    if out is not None and out.exists() and file.exists() and out.samefile(file):
        fail(f"--output {out}: is the history itself")
    from nullwatt.serve import means  # only here: the verbs of a running house need nothing of it

    with _opened(file) as recorded, _told(out):
        there = recorded.run_ids()
        if not there:
            fail(f"{file}: has no runs")
        if run is not None and run not in there:
            fail(f"--run {run}: {file} has {', '.join(map(str, there))}")
        chosen = recorded.run(there[-1] if run is None else run)
        moments = recorded.moments(chosen.id, from_s, to_s)
        if every_s is not None:
            moments = means(moments, every_s)
        header = [*COLUMNS]
        for mac in chosen.batteries:
            header += [f"battery_{mac}_w", f"battery_{mac}_soc"]
        write(header, (_row(moment, chosen.batteries) for moment in moments), out)
    if chosen.dropped:
        print(f"nullwatt: run {chosen.id}: {chosen.dropped} moments were dropped while it ran", file=sys.stderr)


def runs(file: HistoryFile) -> None:
    """List the recorded runs."""
    with _opened(file) as recorded, _told(None):
        print(f"{'run':>4}  {'started at':24}  {'length':>16}  batteries  title")
        for number in recorded.run_ids():
            run = recorded.run(number)
            length = timedelta(seconds=round(run.length_s))
            title = " ".join(run.title.split())
            print(f"{run.id:>4}  {run.started_at:24}  {length!s:>16}  {len(run.batteries):>9}  {title}")
        sys.stdout.flush()


def _writer(format_: str | None, out: Path | None) -> _Write:
    name = format_ or ("csv" if out is None else _SUFFIXES.get(out.suffix.lower()))
    if name is None:
        fail(f"--output {out}: must end in .csv or .parquet, or give --format")
    if name not in ("csv", "parquet"):
        fail(f"--format {name}: must be csv or parquet")
    if name == "csv":
        return _write_csv
    if out is None:
        fail("--format parquet: needs a file, --output OUT")
    try:
        import_module("pyarrow.parquet")
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "pyarrow":
            raise
        fail("Parquet needs the package pyarrow; install nullwatt[parquet]")
    return _write_parquet


@contextmanager
def _opened(file: Path) -> Iterator["Recorded"]:
    """The history; whatever is wrong with it ends the program."""
    from nullwatt.serve import HistoryError, Recorded

    try:
        with Recorded(file) as recorded:
            yield recorded
    except HistoryError as error:
        fail(str(error))
    except sqlite3.Error as error:
        fail(f"{file}: cannot be read: {error}")


@contextmanager
def _told(out: Path | None) -> Iterator[None]:
    """What can go wrong where it is written to. A reader that has enough, such as `head`, is no mistake."""
    try:
        yield
    except BrokenPipeError:
        # Nothing more is to be written, not at the end of the program either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit from None
    except OSError as error:
        fail(f"{out or 'the output'}: cannot be written: {error.strerror or error}")


def _row(moment: "RecordedMoment", macs: tuple[str, ...]) -> _Row:
    known = [watts for watts in moment.grid_w if watts is not None]
    row: _Row = [_rounded(moment.time_s), moment.at, *map(_rounded, moment.grid_w)]
    row += [_rounded(math.fsum(known)) if known else None, _rounded(moment.solar_w)]
    for mac in macs:
        power_w, soc = moment.batteries.get(mac, (None, None))
        row += [_rounded(power_w), _rounded(soc, SOC_DECIMALS)]
    return row


def _rounded(value: float | None, decimals: int = DECIMALS) -> float | None:
    return None if value is None else round(value, decimals)


def _write_csv(header: list[str], rows: Iterator[_Row], out: Path | None) -> None:
    def write(target: TextIO) -> None:
        table = csv.writer(target, lineterminator="\n")
        table.writerow(header)
        table.writerows(rows)
        target.flush()

    if out is None:
        write(sys.stdout)
    else:
        with out.open("w", newline="") as target:
            write(target)


def _write_parquet(header: list[str], rows: Iterator[_Row], out: Path | None) -> None:
    pa: Any = import_module("pyarrow")
    parquet: Any = import_module("pyarrow.parquet")
    at = COLUMNS.index("at")
    types = {name: pa.float64() for name in header} | {"at": pa.timestamp("ms", tz="UTC")}
    schema = pa.schema(list(types.items()))
    with parquet.ParquetWriter(out, schema) as writer:
        for some in batched(rows, _GROUP):
            columns: list[Any] = list(zip(*some, strict=True))
            columns[at] = [datetime.fromisoformat(text) for text in columns[at]]
            writer.write_table(pa.table(columns, schema=schema))
