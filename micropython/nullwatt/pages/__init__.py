"""The pages. Their text lies in modules of about 2 kB, each loaded to be sent and then forgotten: a board that reads a
meter and answers batteries has no room for a whole page.
"""

import sys

PIECES = {"status": 5, "setup": 8}


def text_of(name):
    """The text of a page, "status" or "setup", in pieces."""
    for number in range(1, PIECES[name] + 1):
        module = f"nullwatt.pages.{name}_{number}"
        try:
            text = __import__(module, None, None, ("TEXT",)).TEXT
        finally:
            forget(module)
        yield text


def forget(module):
    """Give back the memory of a module that was loaded, unless somebody else uses it."""
    sys.modules.pop(module, None)
    package, _, name = module.rpartition(".")
    if package in sys.modules and hasattr(sys.modules[package], name):
        delattr(sys.modules[package], name)  # a package knows its modules too
