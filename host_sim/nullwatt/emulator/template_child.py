"""A process of its own that renders templates of strangers; see `templates.py`. Needs nothing of nullwatt.

Reads a JSON object per line: template, text of the state, and whether it is JSON. Writes one per line: value, or error.
"""

import json
import signal
import sys
from typing import Any

from jinja2 import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

_MEMORY = 512 * 1024 * 1024  # bytes, the interpreter included
_LONGEST_S = 60  # should the parent be gone
_SHOWN = 200  # characters of an error


def _answer(environment: ImmutableSandboxedEnvironment, asked: dict[str, Any], most: int) -> dict[str, object]:
    try:
        names: dict[str, Any] = {"value": asked["text"]}
        if asked["json"]:
            names["value_json"] = json.loads(asked["text"])
        value = environment.from_string(asked["template"]).render(names)
        return {"value": value[: most + 1]}
    except MemoryError:
        return {"error": "needs too much memory"}
    except Exception as error:  # a template can raise whatever the functions it calls do
        return {"error": str(error)[:_SHOWN] or type(error).__name__}


def main() -> None:
    """Answer until the input ends. Argument: most characters of a value that matter."""
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    except (ImportError, OSError, ValueError):  # a system without such a limit
        pass
    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined)
    for line in sys.stdin:
        if hasattr(signal, "alarm"):
            signal.alarm(_LONGEST_S)
        print(json.dumps(_answer(environment, json.loads(line), int(sys.argv[1]))), flush=True)


if __name__ == "__main__":
    main()
