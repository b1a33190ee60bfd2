"""The closed loop under virtual time: house, meter, emulator and batteries, event by event.

The next thing to happen is a battery's poll or something in the house (a whole second, a load, the meter taking or
publishing a sample, a scenario event). At equal times the house goes first, so a poll sees the newest reading.
Battery plants are moved to every instant at which somebody looks at them: polls, meter samples, the recording raster.
No sockets, no real clock: the same scenario and seed give the same recording bit for bit.
"""

import math
import random
from bisect import insort
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Protocol, runtime_checkable

from nullwatt.battery import Battery, Ct002Client, InProcessLink, Link
from nullwatt.core import TableFullError
from nullwatt.home import BatteryOutput, House, Ledger

from .app_control import hold, release
from .batteries import BatteryFacts, BatterySpec
from .devices import BatteryDevice
from .recording import Recorder, Recording
from .scenario import Event, Scenario, Trigger
from .solo import build_battery
from .triggers import Triggers


class EmulatorDoor(Protocol):
    """What the loop needs of the code under test; the core's `Emulator` has it."""

    def update_grid(self, power_w: Sequence[float], /, at: float) -> None:
        """A fresh meter sample, W per phase, + = import."""

    def invalidate_grid(self, at: float) -> None:
        """The meter is gone."""

    def handle(self, datagram: bytes, source: str, at: float) -> bytes | None:
        """Answer one datagram, or None."""

    def tick(self, at: float) -> None:
        """Housekeeping, once a second."""


@runtime_checkable
class OverridableDoor(Protocol):
    """A door with user settings per battery. What has none ignores "manual", "auto", "pause" and "resume"."""

    def set_override(self, mac: str, **settings: Any) -> None:
        """Change settings of one battery: active, manual, manual_target (W, + = discharge), weight, window_weight."""


@runtime_checkable
class TunableDoor(Protocol):
    """A door whose options change while it runs. What has none ignores "tune", "active_control" and "rotate"."""

    def tune(self, **options: Any) -> None:
        """Change options."""

    def set_active_control(self, active: bool) -> None:
        """Steer, or relay the measured values."""

    def force_rotation(self) -> None:
        """Hand over to the next battery."""


class Loop:
    """One run of one scenario. Build it, `run` it, read what is public.

    Along a clock (see `nullwatt.home.drive`) it is the same run: `advance_to` each `next_event_s`.
    """

    def __init__(
        self,
        scenario: Scenario,
        emulator: EmulatorDoor,
        watch: Callable[["Loop"], None] | None = None,
        ledger: Ledger | None = None,
        *,
        record: bool = True,
        link: Callable[[int], Link] | None = None,
        build: Callable[[BatterySpec], Battery] = build_battery,
    ) -> None:
        """Prepare the run.

        watch: called once per second, after the row of that second was recorded; it may look at everything public.
        ledger: books to keep, one tick per second; nothing else changes.
        record: keep every row; without it batteries may come and go.
        link: way of the battery at this position to its CT; None: straight into the emulator.
        build: makes the batteries of the scenario.
        Raises ValueError for a scenario that fits no house (see `House`).
        """
        self.now_s = 0.0
        self.scenario = scenario
        self.emulator = emulator
        self.batteries = [build(spec) for spec in scenario.batteries]
        self.house = House(scenario.house, _outputs(self.batteries, ledger), ledger)
        self._link = self._straight if link is None else link
        self._met = 0
        self.clients = [self._client(battery, spec) for battery, spec in self._pairs()]
        self._polling = list(self.clients)
        self._mains = True
        self._tripped: list[Ct002Client] = []  # those with a fault
        self._watch = watch
        self._recorder = Recorder(self.house, self.batteries) if record else None
        self._events = sorted(scenario.events, key=lambda event: event.time_s)
        self._event_index = 0
        self._triggers = Triggers(scenario.triggers)
        self._triggered: list[Event] = []
        self.latest: deque[tuple[float, str]] = deque(maxlen=20)
        self._publications = 0
        self._weigh()
        self._rows = 0
        for client in self.clients:
            client.advance_to(0.0)

    def _pairs(self) -> list[tuple[Battery, BatterySpec]]:
        return list(zip(self.batteries, self.scenario.batteries, strict=True))

    def _client(self, battery: Battery, spec: BatterySpec, since_s: float = 0.0) -> Ct002Client:
        position = self._met
        self._met += 1
        # A stream of its own per battery: one battery's losses do not shift another's jitter.
        rng = random.Random(f"{self.scenario.seed}/{position}")
        first_s = spec.first_poll(position if not since_s else 0)
        client = Ct002Client(battery, self._link(position), spec.client, rng, since_s + first_s)
        client.listen(lambda: self.now_s)
        return client

    def _straight(self, position: int) -> Link:
        return InProcessLink(self._answer, f"10.0.0.{position + 1}:22222", lambda: self.now_s)

    def _answer(self, datagram: bytes, source: str, at: float) -> bytes | None:
        return self.emulator.handle(datagram, source=source, at=at)

    @property
    def facts(self) -> tuple[BatteryFacts, ...]:
        """The batteries as the metrics want to know them."""
        specs = self.scenario.batteries
        return tuple(BatteryFacts.of(b, spec.weight) for b, spec in zip(self.batteries, specs, strict=True))

    @property
    def happened(self) -> tuple[tuple[float, str], ...]:
        """What happened so far and when: switchings, events, and what conditions brought about."""
        switchings = [(event.time_s, f"{event.load} {_on(event.active)}") for event in self.house.config.events]
        others = [(event.time_s, str(event)) for event in (*self.scenario.events, *self._triggered)]
        past = [entry for entry in (*switchings, *others) if entry[0] <= self.now_s]
        return tuple(sorted(past, key=lambda entry: entry[0]))

    @property
    def steps_s(self) -> tuple[float, ...]:
        """The scored disturbances: those of the scenario, and those that conditions brought about."""
        if self.scenario.steps_s is not None:
            return self.scenario.labelled_s
        # The row of that second was recorded before: the first that shows the step is the next one.
        brought = {math.nextafter(event.time_s, math.inf) for event in self._triggered if event.is_step}
        return tuple(sorted({*self.scenario.labelled_s, *brought}))

    @property
    def to_come(self) -> list[Event]:
        """Events that are still planned, those that wait for a condition last."""
        return [*self._events[self._event_index :], *self._triggers.armed]

    def counts_on(self, position: int) -> bool:
        """Whether what is planned refers to the battery at this position or a later one, all of which would move up."""
        return any(event.battery >= position for event in self.to_come if event.of_battery) or any(
            condition.battery >= position for condition in self._triggers.conditions if condition.of_battery
        )

    def play(self, events: Sequence[Event], triggers: Sequence[Trigger] = ()) -> None:
        """From now on let these happen, and forget what else was planned. Times count from the start of the run."""
        self._events = sorted(events, key=lambda event: event.time_s)
        self._event_index = 0
        self._triggers = Triggers(triggers)

    def add_battery(self, spec: BatterySpec) -> Ct002Client:
        """Connect a battery, which polls soon.

        Raises ValueError for a phase the house does not have, OSError if there is no way to its CT; nothing is changed.
        """
        battery = build_battery(spec)
        client = self._client(battery, spec, self.now_s)
        try:
            self._reconnect([*self.batteries, battery])
        except ValueError:
            client.link.close()
            raise
        client.advance_to(self.now_s)
        if not self._mains:
            battery.trip()
        self.batteries.append(battery)
        self.clients.append(client)
        self._polling.append(client)
        self.scenario = replace(self.scenario, batteries=(*self.scenario.batteries, spec))
        return client

    def remove_battery(self, position: int) -> Ct002Client:
        """Disconnect the battery at this position; it falls silent. IndexError if there is none."""
        specs = list(self.scenario.batteries)
        del specs[position]
        self._reconnect([battery for index, battery in enumerate(self.batteries) if index != position])
        del self.batteries[position]
        client = self.clients.pop(position)
        self.scenario = replace(self.scenario, events=(), triggers=(), batteries=tuple(specs))
        self._polling = [other for other in self._polling if other is not client]
        return client

    def _reconnect(self, batteries: Sequence[Battery]) -> None:
        if self._recorder is not None:
            raise ValueError("batteries of a run that is recorded stay")
        self.house.close_tick()
        self.house.connect(_outputs(batteries, self.house.ledger))

    def run(self) -> Recording:
        """Run to the end of the scenario and return the recording: one row per second from 0 to duration - 1."""
        if self._recorder is None:
            raise ValueError("this run is not recorded")
        end_s = float(self.scenario.duration_s)
        while self._step(end_s, False):
            pass
        return self._recorder.result()

    @property
    def next_event_s(self) -> float:
        """When something happens next: a poll, or something in the house."""
        polling = self._polling if self._mains else ()
        poll_s = min((client.next_poll_s for client in polling), default=math.inf)
        return min(poll_s, self._next_world_s())

    def advance_to(self, time_s: float) -> None:
        """Carry out everything due up to and including `time_s`."""
        while self._step(time_s, True):
            pass

    def _step(self, end_s: float, inclusive: bool) -> bool:
        """Let the next thing happen, if it is due before `end_s` (inclusive: or then)."""
        poll_s, due = math.inf, None
        for client in self._polling if self._mains else ():
            if client.next_poll_s < poll_s:
                poll_s, due = client.next_poll_s, client
        world_s = self._next_world_s()
        next_s = poll_s if poll_s < world_s else world_s
        if next_s > end_s or (next_s == end_s and not inclusive):
            return False
        if due is not None and poll_s < world_s:
            self.now_s = poll_s
            due.poll(poll_s)
        else:
            self._advance_world(world_s)
        return True

    def _next_world_s(self) -> float:
        """When the house, the raster or a scenario event is next. Row k is recorded at second k, row 0 at once."""
        next_s = min(self.house.next_event_s, float(self._rows))
        if self._event_index < len(self._events):
            next_s = min(next_s, self._events[self._event_index].time_s)
        return next_s

    def _advance_world(self, now_s: float) -> None:
        self.now_s = now_s
        house = self.house
        recording = now_s >= self._rows
        if recording or now_s >= house.meter.next_sample_s:
            for client in self.clients:
                client.advance_to(now_s)
        while self._event_index < len(self._events) and self._events[self._event_index].time_s <= now_s:
            self._apply(self._events[self._event_index])
            self._event_index += 1
        house.advance_to(now_s)
        if house.mains != self._mains:
            self._follow_mains(now_s)
        if house.meter.publications != self._publications:
            self._publications = house.meter.publications
            self._show_meter()
        if recording:
            self._rows += 1
            if self._recorder is not None:
                self._recorder.sample()
            self.emulator.tick(at=now_s)
            for event in self._triggers.due(now_s, self.house, self.batteries):
                happened = replace(event, time_s=now_s + event.time_s)
                if self._recorder is not None:
                    self._triggered.append(happened)
                if event.time_s > 0.0:
                    insort(self._events, happened, self._event_index, key=lambda each: each.time_s)
                else:
                    self._apply(happened)
            if self._watch is not None:
                self._watch(self)

    def _follow_mains(self, now_s: float) -> None:
        """Batteries and their network are dark in an outage; after it they wait before they feed in again."""
        self._mains = self.house.mains
        for client in self.clients:
            client.advance_to(now_s)
            if self._mains:
                if client not in self._tripped:
                    client.battery.reconnect()
                client.next_poll_s = max(client.next_poll_s, now_s + self.house.grid.section.reconnect)
            else:
                client.battery.trip()
        self.latest.append((now_s, "mains back" if self._mains else "mains lost"))

    def _show_meter(self) -> None:
        reading = self.house.meter.reading
        if reading is None:
            self.emulator.invalidate_grid(at=self.now_s)
        else:
            self.emulator.update_grid(reading.values_w, at=self.now_s)

    def _apply(self, event: Event) -> None:
        self.latest.append((self.now_s, str(event)))
        match event.action:
            case "meter_fail":
                self.house.meter.fail()
            case "meter_restore":
                self.house.meter.restore()
            case "solar":
                self.house.set_solar(event.value)
            case "soc":
                self.batteries[event.battery].soc = event.value
            case "dc_input":
                self.batteries[event.battery].dc_input_w = event.value
            case "offline":
                self._polling = [client for client in self._polling if client is not self.clients[event.battery]]
            case "online":
                self._poll_again(self.clients[event.battery], event.time_s)
            case "fault":
                self._trip(self.clients[event.battery])
            case "repair":
                self._repair(self.clients[event.battery], event.time_s)
            case "manual":
                self._override(event, manual=True, manual_target=event.value)
            case "auto":
                self._override(event, manual=False)
            case "pause":
                self._override(event, active=False)
            case "resume":
                self._override(event, active=True)
            case "app_power":
                hold(self.batteries[event.battery], event.value)
            case "app_release":
                release(self.batteries[event.battery])
            case "window_weight":
                self._override(event, window_weight=event.value)
            case "max_charge":
                self.batteries[event.battery].set_limits(max_charge_w=event.value)
            case "max_discharge":
                self.batteries[event.battery].set_limits(max_discharge_w=event.value)
            case "switch_on" | "switch_off":
                self.house.switch(event.name, event.action == "switch_on")
            case "meter_latency":
                meter = self.house.meter
                meter.config = replace(meter.config, latency_s=event.value)
            case "mains":
                self.house.set_mains(bool(event.value))
            case "voltage" | "frequency":
                self.house.order_grid(event.action, event.value, self.now_s, event.ramp_s, event.lasts_s)
            case "weather" | "weather_free":
                self.house.set_weather(event.name, event.value if event.action == "weather" else None)
            case "device":
                self._command(event)
            case "override":
                self._override(event, **{event.name: event.value})
            case "tune" | "active_control" | "rotate":
                self._tune(event)

    def _poll_again(self, client: Ct002Client, now_s: float) -> None:
        client.next_poll_s = max(client.next_poll_s, now_s)
        if client not in self._polling and client not in self._tripped:
            self._polling.append(client)

    def _trip(self, client: Ct002Client) -> None:
        client.advance_to(self.now_s)
        client.battery.trip()
        self._polling = [other for other in self._polling if other is not client]
        if client not in self._tripped:
            self._tripped.append(client)

    def _repair(self, client: Ct002Client, now_s: float) -> None:
        if client in self._tripped:
            client.advance_to(self.now_s)
            self._tripped = [other for other in self._tripped if other is not client]
            if self._mains:
                client.battery.reconnect()
            self._poll_again(client, now_s)

    def _command(self, event: Event) -> None:
        try:
            self.house.device(event.device).command(event.name, event.value)
        except ValueError as error:  # a house that runs may have lost it
            self.latest.append((self.now_s, str(error)))

    def _tune(self, event: Event) -> None:
        if not isinstance(self.emulator, TunableDoor):
            return
        match event.action:
            case "tune":
                self.emulator.tune(**{event.name: event.value})
            case "active_control":
                self.emulator.set_active_control(bool(event.value))
            case _:
                self.emulator.force_rotation()

    def _override(self, event: Event, **settings: float | bool) -> None:
        if isinstance(self.emulator, OverridableDoor):
            try:
                self.emulator.set_override(self.batteries[event.battery].mac, **settings)
            except TableFullError as error:  # a house that runs may have more batteries than it holds settings of
                self.latest.append((self.now_s, str(error)))

    def _weigh(self) -> None:
        """Tell the emulator the weights of the scenario; 1 is what it assumes anyway."""
        for battery, spec in zip(self.batteries, self.scenario.batteries, strict=True):
            if spec.weight != 1.0 and isinstance(self.emulator, OverridableDoor):
                self.emulator.set_override(battery.mac, weight=spec.weight)


def _outputs(batteries: Sequence[Battery], ledger: Ledger | None) -> Sequence[BatteryOutput]:
    """The batteries as the house wires them; one that keeps books needs theirs."""
    return batteries if ledger is None else [BatteryDevice(battery) for battery in batteries]


def _on(active: bool) -> str:
    return "on" if active else "off"
