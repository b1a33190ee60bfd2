"""The energy ledger: every joule that comes into the house, leaves it, is stored or lost, and what is unexplained.

    grid import + sources + adjusted = grid export + sinks + stored + losses

Two independent things are compared in every tick. Each device's own terms must balance; and what the devices say they
gave to the wires must be what the grid connection carried, which the house integrates phase by phase from the powers
it wires together. `leak_j` adds up the magnitudes of both differences, so that opposite errors do not hide.
"""

from collections.abc import Iterable, Sequence

from .device import NO_ENERGY, EnergyTerms


class Ledger:
    """Books of a house, J.

    import_j, export_j: through the grid connection, phases apart (one phase may export while another imports).
    throughput_j: all that came in: imported, out of sources, out of stores. last: the terms of the last tick, all
    devices together; their `bus_j` is what the grid took. leak_j: see above. worst: largest leak of one tick, J, and
    who had it.
    """

    def __init__(self) -> None:
        self.import_j = 0.0
        self.export_j = 0.0
        self.throughput_j = 0.0
        self.leak_j = 0.0
        self.ticks = 0
        self.last = NO_ENERGY
        self.worst: tuple[float, str] = (0.0, "")
        self._sums: dict[str, list[float]] = {}  # by device, in the order of the terms

    def book(self, grid_j: Sequence[float], terms: Iterable[tuple[str, EnergyTerms]]) -> float:
        """Enter one tick: grid energy per phase (+ = import) and the terms of every device; return its leak, J."""
        flow_j = leak_j = 0.0
        total = [0.0] * 6
        for name, entry in terms:
            sums = self._sums.get(name)
            if sums is None:
                sums = self._sums[name] = [0.0] * 6
            if entry is NO_ENERGY:
                continue
            for index, value in enumerate(entry):
                sums[index] += value
                total[index] += value
            flow_j += entry.source_j + max(0.0, -entry.stored_j)
            leak_j += self._judge(entry.residual_j, name)
        self.last = EnergyTerms(*total)
        leak_j += self._judge(sum(grid_j) + self.last.bus_j, "wiring")
        for energy_j in grid_j:
            if energy_j > 0.0:
                self.import_j += energy_j
                flow_j += energy_j
            else:
                self.export_j -= energy_j
        self.throughput_j += flow_j
        self.leak_j += leak_j
        self.ticks += 1
        return leak_j

    def _judge(self, residual_j: float, name: str) -> float:
        leak_j = abs(residual_j)
        if leak_j > self.worst[0]:
            self.worst = (leak_j, name)
        return leak_j

    @property
    def devices(self) -> dict[str, EnergyTerms]:
        """Totals by name; a device that was removed keeps its line."""
        return {name: EnergyTerms(*sums) for name, sums in self._sums.items()}

    @property
    def total(self) -> EnergyTerms:
        """The terms of all devices together."""
        return EnergyTerms(*map(sum, zip(*self._sums.values(), strict=True))) if self._sums else NO_ENERGY

    @property
    def balance_j(self) -> float:
        """The equation at the top, left minus right, over all time."""
        total = self.total
        gained_j = self.import_j + total.source_j + total.adjusted_j
        return gained_j - self.export_j - total.sink_j - total.stored_j - total.loss_j
