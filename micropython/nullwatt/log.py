"""What happens, as lines on the REPL; the latest stay in memory for the status page."""

import time

LEVELS = ("debug", "info", "warning", "error")
KEPT = 30
_LONGEST = 160

#: The latest lines, oldest first.
lines: list = []
_least = 1


def set_level(name: str) -> None:
    """Show this level and what is more important; ValueError if there is none of that name."""
    global _least
    _least = LEVELS.index(name)


def _say(level: int, text: str, *values: object) -> None:
    if level < _least:
        return
    line = f"{time.ticks_ms() / 1000:9.1f} {LEVELS[level]} {text % values if values else text}"
    line = line[:_LONGEST]
    lines.append(line)
    if len(lines) > KEPT:
        del lines[0]
    print(line)


def debug(text: str, *values: object) -> None:
    """For who looks for a fault."""
    _say(0, text, *values)


def info(text: str, *values: object) -> None:
    """What is normal and rare."""
    _say(1, text, *values)


def warning(text: str, *values: object) -> None:
    """What should not be, and passes."""
    _say(2, text, *values)


def error(text: str, *values: object) -> None:
    """What somebody has to mend."""
    _say(3, text, *values)
