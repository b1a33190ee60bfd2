"""The closed loop under virtual time: house, meter, emulator and batteries, event by event.

The next thing to happen is a battery's poll or something in the house (a whole second, a load, the meter taking or
publishing a sample, a scenario event). At equal times the house goes first, so a poll sees the newest reading.
Battery plants are moved to every instant at which somebody looks at them: polls, meter samples, the recording raster.
No sockets, no real clock: the same scenario and seed give the same recording bit for bit.
"""

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Protocol, runtime_checkable

from nullwatt.battery import Battery, Ct002Client, InProcessLink
from nullwatt.home import House, Ledger

from .app_control import hold, release
from .batteries import BatteryFacts, BatterySpec
from .devices import BatteryDevice
from .perturbed import PerturbedLaw
from .recording import Recorder, Recording
from .scenario import Event, Scenario
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
    """One run of one scenario. Build it, `run` it, read what is public."""

    def __init__(
        self,
        scenario: Scenario,
        emulator: EmulatorDoor,
        watch: Callable[["Loop"], None] | None = None,
        ledger: Ledger | None = None,
    ) -> None:
        """Prepare the run.

        watch: called once per second, after the row of that second was recorded; it may look at everything public.
        ledger: books to keep, one tick per second; nothing else changes.
        Raises ValueError for a scenario that fits no house (see `House`).
        """
        self.now_s = 0.0
        self.scenario = scenario
        self.emulator = emulator
        self.batteries = [_battery(spec) for spec in scenario.batteries]
        outputs = self.batteries if ledger is None else [BatteryDevice(battery) for battery in self.batteries]
        self.house = House(scenario.house, outputs, ledger)
        self.clients = [self._client(position) for position in range(len(self.batteries))]
        self._polling = list(self.clients)
        self._watch = watch
        self._recorder = Recorder(self.house, self.batteries)
        self._events = sorted(scenario.events, key=lambda event: event.time_s)
        self._event_index = 0
        self._triggers = Triggers(scenario.triggers)
        self._triggered: list[Event] = []
        self._publications = 0
        self._weigh()
        self._rows = 0

    def _client(self, position: int) -> Ct002Client:
        spec = self.scenario.batteries[position]
        link = InProcessLink(self._answer, f"10.0.0.{position + 1}:22222", lambda: self.now_s)
        # A stream of its own per battery: one battery's losses do not shift another's jitter.
        rng = random.Random(f"{self.scenario.seed}/{position}")
        return Ct002Client(self.batteries[position], link, spec.client, rng, spec.first_poll(position))

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

    def run(self) -> Recording:
        """Run to the end of the scenario and return the recording: one row per second from 0 to duration - 1."""
        end_s = float(self.scenario.duration_s)
        for client in self.clients:
            client.advance_to(0.0)
        while True:
            poll_s, due = math.inf, None
            for client in self._polling:
                if client.next_poll_s < poll_s:
                    poll_s, due = client.next_poll_s, client
            world_s = self._next_world_s()
            if min(poll_s, world_s) >= end_s:
                return self._recorder.result()
            if due is not None and poll_s < world_s:
                self.now_s = poll_s
                due.poll(poll_s)
            else:
                self._advance_world(world_s)

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
        if house.meter.publications != self._publications:
            self._publications = house.meter.publications
            self._show_meter()
        if recording:
            self._rows += 1
            self._recorder.sample()
            self.emulator.tick(at=now_s)
            for event in self._triggers.due(now_s, self.house, self.batteries):
                self._triggered.append(replace(event, time_s=now_s))
                self._apply(self._triggered[-1])
            if self._watch is not None:
                self._watch(self)

    def _show_meter(self) -> None:
        reading = self.house.meter.reading
        if reading is None:
            self.emulator.invalidate_grid(at=self.now_s)
        else:
            self.emulator.update_grid(reading.values_w, at=self.now_s)

    def _apply(self, event: Event) -> None:
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
                client = self.clients[event.battery]
                client.next_poll_s = max(client.next_poll_s, event.time_s)
                if client not in self._polling:
                    self._polling.append(client)
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
            case "override":
                self._override(event, **{event.name: event.value})
            case "tune" | "active_control" | "rotate":
                self._tune(event)

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
            self.emulator.set_override(self.batteries[event.battery].mac, **settings)

    def _weigh(self) -> None:
        """Tell the emulator the weights of the scenario; 1 is what it assumes anyway."""
        for battery, spec in zip(self.batteries, self.scenario.batteries, strict=True):
            if spec.weight != 1.0 and isinstance(self.emulator, OverridableDoor):
                self.emulator.set_override(battery.mac, weight=spec.weight)


def _on(active: bool) -> str:
    return "on" if active else "off"


def _battery(spec: BatterySpec) -> Battery:
    battery = Battery(spec.config)
    if spec.gain != 1.0 or spec.deadband_w:
        battery.law = PerturbedLaw(battery.law, spec.gain, spec.deadband_w)
    return battery
