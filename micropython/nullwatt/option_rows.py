"""The option table of the core, looked up row by row: all of it at once takes more memory than a small board has."""

import _ct002

from nullwatt.core import Option


class Rows:
    """Reads as the dict of `nullwatt.core.options()` does; keeps nothing."""

    def __iter__(self):
        index = 0
        while (row := _ct002.option(index)) is not None:
            yield row[1]
            index += 1

    def __contains__(self, key):
        return _ct002.option(key) is not None

    def __getitem__(self, key):
        return Option(_ct002.option(key))

    def values(self):
        """Every option, made when it is asked for."""
        for key in self:
            yield self[key]
