"""UDP ports of the nodes that tests and tools compile."""

import os
import zlib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def first_port() -> int:
    """The first of ten ports.

    They are compiled in and the builds are kept, so they stay the same in one checkout; they differ between
    checkouts, so that several can be tested at a time. NULLWATT_TEST_PORT overrules.
    """
    chosen = os.environ.get("NULLWATT_TEST_PORT")
    # Below what Linux gives to clients.
    return int(chosen) if chosen else 20000 + zlib.crc32(str(ROOT).encode()) % 1200 * 10
