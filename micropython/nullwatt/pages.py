"""The pages. Their text lies in modules that are loaded to be sent and then forgotten: memory is for the meter."""

import sys


def text_of(name):
    """The text of a page, "status" or "setup", in pieces. MemoryError if there is no room for it just now."""
    module = "nullwatt.page_" + name
    try:
        return __import__(module, None, None, ("TEXT",)).TEXT
    finally:
        forget(module)


def forget(module):
    """Give back the memory of a module that was loaded, unless somebody else uses it."""
    sys.modules.pop(module, None)
    package, _, name = module.rpartition(".")
    if package in sys.modules and hasattr(sys.modules[package], name):
        delattr(sys.modules[package], name)  # a package knows its modules too
