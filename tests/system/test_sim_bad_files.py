"""Every house file that cannot be used ends `nullwatt sim run` with one line and exit code 2, and is named in it."""

import ast
import contextlib
import copy
import io
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import yaml
from house_mistakes import FULL, HAND_WRITTEN, at, changed
from hypothesis import given, settings
from hypothesis import strategies as st

from nullwatt.cli import sim_run
from nullwatt.cli.main import main
from nullwatt.home import HouseFile
from nullwatt.lab import BatterySpec, Site

MAC = "02B250000001"
BATTERY = f'batteries: [{{mac: "{MAC}", phase: A}}]\n'


def battery(keys: str) -> str:
    return f'batteries: [{{mac: "{MAC}", phase: A, {keys}}}]\n'


def house(keys: str) -> str:
    return f"{BATTERY}powermeter: {{{keys}}}\n"


def replay(keys: str) -> str:
    return house(f"appliances: [{{name: tape, kind: replay, phase: A, {keys}}}]")


def bomb(first: str, item: str, levels: int = 10) -> str:
    """A list whose last entry, written out, holds nine times the entry before it nine times over."""
    entries = [f"&a0 {first}"]
    for level in range(1, levels):
        entries.append(f"&a{level} " + item.format(", ".join([f"*a{level - 1}"] * 9)))
    return f"[{', '.join(entries)}]"


#: Name of the file -> (content, what the line must say besides the name).
FILES: dict[str, tuple[str | bytes, str]] = {
    "empty.yaml": ("", "must be an object with the key batteries"),
    "empty.json": ("", "line 1 column 1: not JSON"),
    "list.yaml": ("- batteries\n", "must be an object with the key batteries"),
    "binary.yaml": (bytes(range(256)), "is not UTF-8 text"),
    "binary.json": (b"\x89PNG\r\n\x1a\n" * 9, "is not UTF-8 text"),
    "zeros.yaml": (bytes(40), "not YAML"),
    "utf16.yaml": (BATTERY.encode("utf-16"), "is not UTF-8 text"),
    "cut.yaml": ("batteries: [", "line 1: not YAML"),
    "cut.json": ('{"batteries": [', "line 1 column 16: not JSON"),
    "tab.yaml": ("batteries:\n\t- mac", "line 2: not YAML"),
    "two.yaml": (f"{BATTERY}---\n{BATTERY}", "found another document"),
    "object.yaml": (f"{BATTERY}seed: !!python/object/apply:os.system [exit]\n", "line 2: not YAML"),
    "tag.yaml": (f"{BATTERY}auto_mode: !!bool maybe\n", "a value is not what its tag (!!...) says"),
    "no_number.yaml": (f"{BATTERY}seed: !!int\n", "a value is not what its tag (!!...) says"),
    "no_time.yaml": (f"{BATTERY}seed: !!timestamp noon\n", "a value is not what its tag (!!...) says"),
    "twice.yaml": (BATTERY + BATTERY, "key 'batteries' is given 2 times"),
    "twice.json": ('{"seed": 1, "seed": 2}', "key 'seed' is given 2 times"),
    "twice_inside.yaml": (house("phases: 1, phases: 3"), "key 'phases' is given 2 times"),
    "bomb.yaml": (f"{BATTERY}ct: {bomb('[x]', '[{}]')}\n", "aliases (*name) make it too large"),
    "bomb_kind.yaml": (house(f"appliances: [{{kind: {bomb('[x]', '[{}]')}}}]"), "aliases (*name) make it too large"),
    "bomb_key.yaml": (f"? {bomb('[x]', '[{}]')}\n: 1\n", "aliases (*name) make it too large"),
    "bomb_merged.yaml": (f"batteries: {bomb('{mac: x}', '{{<<: [{}]}}')}\n", "aliases (*name) make it too large"),
    "snake.yaml": ("batteries: &all [*all]\n", "batteries[0] = list: must be an object"),
    "deep.yaml": (f"batteries: {'[' * 2000}{']' * 2000}\n", "nested too deeply"),
    "deep.json": (f'{{"batteries": {"[" * 100_000}{"]" * 100_000}}}', "nested too deeply"),
    "nan.yaml": (f"{BATTERY}time_scale: .nan\n", "time_scale = NaN: must be a finite number"),
    "nan.json": (f'{{"batteries": [{{"mac": "{MAC}", "phase": "A", "ratio": NaN}}]}}', "batteries[0].ratio = NaN"),
    "inf.yaml": (battery("capacity_wh: .inf"), "batteries[0].capacity_wh = Infinity: must be a finite number"),
    "overflow.yaml": (battery("ramp_rate: 1.0e+999"), "batteries[0].ramp_rate = Infinity: must be a finite number"),
    "huge.yaml": (battery("standby: 1.0e+300"), "batteries[0].standby = 1e+300: must be less than"),
    "huge_seed.yaml": (f"{BATTERY}seed: 0x{'f' * 5000}\n", "seed = int: must be less than"),
    "digits.yaml": (f"{BATTERY}seed: {'9' * 5000}\n", "not usable YAML"),
    "digits.json": (f'{{"seed": {"9" * 5000}}}', "a number has too many digits"),
    "tiny.yaml": (f"{BATTERY}meter: {{resolution: 1.0e-300}}\n", "meter.resolution = 1e-300: must be 0 or at least"),
    "hectic.yaml": (f"{BATTERY}auto_interval: [1.0e-300, 1]\n", "auto_interval[0] = 1e-300: must be greater"),
    "interval.yaml": (f"{BATTERY}auto_interval: [30]\n", "auto_interval = [30]: must have 2 entries"),
    "text.yaml": (battery('initial_soc: "0.5"'), 'batteries[0].initial_soc = "0.5": must be a number'),
    "yes.yaml": (battery("participates: yes"), 'batteries[0].participates = "yes": must be true or false'),
    "null.yaml": ("batteries:\n", "batteries = null: must be a list"),
    "none.yaml": ("seed: 1\n", "batteries: required key is missing"),
    "date.yaml": (f"{BATTERY}seed: 2026-02-30\n", "not usable YAML: day is out of range"),
    "number_key.yaml": (f"{BATTERY}5: 6\n", "keys must be text"),
    "strange_key.yaml": (f'{BATTERY}"a\\nb\\e[0m": 5\n', r"a\nb\x1b[0m = 5: unknown key"),
    "misspelt.yaml": ("battries: []\n", 'battries = []: unknown key, did you mean "batteries"?'),
    "misspelt_inside.yaml": (
        battery("inital_soc: 0.5"),
        'batteries[0].inital_soc = 0.5: unknown key, did you mean "in',
    ),
    "mac.yaml": ("batteries: [{mac: 112233445566, phase: A}]\n", "batteries[0].mac = 112233445566: must be 12 hexa"),
    "macs.yaml": (
        f'batteries: [{{mac: "{MAC}", phase: A}}, {{mac: "{MAC.lower()}", phase: B}}]\n',
        'batteries[1].mac = "02b250000001": must be unique',
    ),
    "phase.yaml": (
        battery("").replace("A,", "C") + "powermeter: {phases: 1}\n",
        'batteries[0].phase = "C": this house',
    ),
    "law.yaml": (battery("law: integrater"), "batteries[0].law: 'integrater' is not one of ramp, integrator"),
    "type.yaml": (battery('meter_dev_type: "HMG|50"'), "batteries[0].meter_dev_type: 'HMG|50' is not printable"),
    "long_type.yaml": (battery(f"meter_dev_type: {'V' * 20_000}"), "VVV...: is too long"),
    "dc.yaml": (battery("dc_input_power: 5"), "batteries[0].dc_input_power = 5.0: must not be above max_dc_input"),
    "port.yaml": (f"{BATTERY}ct: {{port: 65536}}\n", "ct.port = 65536: must be less than or equal to 65535"),
    "http_port.yaml": (f"{BATTERY}http: {{port: -1}}\n", "http.port = -1: must be greater than or equal to 0"),
    "host.yaml": (f'{BATTERY}ct: {{host: "my house"}}\n', 'ct.host = "my house": must be an address or a name'),
    "long_host.yaml": (f"{BATTERY}http: {{host: {'h' * 64}.local}}\n", "http.host = "),
    "time.yaml": (
        house("loads: [{name: tv, power: 9, phase: A}], events: [{time: -1, load: tv, active: true}]"),
        "powermeter.events[0].time = -1: must be greater than or equal to 0",
    ),
    "event.yaml": (
        house("loads: [{name: kettle, power: 9, phase: A}], events: [{time: 1, load: ketle, active: true}]"),
        'powermeter.events[0].load = "ketle": no such load, did you mean "kettle"?',
    ),
    "names.yaml": (
        house("loads: [{name: tv, power: 9, phase: A}], appliances: [{name: tv, kind: kettle, phase: A}]"),
        'powermeter.appliances[0].name = "tv": must be unique',
    ),
    "own_name.yaml": (
        house('loads: [{name: "house: sun", power: 9, phase: A}]'),
        'powermeter.loads[0].name = "house: sun": must be another name',
    ),
    "kind.yaml": (
        house("appliances: [{name: tea, kind: ketle, phase: A}]"),
        'powermeter.appliances[0].kind = "ketle": no such appliance, did you mean "kettle"?',
    ),
    "phases.yaml": (house("phases: 1, solar_phases: [B]"), 'powermeter.solar_phases = ["B"]: this house has only'),
    "no_tape.yaml": (replay("file: no.csv, column: w"), 'appliances[0].file = "no.csv": cannot be read: No such file'),
    "column.yaml": (replay("file: t.csv, column: wats"), 'the file has no column "wats", did you mean "watts"?'),
    "rows.yaml": (
        replay("file: rows.csv, column: watts"),
        "appliances[0].file = \"rows.csv\": line 3: 'x' is not a nu",
    ),
}


def files(folder: Path) -> dict[Path, str]:
    """All of them written, and some paths that are no readable file; with what is to be said."""
    (folder / "t.csv").write_text("time,watts\n0,1\n10,2\n")
    (folder / "rows.csv").write_text("time,watts\n0,1\n10,x\n")
    found = {}
    for name, (content, words) in FILES.items():
        path = folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        found[path] = words
    (folder / "folder.yaml").mkdir()
    found[folder / "folder.yaml"] = "cannot be read: Is a directory"
    found[folder / "missing.yaml"] = "cannot be read: No such file"
    found[Path("/proc/self/mem")] = "cannot be read: Input/output error"
    return found


def check(code: object, output: str, errors: str, name: str, words: str = "") -> None:
    assert code == 2, (code, output, errors)
    assert errors.count("\n") == 1 and errors[:-1].isprintable() and len(errors) < 600, errors
    assert errors.startswith(f"nullwatt: {name}: ") and words in errors, (errors, words)
    assert "Traceback" not in output + errors
    assert "hunter2" not in output + errors


#: The command, imported once and forked for each file: a process each without a second of imports each.
FORKS = """
import os, sys
import nullwatt.cli.sim_run
from nullwatt.cli.main import main
for path in sys.argv[1:]:
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(writer, 1)
        os.dup2(writer, 2)
        sys.argv = ["nullwatt", "sim", "run", "--no-tui", "-c", path]
        try:
            main()
        except SystemExit as end:
            sys.stdout.flush(), sys.stderr.flush()
            os._exit(end.code)  # taking everything imported down again would be the longest part
    os.close(writer)
    told = os.fdopen(reader, errors="replace").read()
    print(repr((os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), told)), flush=True)
"""


def test_the_command_names_file_and_key_in_one_line(tmp_path: Path) -> None:
    wanted = files(tmp_path)
    assert len(wanted) > 60
    command = [sys.executable, "-c", FORKS, *map(str, wanted)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    for (path, words), line in zip(wanted.items(), done.stdout.splitlines(), strict=True):
        code, told = ast.literal_eval(line)
        check(code, "", told, str(path), words)


@pytest.mark.parametrize("name", ["misspelt.yaml", "bomb_merged.yaml", "deep.json"])
def test_as_it_is_typed(tmp_path: Path, name: str) -> None:
    files(tmp_path)
    command = [sys.executable, "-m", "nullwatt", "sim", "run", "--no-tui", "-c", name]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    check(done.returncode, done.stdout, done.stderr, name, FILES[name][1])


def _a_while(file: HouseFile, specs: tuple[BatterySpec, ...], *_: object) -> int:
    """What runs in place of the simulation: the same house and batteries, for some events."""
    site = Site(file.house_config(), specs, (file.auto_interval[0], file.auto_interval[1]))
    site.auto.enable(file.auto_mode)
    for _ in range(20):
        site.house.advance_to(site.house.next_event_s)
        site.auto.step()
        for each in site.batteries:
            each.advance(1.0)
            each.request()
    return 0


def called(path: Path) -> tuple[object, str, str]:
    """The command in this process: exit code, output, errors."""
    output, errors = io.StringIO(), io.StringIO()
    arguments = ["nullwatt", "sim", "run", "--no-tui", "--emulator", "-c", str(path)]  # which MQTT needs
    with (
        patch.object(sys, "argv", arguments),
        patch.object(sim_run, "serve", _a_while),
        contextlib.redirect_stdout(output),
        contextlib.redirect_stderr(errors),
        pytest.raises(SystemExit) as ended,
    ):
        main()
    return ended.value.code, output.getvalue(), errors.getvalue()


@pytest.mark.parametrize(("place", "value", "message"), HAND_WRITTEN)
def test_mistakes_of_the_library_are_told_by_the_command(
    tmp_path: Path, place: tuple[str | int, ...], value: object, message: str
) -> None:
    path = tmp_path / "h.json"
    path.write_text(json.dumps(changed(place, value)))
    check(*called(path), str(path), message)


def test_a_good_file_runs(tmp_path: Path) -> None:
    for path, text in ((tmp_path / "h.json", json.dumps(FULL)), (tmp_path / "h.yaml", yaml.safe_dump(FULL))):
        path.write_text(text)
        assert called(path) == (0, "", "")
    merged = f"batteries: [&one {{mac: '{MAC}', phase: A}}, {{<<: *one, mac: '02B250000002'}}]\nct: {{host: '::1'}}\n"
    path.write_text(merged)
    assert called(path)[0] == 0


def places(document: Any, here: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    inside = document.items() if isinstance(document, dict) else enumerate(document)
    found = []
    for key, value in inside:
        found.append((*here, key))
        found += places(value, (*here, key)) if isinstance(value, dict | list) else []
    return found


_NUMBERS = st.one_of(st.floats(), st.integers(), st.sampled_from([5e-324, 1e-300, 1e12, 1.1e12, 10**400, -0.0]))
_TEXTS = st.one_of(
    st.text(max_size=20), st.sampled_from(["A", "D", "E", "tea", "house: sun", "\x00", "\ud800", ".." * 9])
)
_VALUES: st.SearchStrategy[object] = st.recursive(
    st.one_of(st.none(), st.booleans(), _NUMBERS, _TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_TEXTS, inner, max_size=2)),
    max_leaves=4,
)


@settings(max_examples=250, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(places(FULL)), _VALUES), min_size=1, max_size=3))
def test_whatever_values_a_file_has_it_runs_or_is_told_in_one_line(
    changes: list[tuple[tuple[str | int, ...], object]],
) -> None:
    document = copy.deepcopy(FULL)
    for place, value in changes:
        with contextlib.suppress(LookupError, TypeError):  # the section is gone already
            at(document, place[:-1])[place[-1]] = value
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "h.json"
        path.write_text(json.dumps(document))
        code, output, errors = called(path)
    if code != 0:
        check(code, output, errors, str(path))
        assert any(str(place[0]) in errors for place, _ in changes), errors


@settings(max_examples=150, deadline=None)
@given(st.data(), st.sampled_from([".json", ".yaml"]))
def test_however_a_file_is_damaged_it_runs_or_is_told_in_one_line(data: st.DataObject, suffix: str) -> None:
    text = json.dumps(FULL, indent=1) if suffix == ".json" else yaml.safe_dump(FULL)
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(start + 40, len(text))))
    junk = data.draw(
        st.one_of(
            st.binary(max_size=4),
            st.sampled_from(
                [
                    b"*a",
                    b"&a ",
                    b"!!int ",
                    b"!!float ",
                    b"!!timestamp ",
                    b"!!bool ",
                    b"!!binary ",
                    b"!!omap ",
                    b"? ",
                    b"<<: ",
                    b"\t",
                ]
            ),
        )
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"h{suffix}"
        path.write_bytes(text[:start].encode() + junk + text[end:].encode())
        code, output, errors = called(path)
    if code != 0:
        check(code, output, errors, str(path))
