"""Mistakes of the user, and how they are told: one line on standard error, exit code 2."""

import sys
from typing import NoReturn

USAGE = 2


def fail(message: str, code: int = USAGE) -> NoReturn:
    """Prints one line and ends the program."""
    line = " ".join(message.split())
    print(f"nullwatt: {line}", file=sys.stderr)
    raise SystemExit(code)
