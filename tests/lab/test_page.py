"""Thinning of long traces: bounded, and no peak lost."""

import numpy as np

from nullwatt.lab.page import thinned


def test_long_traces_are_thinned_without_losing_a_peak() -> None:
    time_s = np.arange(86400.0)
    values = np.sin(time_s / 500.0)
    values[12345], values[54321] = 9.0, -9.0
    x, y = thinned(time_s, values)
    assert len(x) == len(y) <= 4000
    assert y.max() == 9 and y.min() == -9
    assert (np.diff(x) >= 0).all()
    assert x[y.argmax()] == 12345


def test_short_traces_are_left_alone() -> None:
    time_s = np.arange(600.0)
    x, y = thinned(time_s, time_s)
    assert x is time_s and y is time_s
