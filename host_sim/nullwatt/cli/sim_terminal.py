"""What a view needs of the process: a terminal in front of it or a page, and a log that stays off the screen."""

import logging
import os
import sys
import time
from contextlib import suppress
from importlib.util import find_spec


def obstacle() -> str | None:
    """Why no live view can be shown here, None if it can."""
    for stream in (sys.__stdin__, sys.__stdout__, sys.__stderr__):
        if stream is None or not stream.isatty():
            return "a live view needs a terminal"
        with suppress(OSError):  # a terminal, but not the one that controls this process: nothing to ask
            if os.tcgetpgrp(stream.fileno()) != os.getpgrp():
                return "a live view cannot run in the background"
    if os.environ.get("TERM", "") in ("", "dumb", "unknown"):
        return f"the terminal (TERM={os.environ.get('TERM', '')}) is too simple for a live view"
    try:
        import textual  # noqa: F401
    except ModuleNotFoundError as error:
        if error.name != "textual":
            raise
        return "the live view needs the package textual; install nullwatt[sim]"
    return None


def page_obstacle() -> str | None:
    """Why no web page can be shown here, None if it can."""
    if find_spec("nicegui") is None:
        return "the page needs the package nicegui; install nullwatt[web]"
    return None


class LastLine(logging.Handler):
    """The latest line of the log, for a view to show.

    Attributes:
        text: Time and text, empty before the first.
    """

    text = ""

    def emit(self, record: logging.LogRecord) -> None:
        """See logging.Handler. Of a message of several lines the first stands for all."""
        self.say(record.getMessage())

    def say(self, message: str) -> None:
        """Show this."""
        first = message.strip().partition("\n")[0]
        self.text = f"{time.strftime('%H:%M:%S')} {first}"
