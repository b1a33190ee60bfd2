"""`nullwatt sim run --history`, `sim export` and `sim runs` as people type them."""

import contextlib
import csv
import io
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sim_process import HOUSE, Running
from typer.testing import CliRunner

from nullwatt.cli.main import app
from nullwatt.serve import HistoryError, HistoryStore, Moment, Recorded

MACS = ("02B250000001", "02B250000002")
FAST = HOUSE | {"time_scale": 50, "log_interval": 1e6}


def sim(*arguments: object, before: Sequence[str] = (), **options: Any) -> "subprocess.CompletedProcess[str]":
    command = [*before, sys.executable, "-m", "nullwatt", "sim", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, **options)


def output(*arguments: object) -> str:
    done = sim(*arguments)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def one_line(done: "subprocess.CompletedProcess[str]", code: int = 2) -> str:
    assert done.returncode == code, (done.stdout, done.stderr)
    assert done.stderr.startswith("nullwatt: ") and done.stderr.count("\n") == 1, done.stderr
    return done.stderr


def keep(path: Path, moments: Sequence[Moment], title: str = "kept") -> None:
    store = HistoryStore(path, title)
    for one in moments:
        store.record(one)
    store.close()


def minute(seconds: int = 60) -> list[Moment]:
    """Phase A rises by 1 W a second; the second battery is there from 30 s on."""
    return [
        Moment(
            time_s=second,
            grid_w=[second, 2.0, -3.5],
            solar_w=50.0,
            batteries_w=dict.fromkeys(MACS[: 1 + (second >= 30)], 100.0 + second),
            soc=dict.fromkeys(MACS[: 1 + (second >= 30)], 0.5),
        )
        for second in range(seconds)
    ]


def times(path: Path, run: int) -> list[float]:
    """Empty as long as there is nothing to read."""
    with contextlib.suppress(HistoryError), Recorded(path) as file:
        return [one.time_s for one in file.moments(run)]
    return []


def wait_until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


# -- a house with a history ------------------------------------------------------------------------


def test_a_house_keeps_its_history(tmp_path: Path) -> None:
    path = tmp_path / "h.db"
    house = Running(tmp_path, FAST, "--history", str(path))
    wait_until(lambda: len(times(path, 1)) > 20)
    live = house.client.get("/api/v1/history", params={"seconds": 3600}).json()
    assert house.client.post("/shutdown").status_code == 200
    assert house.process.wait(20) == 0
    house.client.close()
    rows = table(output("export", path))
    assert [float(row["time_s"]) for row in rows] == list(range(len(rows)))  # every second, the last ones too
    assert len(rows) >= len(live)
    # The page's history has the clock's time, but the same powers.
    assert [row["grid_a_w"] for row in rows[: len(live)]] == [str(one["grid_w"][0]) for one in live]
    assert {row[f"battery_{MACS[0]}_soc"] for row in rows} == {"0.25"}


def test_a_killed_house_leaves_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "h.db"
    house = Running(tmp_path, FAST, "--history", str(path))
    wait_until(lambda: len(times(path, 1)) > 100)
    seen = times(path, 1)
    house.close()  # SIGKILL
    assert times(path, 1)[: len(seen)] == seen
    with contextlib.closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    again = Running(tmp_path, FAST, "--history", str(path))
    wait_until(lambda: len(times(path, 2)) > 0)
    again.close()
    assert times(path, 1)[: len(seen)] == seen
    assert [line.split()[0] for line in output("runs", path).splitlines()] == ["run", "1", "2"]


def test_seconds_of_a_step_are_kept_apart(tmp_path: Path) -> None:
    path = tmp_path / "h.db"
    house = Running(tmp_path, HOUSE, "--history", str(path))
    house.client.post("/api/v1/time/pause")
    house.client.post("/api/v1/time/step", json={"seconds": 600})
    wait_until(lambda: len(times(path, 1)) >= 600)
    assert times(path, 1)[:600] == list(range(600))
    house.close()


def test_a_house_in_the_background_keeps_its_history(tmp_path: Path) -> None:
    options: dict[str, Any] = {"cwd": tmp_path, "env": {**os.environ, "HOME": str(tmp_path)}}
    started = sim("start", "--http-port", 0, "--history", "h.db", **options)
    assert started.returncode == 0, started.stderr
    try:
        wait_until(lambda: len(times(tmp_path / "h.db", 1)) > 0)
    finally:
        assert sim("stop", **options).returncode == 0


def test_files_that_cannot_be_a_history(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("milk, bread, and enough words to be no empty file\n" * 20)
    for path, words in (
        (text, "is no SQLite database"),
        (tmp_path, "is a folder"),
        (tmp_path / "none" / "h.db", "there is no folder"),
    ):
        line = one_line(sim("run", "--no-tui", "--http-port", 0, "--history", path))
        assert f"{path}: " in line and words in line
    assert text.read_text().startswith("milk")


def test_a_file_that_may_only_be_read(tmp_path: Path) -> None:
    before: list[str] = []
    if os.geteuid() == 0:  # whom no mode of a file stops
        if shutil.which("setpriv") is None:
            pytest.skip("needs setpriv")
        before = ["setpriv", "--bounding-set=-dac_override", "--inh-caps=-dac_override"]
    path = tmp_path / "h.db"
    keep(path, minute())
    path.chmod(0o444)
    line = one_line(sim("run", "--no-tui", "--http-port", 0, "--history", path, before=before))
    assert f"{path}: cannot be written" in line
    tmp_path.chmod(0o555)
    try:
        assert sim("export", path, before=before).stdout.count("\n") == 61
    finally:
        tmp_path.chmod(0o755)


# -- the table -------------------------------------------------------------------------------------


def test_columns_and_absent_batteries(tmp_path: Path) -> None:
    keep(tmp_path / "h.db", minute())
    text = output("export", tmp_path / "h.db")
    assert text.splitlines()[0] == (
        "time_s,at,grid_a_w,grid_b_w,grid_c_w,grid_w,solar_w,battery_02B250000001_w,battery_02B250000001_soc,"
        "battery_02B250000002_w,battery_02B250000002_soc"
    )
    rows = table(text)
    assert len(rows) == 60
    assert [rows[10][column] for column in ("time_s", "grid_a_w", "grid_w", "solar_w")] == [
        "10.0",
        "10.0",
        "8.5",
        "50.0",
    ]
    assert (rows[29]["battery_02B250000002_w"], rows[29]["battery_02B250000002_soc"]) == ("", "")
    assert (rows[30]["battery_02B250000002_w"], rows[30]["battery_02B250000002_soc"]) == ("130.0", "0.5")
    assert datetime.fromisoformat(rows[0]["at"]).tzinfo is not None


def test_a_part_of_it(tmp_path: Path) -> None:
    keep(tmp_path / "h.db", minute())
    rows = table(output("export", tmp_path / "h.db", "--from", 10, "--to", 20))
    assert [float(row["time_s"]) for row in rows] == list(range(10, 20))


def test_means(tmp_path: Path) -> None:
    keep(tmp_path / "h.db", minute())
    rows = table(output("export", tmp_path / "h.db", "--every", 20))
    assert [row["time_s"] for row in rows] == ["0.0", "20.0", "40.0"]
    assert [row["grid_a_w"] for row in rows] == ["9.5", "29.5", "49.5"]
    assert [row["grid_w"] for row in rows] == ["8.0", "28.0", "48.0"]
    # Absent, there for the last ten of twenty seconds, there.
    assert [row["battery_02B250000002_w"] for row in rows] == ["", "134.5", "149.5"]


def test_runs(tmp_path: Path) -> None:
    path = tmp_path / "h.db"
    keep(path, minute(), "my-house.yaml")
    keep(path, minute(10), "tea time")
    lines = output("runs", path).splitlines()
    assert lines[1].split()[:1] + lines[1].split()[2:] == ["1", "0:00:59", "2", "my-house.yaml"]
    assert lines[2].split()[:1] + lines[2].split()[2:] == ["2", "0:00:09", "1", "tea", "time"]
    assert len(table(output("export", path))) == 10
    assert len(table(output("export", path, "--run", 1))) == 60


def test_moments_that_were_dropped_are_told(tmp_path: Path) -> None:
    keep(tmp_path / "h.db", [*minute(), *minute(1)])
    done = sim("export", tmp_path / "h.db")
    assert done.stdout.count("\n") == 61
    assert "run 1: 1 moments were dropped" in one_line(done, 0)


def test_parquet_has_types(tmp_path: Path) -> None:
    keep(tmp_path / "h.db", minute())
    output("export", tmp_path / "h.db", "-o", tmp_path / "h.parquet")
    written = pq.read_table(tmp_path / "h.parquet")
    assert written.column_names == output("export", tmp_path / "h.db").splitlines()[0].split(",")
    assert {str(field.type) for field in written.schema if field.name != "at"} == {"double"}
    assert str(written.schema.field("at").type) == "timestamp[ms, tz=UTC]"
    assert written["battery_02B250000002_w"].null_count == 30
    # --format decides, whatever the name.
    output("export", tmp_path / "h.db", "-o", tmp_path / "as.csv", "--format", "parquet")
    assert pq.read_table(tmp_path / "as.csv").equals(written)


watts = st.floats(-1e5, 1e5)
pairs = st.dictionaries(st.sampled_from([*MACS, "AABBCCDDEEFF"]), st.tuples(watts, st.floats(0, 1)))
moments_ = st.dictionaries(
    st.integers(0, 10**8).map(lambda milliseconds: milliseconds / 1000),
    st.tuples(st.tuples(watts, watts, watts), watts, pairs),
    max_size=20,
)


@settings(deadline=None, max_examples=25)
@given(moments_)
def test_what_was_recorded_is_exported(some: dict[float, Any]) -> None:
    """Times and powers to 0.001, states of charge to 0.000001, in both formats."""
    begun = datetime.now(UTC).timestamp()
    moments = [
        Moment(
            time_s=time_s,
            grid_w=list(grid_w),
            solar_w=solar_w,
            batteries_w={mac: power_w for mac, (power_w, _) in there.items()},
            soc={mac: soc for mac, (_, soc) in there.items()},
        )
        for time_s, (grid_w, solar_w, there) in sorted(some.items())
    ]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        keep(folder / "h.db", moments)
        for out in ("h.csv", "h.parquet"):
            done = CliRunner().invoke(app, ["sim", "export", str(folder / "h.db"), "-o", str(folder / out)])
            assert done.exit_code == 0, done.output
        written = pq.read_table(folder / "h.parquet").to_pylist()
        text = table((folder / "h.csv").read_text())
    read = [
        {
            key: datetime.fromisoformat(value) if key == "at" else float(value) if value else None
            for key, value in row.items()
        }
        for row in text
    ]
    assert read == written
    assert len(read) == len(moments)
    macs = sorted({mac for moment in moments for mac in moment.soc})
    for row, moment in zip(written, moments, strict=True):
        at = row.pop("at").timestamp()
        assert begun - 1 < at < begun + 3600
        expected = dict(zip(("grid_a_w", "grid_b_w", "grid_c_w"), moment.grid_w, strict=True))
        expected |= {"time_s": moment.time_s, "grid_w": sum(moment.grid_w), "solar_w": moment.solar_w}
        for mac in macs:
            expected[f"battery_{mac}_w"] = moment.batteries_w.get(mac)
            expected[f"battery_{mac}_soc"] = moment.soc.get(mac)
        assert row.keys() == expected.keys()
        for key, value in expected.items():
            off = 0.51e-6 if key.endswith("_soc") else 0.51e-3
            assert row[key] == (None if value is None else pytest.approx(value, abs=off, rel=0)), key


# -- mistakes --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("none.db",), "none.db: there is no such file"),
        ((".",), ".: is a folder"),
        (("h.db", "--run", 7), "--run 7: h.db has 1"),
        (("h.db", "--from", 5, "--to", 5), "--from 5 --to 5: --from must be below --to"),
        (("h.db", "--from", "nan"), "--from nan"),
        (("h.db", "--every", 0), "--every 0: must be a number of seconds, at least 1"),
        (("h.db", "--every", "nan"), "--every nan"),
        (("h.db", "--format", "xml"), "--format xml: must be csv or parquet"),
        (("h.db", "--format", "parquet"), "--format parquet: needs a file"),
        (("h.db", "-o", "h.parqet"), "--output h.parqet: must end in .csv or .parquet"),
        (("h.db", "-o", "h.db", "--format", "csv"), "--output h.db: is the history itself"),
        (("h.db", "-o", "none/h.csv"), "none/h.csv: cannot be written: No such file or directory"),
        (("h.db", "-o", "none/h.parquet"), "none/h.parquet: cannot be written"),
    ],
)
def test_mistakes(tmp_path: Path, arguments: tuple[object, ...], words: str) -> None:
    keep(tmp_path / "h.db", minute(3))
    assert words in one_line(sim("export", *arguments, cwd=tmp_path))
    assert len(times(tmp_path / "h.db", 1)) == 3


def test_a_damaged_history(tmp_path: Path) -> None:
    path = tmp_path / "h.db"
    keep(path, minute(2000))
    with path.open("r+b") as file:
        file.seek(8192)
        file.write(b"\xff" * (path.stat().st_size - 16384))
    assert f"{path}: cannot be read" in one_line(sim("export", path))


def test_without_pyarrow(tmp_path: Path) -> None:
    keep(tmp_path / "h.db", minute())
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['pyarrow'] = None\n")
    env = {**os.environ, "PYTHONPATH": str(tmp_path)}
    line = one_line(sim("export", "h.db", "-o", "h.parquet", cwd=tmp_path, env=env))
    assert "install nullwatt[parquet]" in line
    assert sim("export", "h.db", "-o", "h.csv", cwd=tmp_path, env=env).returncode == 0


@pytest.mark.parametrize("verb", ["export", "runs"])
def test_a_reader_that_has_enough(tmp_path: Path, verb: str) -> None:
    keep(tmp_path / "h.db", minute(5000))
    command = [sys.executable, "-m", "nullwatt", "sim", verb, str(tmp_path / "h.db")]
    reads, writes = os.pipe()
    os.close(reads)
    done = subprocess.run(command, stdout=writes, stderr=subprocess.PIPE, timeout=60)
    os.close(writes)
    assert (done.returncode, done.stderr) == (0, b"")


# Not ru_maxrss: a child begins with that of its parent, which here is pytest with all it has done before.
MEMORY = """
import sys
from pathlib import Path
from nullwatt.cli.main import main
try:
    main()
finally:
    most = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    print(int(most.split()[1]) // 1024, file=sys.stderr)
"""


@pytest.mark.slow
@pytest.mark.parametrize("out", ["day.csv", "day.parquet"])
def test_a_day_fits_in_little_memory(tmp_path: Path, out: str) -> None:
    macs = [f"02B25000000{number}" for number in range(4)]
    store = HistoryStore(tmp_path / "h.db", "a day", waiting=90_000)
    for second in range(86_400):
        powers, shares = dict.fromkeys(macs, second / 7), dict.fromkeys(macs, second / 86_400)
        store.record(Moment(time_s=second, grid_w=[second / 3, 2, 3], solar_w=4, batteries_w=powers, soc=shares))
    store.close()
    assert store.dropped == 0
    command = [sys.executable, "-c", MEMORY, "sim", "export", "h.db", "-o", out]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert int(done.stderr.split()[-1]) < 400  # MB, most of it pyarrow itself
    rows = (
        pq.read_table(tmp_path / out).num_rows
        if out.endswith("parquet")
        else (tmp_path / out).read_text().count("\n") - 1
    )
    assert rows == 86_400
