"""Joules on a bus: what a house that is spread over processes says to itself, as JSON.

The conductor, who has the house, its wires and its books, publishes a `Tick` for every instant at which somebody looks
at a device: each second, each poll of a battery. It carries an `Order` for every device concerned, and each of those
answers with `Joules`. Nobody moves without an order, so the spread house passes the same instants as one in a single
process. Powers W, energies J, times s of the simulation. Signs: power and bus_j + = into the house.
"""

from typing import Annotated, Literal
from urllib.parse import quote, unquote

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat

from .device import EnergyTerms, Surroundings

#: Of all messages; one with another number is not understood.
VERSION: Literal[1] = 1

_Name = Annotated[str, Field(min_length=1, max_length=200)]
_Hex = Annotated[str, Field(pattern=r"^([0-9a-f]{2})*$", max_length=4096)]
_Run = Annotated[str, Field(min_length=1, max_length=64)]


class BusMessage(BaseModel):
    """Keys it does not know are passed over: later versions may add some."""

    model_config = ConfigDict(frozen=True, extra="ignore", ser_json_inf_nan="null")

    version: Literal[1] = VERSION

    def to_json(self) -> bytes:
        """As it goes over the bus; every number comes back bit for bit."""
        return self.model_dump_json().encode()


class Terms(BaseModel):
    """Where the energy of a device came from and went, J; see `EnergyTerms`."""

    model_config = ConfigDict(frozen=True)

    source_j: FiniteFloat = 0.0
    sink_j: FiniteFloat = 0.0
    stored_j: FiniteFloat = 0.0
    loss_j: FiniteFloat = 0.0
    bus_j: FiniteFloat = 0.0
    adjusted_j: FiniteFloat = 0.0

    @classmethod
    def of(cls, entry: EnergyTerms) -> "Terms":
        """The terms of the books."""
        return cls(**entry._asdict())

    @property
    def entry(self) -> EnergyTerms:
        """The terms as the ledger takes them."""
        return EnergyTerms(**self.model_dump())


class Setting(BaseModel):
    """One command of a device's table with its value."""

    model_config = ConfigDict(frozen=True)

    name: _Name
    value: bool | FiniteFloat | Annotated[str, Field(max_length=200)]


class Order(BaseModel):
    """What one device does in a tick, in the order of these keys.

    settings: what it is told. tripped: its terminals have no voltage (batteries). replies: datagrams of the CT, hex.
    dt_s: it moves on by so much; 0 = it stands. carry_w: meanwhile it carries an island and gives this mean power.
    poll: it answers with the datagram of its next poll. book: it answers with its energies since the last booking.
    """

    model_config = ConfigDict(frozen=True)

    settings: list[Setting] = []
    tripped: bool = False
    replies: list[_Hex] = []
    dt_s: Annotated[FiniteFloat, Field(ge=0)] = 0.0
    carry_w: FiniteFloat | None = None
    poll: bool = False
    book: bool = False


class Tick(BusMessage):
    """The conductor's call. run: changes with each run; a node then begins anew. number: from 1, without gaps.

    time_s: simulated time. dt_s: since the tick before. surroundings: what devices see. orders: by device.
    """

    run: _Run
    number: Annotated[int, Field(ge=1)]
    time_s: FiniteFloat
    dt_s: Annotated[FiniteFloat, Field(ge=0)]
    surroundings: Surroundings
    orders: dict[_Name, Order]


class Joules(BusMessage):
    """A device's answer to a tick.

    power_w: AC power from now on. terms: what it took and gave since the last booking; null = nothing was to be
    booked. telemetry: its quantities. request: datagram of its poll, hex. refused: settings that were not allowed.
    island_ready, island_max_w: of a device that can carry an island.
    """

    run: _Run
    device: _Name
    tick: Annotated[int, Field(ge=1)]
    power_w: FiniteFloat
    terms: Terms | None = None
    telemetry: dict[str, float | None] = {}
    request: _Hex | None = None
    refused: list[str] = []
    island_ready: bool = False
    island_max_w: FiniteFloat = 0.0


class Telemetry(BusMessage):
    """What a device shows, for everybody; kept by the broker. values: by quantity, in the units of its `Hello`."""

    device: _Name
    tick: Annotated[int, Field(ge=1)]
    time_s: FiniteFloat
    values: dict[str, float | None]


class Command(BusMessage):
    """Anybody tells a device something. The conductor passes it on with the device's next order."""

    name: _Name
    value: bool | FiniteFloat | Annotated[str, Field(max_length=200)]


class Hello(BusMessage):
    """A node is there; kept by the broker. units: of the quantities. commands: names of what it can be told."""

    type: Literal["hello"] = "hello"
    device: _Name
    phase: str
    units: dict[str, str] = {}
    commands: list[str] = []


class Bye(BusMessage):
    """A node is gone; said by itself, or for it by the broker as its last will. Kept by the broker."""

    type: Literal["bye"] = "bye"
    device: _Name


Presence = Annotated[Hello | Bye, Field(discriminator="type")]


class Books(BusMessage):
    """The ledger's line of a booking: all of it since the start. leak_j: what no device explains."""

    run: _Run
    tick: Annotated[int, Field(ge=1)]
    time_s: FiniteFloat
    grid_w: list[FiniteFloat]
    import_j: FiniteFloat
    export_j: FiniteFloat
    leak_j: FiniteFloat


class Topics:
    """Where the messages go, below a base topic. Names of devices are escaped as in a URL."""

    def __init__(self, base: str = "nullwatt/home") -> None:
        """Raise ValueError for a base that is no topic."""
        if not base or any(letter in "+#" or not letter.isprintable() for letter in base) or len(base.encode()) > 200:
            raise ValueError("a topic has 1 to 200 bytes, without +, # and control characters")
        self.base = base.rstrip("/")
        self.tick = f"{self.base}/tick"
        self.books = f"{self.base}/books"

    def of(self, channel: str, device: str) -> str:
        """Topic of a device in the channel joules, telemetry, command or presence."""
        return f"{self.base}/{channel}/{quote(device, safe=' :')}"

    def every(self, channel: str) -> str:
        """Filter for all devices of a channel."""
        return f"{self.base}/{channel}/+"

    def split(self, topic: str) -> tuple[str, str]:
        """Channel and device of a topic; empty where it has none."""
        channel, _, device = topic.removeprefix(f"{self.base}/").partition("/")
        return channel, unquote(device)
