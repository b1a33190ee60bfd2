"""Where the energy of a pack goes: the plant with books. Off by default, as most runs never ask.

All in joules. In every tick, and so in every sum of ticks:

    dc_in + adjusted + overdrawn = ac + stored + conversion + standby + turned_away

`stored` is read off the state of charge and everything else off the power, so the equation is a check of the plant and
not a definition. Only a pack that ends a tick full or empty has a free term, of one sign each: a full pack turns away
what no longer fits; an empty one owes what it still gave (its power stage ramps down, its electronics run on).
"""

from dataclasses import dataclass, field

from .plant import Plant

_JOULES_PER_WH = 3600.0


@dataclass(slots=True)
class PackEnergy:
    """Energies since the books were opened or last closed, J.

    Attributes:
        ac_j: Given at the AC terminals, + = discharged, - = charged.
        dc_in_j: PV energy that arrived at the DC terminals.
        stored_j: Gain of the pack, - = drawn.
        conversion_j: Lost between terminals and cells.
        standby_j: Used by the unit itself.
        turned_away_j: Arrived at a full pack.
        overdrawn_j: Came out of an empty pack.
        adjusted_j: Put in (+) or taken out (-) by setting the state of charge.
    """

    ac_j: float = 0.0
    dc_in_j: float = 0.0
    stored_j: float = 0.0
    conversion_j: float = 0.0
    standby_j: float = 0.0
    turned_away_j: float = 0.0
    overdrawn_j: float = 0.0
    adjusted_j: float = 0.0


@dataclass(slots=True)
class AccountedPlant(Plant):
    """A plant that moves exactly as `Plant` and writes down where the energy went.

    Attributes:
        energy: The books.
    """

    energy: PackEnergy = field(default_factory=PackEnergy)
    _soc_booked: float = field(init=False)

    def __post_init__(self) -> None:
        self._soc_booked = self.soc

    @classmethod
    def of(cls, plant: Plant) -> "AccountedPlant":
        """The same plant in the same state, with empty books."""
        return cls(**{name: getattr(plant, name) for name in Plant.__dataclass_fields__})

    def close(self) -> PackEnergy:
        """Hand over the books and open new ones."""
        self._book_adjustment()
        energy, self.energy = self.energy, PackEnergy()
        return energy

    def advance(self, dt_s: float) -> None:
        """Integrate one tick of dt_s > 0 seconds."""
        if self.soc != self._soc_booked:
            self._book_adjustment()
        Plant.advance(self, dt_s)
        books, power_w, soc = self.energy, self.power_w, self.soc
        dc_input_w, standby_w = self.dc_input_w, self.standby_w
        pack_j = self.capacity_wh * _JOULES_PER_WH
        if power_w > 0.0:
            conversion_w = power_w / self.discharge_efficiency - power_w
        else:
            conversion_w = -power_w * (1.0 - self.charge_efficiency)
        stored_j = (soc - self._soc_booked) * pack_j
        self._soc_booked = soc
        books.ac_j += power_w * dt_s
        books.dc_in_j += dc_input_w * dt_s
        books.stored_j += stored_j
        books.conversion_j += conversion_w * dt_s
        books.standby_j += standby_w * dt_s
        if 0.0 < soc < 1.0 and pack_j:
            return
        surplus_j = (dc_input_w - power_w - conversion_w - standby_w) * dt_s - stored_j
        if soc >= 1.0 or pack_j == 0.0:
            books.turned_away_j += max(0.0, surplus_j)
        if soc <= 0.0 or pack_j == 0.0:
            books.overdrawn_j += max(0.0, -surplus_j)

    def _book_adjustment(self) -> None:
        if self.soc != self._soc_booked:
            jump_j = (self.soc - self._soc_booked) * self.capacity_wh * _JOULES_PER_WH
            self.energy.adjusted_j += jump_j
            self.energy.stored_j += jump_j
            self._soc_booked = self.soc
