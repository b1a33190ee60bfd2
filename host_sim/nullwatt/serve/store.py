"""The history of a running house in an SQLite file: one row per second and one per battery, kept beside the run.

Tables: `runs`; `moments`, keyed by run and simulated time; `batteries`, keyed also by MAC. Powers W, times s, state of
charge 0..1; battery + = discharge, grid + = import. `at` is the real time a moment was recorded, ISO 8601 in UTC.
NULL = not known. WAL mode: the file may be read while it is written, and a killed process leaves what was committed.
"""

import logging
import math
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import batched, chain
from pathlib import Path

import nullwatt

from .state import Moment

#: `PRAGMA user_version` of the file.
SCHEMA = 1
#: `PRAGMA application_id`: "nwhi". It tells our files from those of other programs.
APPLICATION_ID = 0x6E776869
#: Moments that may wait for the disk: 20 s of a house at a thousand times real time, hours of one in real time.
WAITING = 20_000
#: Real time between transactions, s.
COMMIT_S = 1.0
#: The end of a program waits at most so long for the disk, s.
_CLOSE_S = 10.0
#: A lock of somebody else's is waited for so long at a time, s.
_LOCK_S = 2.0
_BATCH = 5_000
_TABLES = (
    "CREATE TABLE IF NOT EXISTS runs (id INTEGER PRIMARY KEY, started_at TEXT NOT NULL, title TEXT NOT NULL,"
    " version TEXT NOT NULL, dropped INTEGER NOT NULL DEFAULT 0)",
    "CREATE TABLE IF NOT EXISTS moments (run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE, time_s REAL NOT NULL,"
    " at TEXT NOT NULL, grid_a_w REAL, grid_b_w REAL, grid_c_w REAL, solar_w REAL,"
    " PRIMARY KEY (run, time_s)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS batteries (run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,"
    " time_s REAL NOT NULL, mac TEXT NOT NULL, power_w REAL, soc REAL, PRIMARY KEY (run, time_s, mac)) WITHOUT ROWID",
    f"PRAGMA application_id = {APPLICATION_ID}",
    f"PRAGMA user_version = {SCHEMA}",
)
# One statement for many rows: each statement gives the interpreter lock away and has to get it back from a busy event
# loop, which for one row each would be too slow for a fast house.
_ROWS = 200

_LOG = logging.getLogger("nullwatt.history")

type _Row = tuple[int | float | str | None, ...]


class HistoryError(Exception):
    """The file cannot be used. `str()` is one line."""


def utc(timestamp_s: float) -> str:
    """ISO 8601 in UTC with milliseconds."""
    return datetime.fromtimestamp(timestamp_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def open_history(path: Path, *, write: bool) -> sqlite3.Connection:
    """The file, checked to be a history; with `write` made one if it is new.

    Raises:
        HistoryError: There is none, it is something else, from a newer version, or access is denied.
    """
    if not path.exists():
        if not write:
            raise HistoryError(f"{path}: there is no such file")
        if not path.parent.is_dir():
            raise HistoryError(f"{path}: there is no folder {path.parent}")
    elif not path.is_file():  # nor a pipe, which would be waited for
        raise HistoryError(f"{path}: is {'a folder' if path.is_dir() else 'no regular file'}, must be a history file")
    try:
        if write:
            return _writable(path)
        try:
            return _checked(path, "mode=ro")
        except sqlite3.OperationalError:
            # In a folder that is read-only there can be no index of the WAL; without a WAL none is needed.
            if Path(f"{path}-wal").exists():
                raise
            return _checked(path, "mode=ro&immutable=1")
    except sqlite3.Error as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_NOTADB:
            raise HistoryError(f"{path}: is no SQLite database, must be a history file or a new one") from None
        raise HistoryError(f"{path}: cannot be {'written' if write else 'read'}: {error}") from None


def _checked(path: Path, mode: str) -> sqlite3.Connection:
    """Read before anything is written: a file of somebody else's stays as it is."""
    db = sqlite3.connect(
        f"{path.absolute().as_uri()}?{mode}",
        uri=True,
        isolation_level=None,
        timeout=_LOCK_S,
        check_same_thread=False,
        cached_statements=16,
    )
    try:
        (application,) = db.execute("PRAGMA application_id").fetchone()
        (schema,) = db.execute("PRAGMA user_version").fetchone()
        (tables,) = db.execute("SELECT count(*) FROM sqlite_master").fetchone()
        new = (application, schema, tables) == (0, 0, 0)
        if application != APPLICATION_ID and not (new and mode == "mode=rwc"):
            raise HistoryError(f"{path}: is a database of another program, must be a history file or a new one")
        if schema > SCHEMA:
            raise HistoryError(
                f"{path}: its schema {schema} is newer than {SCHEMA}, which nullwatt {nullwatt.__version__} knows; "
                "take a newer nullwatt"
            )
    except BaseException:
        db.close()
        raise
    return db


def _writable(path: Path) -> sqlite3.Connection:
    db = _checked(path, "mode=rwc")
    try:
        db.execute("PRAGMA journal_mode = WAL")
        # What was committed outlives the process; a power cut may take the last seconds, never the file.
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute("BEGIN IMMEDIATE")
        for statement in _TABLES:
            db.execute(statement)
        db.execute("COMMIT")
    except BaseException:
        db.close()
        raise
    return db


class HistoryStore:
    """Appends one run to a history file. A thread writes, so that whoever records never waits for the disk.

    Attributes:
        run: Number of this run in the file.
        dropped: Moments that did not get in, because the disk was too slow or their time had been recorded before.
    """

    def __init__(self, path: Path, title: str, *, waiting: int = WAITING, commit_s: float = COMMIT_S) -> None:
        """title: what people tell the run by. waiting: most moments in memory. commit_s: between transactions, s.

        Raises:
            HistoryError: See `open_history`.
        """
        self._path = path
        self._waiting = waiting
        self._commit_s = commit_s
        self._queue: deque[tuple[float, Moment]] = deque()
        self._batch: list[tuple[float, Moment]] = []  # what the thread has in hand
        self._last_s = -math.inf
        self._told = 0  # of the dropped, in the log
        self._noted = 0  # of the dropped, in the file
        self._troubled = False
        self._dropping = False
        self.dropped = 0
        self._db = open_history(path, write=True)
        try:
            begun = (utc(time.time()), title.encode(errors="replace").decode(), nullwatt.__version__)
            added = self._db.execute("INSERT INTO runs (started_at, title, version) VALUES (?, ?, ?)", begun)
        except sqlite3.Error as error:
            self._db.close()
            raise HistoryError(f"{path}: cannot be written: {error}") from None
        self.run: int = added.lastrowid or 0
        self._closing = threading.Event()
        # A disk that hangs must not keep the process.
        self._thread = threading.Thread(target=self._write, name="history", daemon=True)
        self._thread.start()

    def record(self, moment: Moment) -> None:
        """Keep a moment, later than the one before. Never waits: what cannot be kept is counted and logged."""
        if not moment.time_s > self._last_s:
            self._drop(moment, f"not later than {self._last_s:g} s")
            return
        if len(self._queue) >= self._waiting:
            self._drop(moment, "the disk does not keep up")
            return
        self._last_s = moment.time_s
        self._queue.append((time.time(), moment))

    def _drop(self, moment: Moment, why: str) -> None:
        """Count it; the first of many is told now, their number by `_tell`."""
        self.dropped += 1
        if not self._dropping:
            self._dropping = True
            _LOG.warning("%s: moments are dropped from %g s on: %s", self._path, moment.time_s, why)

    def close(self) -> None:
        """Write what waits, and let go of the file. Logs what could not be written."""
        self._closing.set()
        self._thread.join(_CLOSE_S)
        missing = len(self._queue) + len(self._batch)
        if missing:
            _LOG.error("%s: closed with %d moments not written", self._path, missing)

    def _write(self) -> None:
        while True:
            closing = self._closing.wait(self._commit_s)
            while self._commit() and self._queue:
                pass
            if closing:
                self._tell()
                self._db.close()
                return

    def _commit(self) -> bool:
        """Write one batch in one transaction; False if it has to be tried again."""
        while self._queue and len(self._batch) < _BATCH:
            self._batch.append(self._queue.popleft())
        dropped = self.dropped
        if not self._batch and dropped == self._noted:
            return True
        try:
            self._db.execute("BEGIN IMMEDIATE")
            self._insert("moments", [self._moment_row(at_s, moment) for at_s, moment in self._batch])
            self._insert("batteries", [row for _, moment in self._batch for row in self._battery_rows(moment)])
            self._db.execute("UPDATE runs SET dropped = ? WHERE id = ?", (dropped, self.run))
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            if not self._troubled:
                _LOG.warning("%s: cannot be written now: %s; trying again", self._path, error)
            self._troubled = True
            if self._db.in_transaction:
                try:
                    self._db.execute("ROLLBACK")
                except sqlite3.Error:
                    _LOG.debug("%s: nothing to roll back", self._path)
            return False
        if self._troubled:
            _LOG.warning("%s: written again", self._path)
        self._troubled = False
        self._batch.clear()
        if dropped == self._noted:
            self._tell()
        self._noted = dropped
        return True

    def _tell(self) -> None:
        """One line for all that were dropped since the last one."""
        dropped = self.dropped
        if dropped != self._told:
            _LOG.warning("%s: run %d: %d moments were dropped", self._path, self.run, dropped - self._told)
        self._told = dropped
        self._dropping = False

    def _moment_row(self, at_s: float, moment: Moment) -> _Row:
        a, b, c = (*map(_known, moment.grid_w), None, None, None)[:3]
        return (self.run, moment.time_s, utc(at_s), a, b, c, _known(moment.solar_w))

    def _battery_rows(self, moment: Moment) -> list[_Row]:
        power_w, soc = moment.batteries_w, moment.soc
        return [
            (self.run, moment.time_s, mac, _known(power_w.get(mac)), _known(soc.get(mac)))
            for mac in dict.fromkeys((*power_w, *soc))
        ]

    def _insert(self, table: str, rows: Sequence[_Row]) -> None:
        for some in batched(rows, _ROWS):
            one = f"({','.join('?' * len(some[0]))})"
            # Replace: whether a COMMIT that failed had effect is not known, and it is tried again.
            statement = f"INSERT OR REPLACE INTO {table} VALUES {','.join([one] * len(some))}"
            self._db.execute(statement, list(chain.from_iterable(some)))


def _known(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
