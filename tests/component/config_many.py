"""Runs ESPHome on many files with one start of it.

Run by ESPHome's own interpreter: config_many.py COMMAND FILE.yaml... writes FILE.out beside each file, the exit code
on its first line. COMMAND is `config`, or `generate` for `compile --only-generate`: then FILE.cpp is the generated
code and FILE.h its defines, and nothing is fetched. ESPHome and the components are loaded once, by a first pass over
the first file; then each file meets the command line tool in a fork of its own.
"""

import logging
import os
import shutil
import sys
import traceback
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

from esphome import __main__ as esphome_cli
from esphome import writer
from esphome.components import esp32
from esphome.core import CORE

COMMANDS = {"config": ["config"], "generate": ["compile", "--only-generate"]}
GENERATED = {".cpp": "src/main.cpp", ".h": "src/esphome/core/defines.h"}
AT_A_TIME = 2

# Takes most of the time, and only a compiler needs it: ESPHome's own sources beside the generated ones, and the
# libraries, which would be fetched.
writer.copy_file_if_changed = lambda src, dst: None
esp32.generate_idf_components = lambda libraries, managed=None: []


def warm_up(path: Path) -> None:
    with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        esphome_cli.run_esphome(["esphome", "config", str(path)])
    CORE.reset()
    # It writes to what stderr was during this pass; each later one sets up its own.
    logging.getLogger().handlers.clear()


def run_one(command: str, path: Path) -> None:
    log = os.open(path.with_suffix(".text"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(log, 1)
    os.dup2(log, 2)
    # Files of one folder may be called after the same node.
    os.environ["ESPHOME_DATA_DIR"] = str(path.with_suffix(".data"))
    code = 1
    try:
        code = int(esphome_cli.run_esphome(["esphome", *COMMANDS[command], str(path)]) or 0)
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else 1
    except BaseException:
        traceback.print_exc()
    if command == "generate" and code == 0:
        for suffix, name in GENERATED.items():
            shutil.copyfile(CORE.relative_build_path(name), path.with_suffix(suffix))
    shutil.rmtree(path.with_suffix(".data"), ignore_errors=True)
    sys.stdout.flush()
    sys.stderr.flush()
    path.with_suffix(".out").write_text(f"{code}\n{path.with_suffix('.text').read_text()}")
    os._exit(0)


def main() -> None:
    command, *names = sys.argv[1:]
    warm_up(Path(names[0]))
    running = 0
    for name in names:
        if running == AT_A_TIME:
            os.wait()
            running -= 1
        if os.fork() == 0:
            run_one(command, Path(name))
        running += 1
    while running > 0:
        os.wait()
        running -= 1


main()
