"""Compiles ct002_core into the extension module `nullwatt.core._core`.

Run by the package's build. The declarations come from the core's own headers, between
their `cffi-begin` and `cffi-end` marks, so the binding cannot drift from the core.
"""

import re
from pathlib import Path

from cffi import FFI

# setuptools wants source paths relative to the folder of setup.py, from which it also runs this file.
CORE = Path("esphome_component") / "ct002_core"


def declarations(header: str) -> str:
    """The part of a core header that cffi may read."""
    text = (CORE / header).read_text(encoding="utf-8")
    return "\n".join(re.findall(r"/\* cffi-begin \*/(.*?)/\* cffi-end \*/", text, re.DOTALL))


ffibuilder = FFI()
DOORS = sorted(path.name for path in CORE.glob("c_*.h"))

ffibuilder.cdef(declarations("state.h") + "".join(map(declarations, DOORS)))
ffibuilder.set_source(
    "nullwatt.core._core",
    "\n".join(f'#include "{door}"' for door in DOORS),
    source_extension=".cpp",
    sources=sorted(path.as_posix() for path in CORE.glob("*.cpp")),
    depends=sorted(path.as_posix() for path in CORE.glob("*.h")),
    include_dirs=[CORE.as_posix()],
    extra_compile_args=["-std=c++17", "-O2", "-fno-rtti"],
)
