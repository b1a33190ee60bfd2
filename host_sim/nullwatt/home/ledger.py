"""The energy ledger: every joule that comes into the house, leaves it, is stored or lost, and what is unexplained.

    grid import + sources + adjusted = grid export + sinks + stored + losses

Two independent things are compared in every tick. Each device's own terms must balance; and what the devices say they
gave to the wires must be what the grid connection carried, which the house integrates phase by phase from the powers
it wires together. `leak_j` adds up the magnitudes of both differences, so that opposite errors do not hide.
"""

from collections.abc import Iterable, Sequence

from .device import EnergyTerms

_NOTHING = EnergyTerms()


class Ledger:
    """Books of a house, J.

    devices: totals by name; a device that was removed keeps its line. import_j, export_j: through the grid connection,
    phases apart (one phase may export while another imports). throughput_j: all that came in: imported, out of sources,
    out of stores. last: the terms of the last tick, all devices together,
    with its grid balance in `bus_j`. leak_j: see above. worst: largest leak of one tick, J, and who had it.
    """

    def __init__(self) -> None:
        self.devices: dict[str, EnergyTerms] = {}
        self.import_j = 0.0
        self.export_j = 0.0
        self.throughput_j = 0.0
        self.leak_j = 0.0
        self.ticks = 0
        self.last = _NOTHING
        self.worst: tuple[float, str] = (0.0, "")

    def book(self, grid_j: Sequence[float], terms: Iterable[tuple[str, EnergyTerms]]) -> float:
        """Enter one tick: grid energy per phase (+ = import) and the terms of every device; return its leak, J."""
        total, flow_j, leak_j = _NOTHING, 0.0, 0.0
        for name, entry in terms:
            self.devices[name] = _add(self.devices.get(name, _NOTHING), entry)
            total = _add(total, entry)
            flow_j += entry.source_j + max(0.0, -entry.stored_j)
            leak_j += self._judge(abs(entry.residual_j), name)
        leak_j += self._judge(abs(sum(grid_j) + total.bus_j), "wiring")
        for energy_j in grid_j:
            if energy_j > 0.0:
                self.import_j += energy_j
                flow_j += energy_j
            else:
                self.export_j -= energy_j
        self.throughput_j += flow_j
        self.leak_j += leak_j
        self.ticks += 1
        self.last = total
        return leak_j

    def _judge(self, leak_j: float, name: str) -> float:
        if leak_j > self.worst[0]:
            self.worst = (leak_j, name)
        return leak_j

    @property
    def total(self) -> EnergyTerms:
        """The terms of all devices together."""
        total = _NOTHING
        for entry in self.devices.values():
            total = _add(total, entry)
        return total

    @property
    def balance_j(self) -> float:
        """The equation at the top, left minus right, over all time."""
        total = self.total
        gained_j = self.import_j + total.source_j + total.adjusted_j
        return gained_j - self.export_j - total.sink_j - total.stored_j - total.loss_j


def _add(one: EnergyTerms, other: EnergyTerms) -> EnergyTerms:
    return EnergyTerms(
        one.source_j + other.source_j,
        one.sink_j + other.sink_j,
        one.stored_j + other.stored_j,
        one.loss_j + other.loss_j,
        one.bus_j + other.bus_j,
        one.adjusted_j + other.adjusted_j,
    )
