"""The pages. Their text lies in modules that are loaded to be sent and then forgotten: memory is for the meter."""

import sys


def chunks(name):
    """The text of a page, "status" or "setup", in pieces."""
    module = "nullwatt.page_" + name
    try:
        yield from __import__(module, None, None, ("TEXT",)).TEXT
    finally:
        sys.modules.pop(module, None)
