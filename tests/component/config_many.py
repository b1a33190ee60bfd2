"""Runs `esphome config` on many files with one start of ESPHome.

Run by ESPHome's own interpreter: config_many.py FILE.yaml... writes FILE.out beside each file, the exit code on its
first line. ESPHome and the components are loaded once, by a first pass over the first file; then each file meets
the command line tool in a fork of its own.
"""

import logging
import os
import sys
import traceback
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

from esphome import __main__ as esphome_cli
from esphome.core import CORE


def warm_up(path: Path) -> None:
    with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        esphome_cli.run_esphome(["esphome", "config", str(path)])
    CORE.reset()
    # It writes to what stderr was during this pass; each later one sets up its own.
    logging.getLogger().handlers.clear()


def run_one(path: Path) -> None:
    log = os.open(path.with_suffix(".text"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(log, 1)
    os.dup2(log, 2)
    code = 1
    try:
        code = int(esphome_cli.run_esphome(["esphome", "config", str(path)]) or 0)
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else 1
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    path.with_suffix(".out").write_text(f"{code}\n{path.with_suffix('.text').read_text()}")
    os._exit(0)


def main() -> None:
    warm_up(Path(sys.argv[1]))
    for name in sys.argv[1:]:
        child = os.fork()
        if child == 0:
            run_one(Path(name))
        os.waitpid(child, 0)


main()
