"""Runs under MicroPython: run_meter.py FOLDER_OF_NULLWATT SECTION. Prints what a meter hands over, and the log."""

import asyncio
import json
import sys

sys.path.insert(0, sys.argv[1])
sys.path.insert(0, ".")

from nullwatt.keys import ConfigError

from nullwatt import log
from nullwatt.meters import build


def take(values):
    print("take " + json.dumps(values))


log.set_level("debug")
try:
    meter = build(json.loads(sys.argv[2]))
except ConfigError as error:
    print(f"config: {error}")
    sys.exit(2)
asyncio.run(meter.run(take))
