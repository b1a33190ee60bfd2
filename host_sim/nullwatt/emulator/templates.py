"""Renders Home Assistant's templates, which anyone on the broker may have written, with bounded time and memory.

Jinja2's sandbox keeps a template from the machine, but not from using it up: that needs a process of its own.
"""

import json
import os
import select
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

_CHILD = Path(__file__).with_name("template_child.py")
_LONGEST_S = 2.0
_START_S = 20.0  # on a busy machine
#: So many that took too long are waited for in one document, and in all.
_MOST_WAITS = 3
_MOST_WAITS_IN_ALL = 15


class TemplateError(Exception):
    """No value came of a template. `str()` is one line."""


class Templates:
    """A context: renders one template after the other. `most`: characters of a value, what is longer is cut one later.

    The process is there from the first template on, and a new one after each that took too long.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._child: subprocess.Popen[bytes] | None = None
        self._waits = 0
        self._waits_in_all = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def next_document(self) -> None:
        """The templates from here on are another's."""
        self._waits = 0

    def render(self, template: str, text: str, is_json: bool) -> str:
        """The value. text: `value` of the template. is_json: it is JSON, and `value_json` of the template.

        Raises:
            TemplateError: There is none.
        """
        if self._waits >= _MOST_WAITS or self._waits_in_all >= _MOST_WAITS_IN_ALL:
            raise TemplateError("not tried: others took too long")
        if self._child is None:
            self._ask("", "", False, _START_S)
        return self._ask(template, text, is_json, _LONGEST_S)

    def _ask(self, template: str, text: str, is_json: bool, seconds: float) -> str:
        if self._child is None:
            command = [sys.executable, "-I", str(_CHILD), str(self._most)]
            self._child = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
        line = json.dumps({"template": template, "text": text, "json": is_json}).encode() + b"\n"
        try:
            answer = json.loads(_exchange(self._child, line, seconds))
        except TimeoutError:
            self._end()
            self._waits += 1
            self._waits_in_all += 1
            raise TemplateError(f"fails: takes longer than {seconds:g} s") from None
        except (OSError, ValueError):  # it died
            self._end()
            raise TemplateError("fails: needs too much of the machine") from None
        if "error" in answer:
            raise TemplateError(f"fails: {answer['error']}")
        return str(answer["value"])

    def _end(self) -> None:
        if self._child is not None:
            self._child.kill()
            self._child.communicate()
            self._child = None


def _exchange(child: "subprocess.Popen[bytes]", line: bytes, seconds: float) -> bytes:
    """The line with which a child answers one; b"" = it ended. Raises TimeoutError."""
    if child.stdin is None or child.stdout is None:
        raise OSError("no pipes")
    child.stdin.write(line)
    child.stdin.flush()
    end_s = time.monotonic() + seconds
    heard = b""
    while not heard.endswith(b"\n"):
        if not select.select([child.stdout], [], [], max(0.0, end_s - time.monotonic()))[0]:
            raise TimeoutError
        part = os.read(child.stdout.fileno(), 65536)
        if not part:
            return b""
        heard += part
    return heard
