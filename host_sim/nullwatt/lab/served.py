"""A site as `nullwatt.serve` shows it: what it says over HTTP and on the page, and the orders it takes from there."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from nullwatt.core import ConsumerState, Emulator, TableFullError, options
from nullwatt.home import (
    APPLIANCES,
    PHASES,
    SPREAD,
    Bill,
    Command,
    ConfigError,
    DayBill,
    Device,
    Hybrid,
    LoadKind,
    PvPlant,
    Value,
    parse_battery,
    parse_load,
    read_document,
)
from nullwatt.serve import (
    BatteryState,
    CommandState,
    Comparing,
    ControllerControl,
    ControllerState,
    DayMoney,
    DeviceState,
    EmulatorInfo,
    History,
    HomeFiles,
    HybridState,
    MainsState,
    Moment,
    MoneyState,
    PlantState,
    ScenarioState,
    State,
    SteeredState,
    TimeState,
    split_hybrid,
)

from .batteries import spec_of
from .devices import BatteryDevice
from .scenario import SWITCHINGS, Event
from .scenario_events import OverrideSection, read_events
from .scenario_file import load_scenario, shipped
from .site import Site, UnknownBatteryError

#: What a load that is added may be, besides the appliances.
PLAIN_LOAD = "load"
_RECORDING = "replay"
_PLAIN_W = 500.0
#: One type per model that can be added, and what people call it.
BATTERY_TYPES = {
    "HMG-50": "Venus C/E",
    "VNSE3-0": "Venus E 3.0",
    "VNSD-0": "Venus D",
    "VNSA-0": "Venus A",
    "HMN-1": "Jupiter",
    "HMJ-2": "B2500",
}
_LONGEST_NAME = 100
#: Of the bill.
DAYS_SHOWN = 14
_FIRST_MAC = 0x02B250000001
#: Filters of the grid input in the order they work, with the option that switches each on.
_FILTERS = {
    "outliers (Hampel)": "hampel_window",
    "smoothing": "smoothing_alpha",
    "dead band": "deadband",
    "PID": "pid_kp",
}
#: Settings of one battery at the controller, and whether each is a flag or a number.
_OVERRIDES = {name: field.annotation == bool | None for name, field in OverrideSection.model_fields.items()}


class ServedSite:
    """Adapts a `Site` to `nullwatt.serve`: a simulation, whose house and controller take orders."""

    def __init__(
        self,
        site: Site,
        on_shutdown: Callable[[], None],
        title: str = "nullwatt sim",
        where: str = "",
        ct_mac: str = "",
        delay_ticks: int = 0,
        files: HomeFiles | None = None,
        comparing: Comparing | None = None,
    ) -> None:
        """Adapt it.

        on_shutdown: called when a client asks for the end. where: address of the emulator. ct_mac: its MAC.
        delay_ticks: own polls until a battery that joins follows a new target. files: for the editor of the page.
        comparing: homes, over a year.
        """
        self.comparing = comparing
        self.title = title
        self.where = where
        self.house = self
        self.files = files
        self._on_shutdown = on_shutdown
        self.move_in(site, ct_mac, delay_ticks)

    def move_in(self, site: Site, ct_mac: str, delay_ticks: int) -> None:
        """Show another site from now on; its history begins anew. See `__init__`."""
        self.clock = _Time(site)
        self.controller: ControllerControl | None = None if site.emulator is None else _Controller(site, site.emulator)
        self._site = site
        self._ct_mac = ct_mac
        self._delay_ticks = delay_ticks
        self._next_mac = _FIRST_MAC
        self._history = History(self)
        self._scenario: tuple[str, float] | None = None

    # -- what there is to see

    @property
    def now_s(self) -> float:
        """Simulated seconds that have been carried out."""
        return self._site.loop.now_s

    def grid_w(self) -> tuple[float, float, float]:
        """True grid power per phase now, W; 0 for phases the house does not have."""
        a, b, c = (*self._site.house.grid_w(), 0.0, 0.0)[:3]
        return a, b, c

    def status(self) -> dict[str, Any]:
        """The status object: grid, loads, solar, automatic mode, batteries."""
        site = self._site
        grid_w = [round(watts, 1) for watts in self.grid_w()]
        sun = site.house.sun.config
        loads = [
            {
                "name": load.name,
                "power": load.rated_w,
                "phase": load.phase,
                "active": load.active,
            }
            for load in site.house.loads
        ]
        batteries = [
            {
                "mac": battery.mac,
                "phase": battery.phase,
                "power": round(battery.power_w, 1),
                "target": round(battery.target_w, 1),
                "applied_target": round(battery.applied_target_w, 1),
                "power_update_delay_ticks": battery.config.command_delay_ticks,
                "soc": round(battery.soc, 4),
                "max_charge": battery.max_charge_w,
                "max_discharge": battery.max_discharge_w,
                "max_dc_input": battery.config.max_dc_input_w,
                "dc_input": battery.dc_input_w,
            }
            for battery in site.batteries
        ]
        return {
            "grid": dict(zip(("phase_a", "phase_b", "phase_c"), grid_w, strict=True))
            | {"total": round(sum(grid_w), 1)},
            "loads": loads,
            "solar": {"current": round(site.house.solar_w, 1), "max": sun.max_w, "phases": list(sun.phases)},
            "auto_mode": site.auto.enabled,
            "batteries": batteries,
        }

    def state(self) -> State:
        """The status object and everything else that is known."""
        site, house, clock = self._site, self._site.house, self.clock
        status = self.status()
        loads = [
            entry | {"kind": load.kind, "running": load.running, "drawn": round(load.drawn_w, 1)}
            for entry, load in zip(status["loads"], house.loads, strict=True)
        ]
        solar = status["solar"] | {"mode": house.sun.mode, "clouds": house.sun.config.clouds}
        answered = [site.answered(client) for client in site.clients]
        batteries = [
            BatteryState(
                **entry,
                type=battery.config.device_type,
                name=battery.model.family,
                law=battery.law_name,
                capacity_wh=battery.config.capacity_wh,
                answered=answers,
            )
            for entry, battery, answers in zip(status["batteries"], site.batteries, answered, strict=True)
        ]
        plants, hybrids = self._plants(), self._hybrids()
        return State(
            mains=self._mains_state(),
            plants=plants or None,
            hybrids=hybrids or None,
            money=None if house.bill is None else _money_state(house.bill, house.clock.at(house.now_s).date()),
            time=TimeState(
                now_s=round(clock.now_s, 3), scale=clock.factor, paused=clock.paused, hour=round(house.hour, 4)
            ),
            grid=status["grid"],
            house_w=round(
                sum(house.grid_w()) + house.solar_w + sum(b.power_w for b in site.batteries) + house.added_w, 1
            ),
            loads=loads,
            solar=solar,
            auto_mode=status["auto_mode"],
            batteries=batteries,
            emulator=EmulatorInfo(
                where=self.where, own=site.emulator is not None, answers=any(answered) if answered else None
            ),
            controller=None if site.emulator is None else _controller_state(site.emulator),
            scenario=self._scenario_state(),
        )

    def record(self) -> Moment:
        """Keep the present second in the history, and return it."""
        return self._history.record()

    def history(self, seconds: float) -> list[Moment]:
        """The last so many simulated seconds, at most an hour."""
        return self._history.last(seconds)

    def devices(self) -> list[DeviceState]:
        """Everything on the wires: what it shows, and what it can be told."""
        return [_device_state(device) for device in self._devices()]

    def _devices(self) -> list[Device]:
        return [*self._site.house.devices, *(BatteryDevice(battery, False) for battery in self._site.batteries)]

    def under_the_sky_w(self) -> tuple[float, dict[str, float]]:
        """What plants and panels of hybrids give, W, and the batteries of hybrids by name, + = discharge."""
        parts = {hybrid.name: split_hybrid(hybrid) for hybrid in self._hybrids()}
        plants_w = sum(max(0.0, plant.power) for plant in self._plants())
        return plants_w + sum(sun for sun, _ in parts.values()), {name: battery for name, (_, battery) in parts.items()}

    def _plants(self) -> list[PlantState]:
        plants = [device for device in self._site.house.devices if isinstance(device, PvPlant)]
        return [_plant_state(plant) for plant in plants]

    def _hybrids(self) -> list[HybridState]:
        return [_hybrid_state(device) for device in self._site.house.devices if isinstance(device, Hybrid)]

    def _mains_state(self) -> MainsState:
        house = self._site.house
        grid, back_s = house.grid, None if house.mains else house.grid.back_s(house.now_s)
        return MainsState(
            on=house.mains,
            voltage=round(grid.voltage_v, 2),
            frequency=round(grid.frequency_hz, 3),
            cut=grid.is_switched_off(house.now_s),
            until_s=back_s if back_s is not None and math.isfinite(back_s) else None,
            lit=[name for name, lit in zip(PHASES, house.lit, strict=False) if lit],
        )

    def _scenario_state(self) -> ScenarioState | None:
        if self._scenario is None:
            return None
        name, since_s = self._scenario
        happened = [f"{time_s - since_s:.0f} s: {text}" for time_s, text in self._site.loop.latest if time_s >= since_s]
        return ScenarioState(name=name, since_s=since_s, pending=len(self._site.loop.to_come), happened=happened)

    # -- orders of astra-sim's interface

    def toggle_load(self, index: int) -> None:
        """Switch the index-th load (from 0); IndexError if there is none."""
        self._site.toggle_load(index)

    def set_solar(self, power_w: float) -> None:
        """Fix the solar power, clamped to what the house has."""
        most_w = self._site.house.sun.config.max_w
        self._site.house.set_solar(min(power_w, most_w) if math.isinf(power_w) else power_w)

    def set_soc(self, mac: str, soc: float) -> None:
        """State of charge, 0..1."""
        self._site.battery(mac).soc = soc

    def set_limits(self, mac: str, charge_w: float | None, discharge_w: float | None) -> None:
        """Power limits; None keeps one."""
        self._site.battery(mac).set_limits(charge_w, discharge_w)

    def set_dc_input(self, mac: str, power_w: float) -> None:
        """PV power at the battery; ValueError if it has no such input or a smaller one."""
        battery = self._site.battery(mac)
        most_w = battery.config.max_dc_input_w
        if most_w <= 0:
            raise ValueError(f"battery {battery.mac} has no DC input")
        if power_w > most_w:
            raise ValueError(f"watts: {power_w:g} must be within 0 and {most_w:g}")
        battery.dc_input_w = power_w

    def set_auto(self, enabled: bool) -> None:
        """Random switching on or off."""
        self._site.auto.enable(enabled)

    def shut_down(self) -> None:
        """End the simulation soon."""
        self._on_shutdown()

    # -- further orders

    def load_kinds(self) -> Mapping[str, float | None]:
        """Kinds of loads that can be added, with their usual power, W; None = it is not to be chosen."""
        return {PLAIN_LOAD: _PLAIN_W} | {kind: _usual_w(kind) for kind in APPLIANCES if kind != _RECORDING}

    def battery_types(self) -> Mapping[str, str]:
        """Types of batteries that can be added, with what people call them."""
        return BATTERY_TYPES

    def switch_load(self, name: str, active: bool) -> None:
        """Switch a load; LookupError if there is none of that name."""
        self._known_load(name)
        self._site.house.switch(name, active)

    def add_load(self, document: Mapping[str, Any]) -> None:
        """Add a load or an appliance, written as in a house file; ValueError."""
        if document.get("kind") == _RECORDING:
            raise ValueError("load: kind = 'replay': a recording is named in a house file, not while it runs")
        try:
            load = parse_load(dict(document))
        except ConfigError as error:
            raise ValueError(str(error)) from None
        if any(battery.mac == load.name.upper() for battery in self._site.batteries):
            raise ValueError(f"the name {load.name!r} is taken")
        self._site.house.add_load(load)

    def remove_load(self, name: str) -> None:
        """Take a load away; LookupError if there is none of that name."""
        self._known_load(name)
        self._spare(any(event.name == name for event in self._to_come()))
        self._site.house.remove_load(name)

    def add_battery(self, document: Mapping[str, Any]) -> str:
        """Add a battery, written as in a house file; without `mac` it gets a free one. ValueError."""
        wanted = {"mac": self._free_mac(), **document}
        try:
            spec = spec_of(parse_battery(wanted), "battery: ", self._ct_mac, self._delay_ticks)
        except ConfigError as error:
            raise ValueError(str(error)) from None
        mac = spec.config.mac.upper()
        if any(device.name.upper() == mac for device in self._site.house.devices):
            raise ValueError(f"the name {mac!r} is taken")
        return self._site.add_battery(spec).mac

    def remove_battery(self, mac: str) -> None:
        """Take a battery away; it falls silent. LookupError."""
        position = self._site.position(mac)
        self._spare(self._site.loop.counts_on(position))
        self._site.remove_battery(mac)

    def set_clouds(self, clouds: float) -> None:
        """How much clouds may cover the sun, 0..1; ValueError."""
        self._site.house.set_clouds(clouds)

    def follow_sun(self) -> None:
        """Let the sun follow its course over the day."""
        self._site.house.follow_sun()

    def cut_mains(self, duration_s: float = math.inf) -> None:
        """Take the mains away from the next step on, for so long; inf = until they are restored."""
        if not duration_s > 0.0:
            raise ValueError(f"duration: {duration_s:g} s must be above 0")
        self._site.house.set_mains(False, duration_s)

    def restore_mains(self) -> None:
        """Give back mains that were cut by hand; ValueError if only an outage of the house file keeps them off."""
        house = self._site.house
        if house.grid.is_switched_off(house.now_s):
            house.set_mains(True)
        elif house.grid.is_planned_off(house.now_s):
            back_s = house.grid.back_s(house.now_s)
            until = "" if back_s is None else f"; it ends at {back_s:.0f} s"
            raise ValueError(f"the house file has an outage now{until}")

    def command(self, device: str, name: str, value: Value) -> None:
        """Tell a device something; LookupError for an unknown device, ValueError for what it does not take."""
        for known in self._devices():
            if known.name == device:
                known.command(name, value)
                return
        raise LookupError(f"there is no device called {device!r}")

    def scenarios(self) -> list[str]:
        """Names of the scenarios that come with nullwatt."""
        return list(shipped())

    def start_scenario(self, scenario: str | Mapping[str, Any]) -> None:
        """Let the events of a scenario happen from now on; LookupError, ValueError.

        Loads that they switch and this house lacks are added, as they are in the house of the scenario.
        """
        name, sections, lent = self._scenario_events(scenario)
        site, now_s = self._site, self._site.loop.now_s
        there = [load.name for load in site.house.loads]
        macs = [battery.mac for battery in site.batteries]
        options = dict(site.emulator.config) if site.emulator is not None else {}
        try:
            events, triggers = read_events(sections, name, [*there, *lent], macs, options, self._commands)
        except ConfigError as error:
            raise ValueError(str(error)) from None
        everything = [*events, *(event for trigger in triggers for event in trigger.events)]
        switched = {event.name for event in everything if event.action in SWITCHINGS}
        missing = [lent[load] for load in sorted(switched - set(there))]
        for load in missing:
            if load.phase not in (*PHASES[: site.house.phases], SPREAD):
                raise ValueError(f"{name}: {load.name} is on phase {load.phase}, which this house does not have")
        for load in missing:
            site.house.add_load(load)
        conditions = [replace(t.condition, after_s=t.condition.after_s + now_s) for t in triggers]
        site.loop.play(
            [replace(event, time_s=event.time_s + now_s) for event in events],
            [replace(t, condition=condition) for t, condition in zip(triggers, conditions, strict=True)],
        )
        self._scenario = (name, now_s)

    def _commands(self) -> dict[str, Mapping[str, Command]]:
        return {device.name: device.commands for device in self._site.house.devices}

    def stop_scenario(self) -> None:
        """Forget what is still to come."""
        self._site.loop.play([])
        self._scenario = None

    def _scenario_events(self, scenario: str | Mapping[str, Any]) -> tuple[str, object, dict[str, LoadKind]]:
        """Name, events as written, and the loads of its own house."""
        if not isinstance(scenario, str):
            name = scenario.get("name", "scenario")
            if not isinstance(name, str) or not name.isprintable() or not 0 < len(name) <= _LONGEST_NAME:
                raise ValueError(f"name: must be a text of 1 to {_LONGEST_NAME} characters")
            return name, scenario.get("events"), {}
        files = shipped()
        if scenario not in files:
            raise LookupError(f"there is no scenario {scenario!r}; there are {', '.join(files)}")
        document = read_document(files[scenario])
        assert isinstance(document, dict)
        lent = {load.name: load for load in load_scenario(files[scenario]).house.loads}
        return scenario, document.get("events", []), lent

    def _known_load(self, name: str) -> None:
        if all(load.name != name for load in self._site.house.loads):
            raise LookupError(f"there is no load called {name!r}")

    def _to_come(self) -> Sequence[Event]:
        return self._site.loop.to_come if self._scenario is not None else ()

    def _spare(self, needed: bool) -> None:
        if needed and self._scenario is not None:
            raise ValueError(f"the scenario {self._scenario[0]!r} still needs it; stop it first")

    def _free_mac(self) -> str:
        """One that no battery has or had: the controller may hold settings of those that are gone."""
        taken = {int(battery.mac, 16) for battery in self._site.batteries}
        while self._next_mac in taken:
            self._next_mac += 1
        self._next_mac += 1
        return f"{self._next_mac - 1:012X}"


class _Time:
    """The clock of a site, as far as its house has come. See `nullwatt.serve.TimeControl`."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._clock = site.clock

    @property
    def now_s(self) -> float:
        """Simulated seconds that have passed."""
        return self._clock.now_s if self.caught_up else self._site.loop.now_s

    @property
    def factor(self) -> float:
        """Simulated seconds per real second."""
        return self._clock.factor

    @property
    def paused(self) -> bool:
        """It stands."""
        return self._clock.paused

    @property
    def caught_up(self) -> bool:
        """Everything up to the clock's time has been carried out."""
        return self._site.loop.next_event_s > self._clock.now_s

    def set_factor(self, factor: float) -> None:
        """ValueError unless finite and > 0."""
        self._clock.set_factor(factor)

    def pause(self) -> None:
        """Stand still; what is left of a step is forgotten."""
        self._clock.pause()
        self._clock.fall_back(self._site.loop.now_s)

    def resume(self) -> None:
        """Go on from where the house is."""
        if self._clock.paused and not self.caught_up:
            self._clock.fall_back(self._site.loop.now_s)
        self._clock.resume()

    def step(self, duration_s: float) -> None:
        """Move a standing clock on; ValueError if it runs or moves, or for a step that is not above 0."""
        if not self.caught_up:
            raise ValueError("the step before this one is still being carried out")
        self._clock.step(duration_s)


class _Controller:
    """Orders to the controller of a site."""

    def __init__(self, site: Site, emulator: Emulator) -> None:
        self._site = site
        self._emulator = emulator

    def set_override(self, mac: str, name: str, value: float | bool) -> None:
        """Change a setting of one battery; LookupError for an unknown one, ValueError for what is not allowed."""
        known = {consumer.mac for consumer in self._emulator.consumers()} | {
            b.mac.lower() for b in self._site.batteries
        }
        if mac.lower() not in known:
            raise UnknownBatteryError(f"there is no battery {mac}")
        if name not in _OVERRIDES:
            raise ValueError(f"{name}: is none of the settings {', '.join(_OVERRIDES)}")
        if isinstance(value, bool) != _OVERRIDES[name]:
            raise ValueError(f"{name}: {value!r} must be {'true or false' if _OVERRIDES[name] else 'a number'}")
        typed: Any = value
        if name.endswith("_order"):
            if value not in range(16):
                raise ValueError(f"{name}: {value!r} must be a whole number within 0 and 15")
            typed = int(value)
        try:
            self._emulator.set_override(mac, **{name: typed})
        except TableFullError as error:
            raise ValueError(str(error)) from None

    def set_active_control(self, active: bool) -> None:
        """Steer, or relay the measured values."""
        self._emulator.set_active_control(active)

    def force_rotation(self) -> None:
        """Hand over to the next battery."""
        self._emulator.force_rotation()


def _controller_state(emulator: Emulator) -> ControllerState:
    state, config = emulator.state(), emulator.config
    known = options()
    changed = {key: value for key, value in config if value != known[key].default}
    values = dict(config)
    return ControllerState(
        active_control=state.active_control,
        grid=None if state.grid_w is None else [round(watts, 1) for watts in state.grid_w],
        grid_age_s=state.grid_age_s,
        demand=_rounded(state.demand_w),
        missing=_rounded(state.missing_w),
        pool_output=_rounded(state.pool_output_w),
        pool_size=state.pool_size,
        limiting=state.limiting,
        replies=state.replies,
        drops=state.drops,
        options=changed,
        filters=[name for name, key in _FILTERS.items() if values[key]],
        batteries=[_steered(consumer) for consumer in emulator.consumers()],
    )


def _steered(consumer: ConsumerState) -> SteeredState:
    return SteeredState(
        mac=consumer.mac.upper(),
        device_type=consumer.device_type,
        phase=consumer.phase,
        online=consumer.online,
        in_pool=consumer.in_pool,
        active=consumer.active,
        manual=consumer.manual,
        manual_target=consumer.manual_target_w,
        power=_rounded(consumer.power_w),
        target=_rounded(consumer.target_w),
        reading=_rounded(consumer.reading_w),
        law=consumer.law,
        setpoint=_rounded(consumer.setpoint_w),
        gain=round(consumer.gain, 3),
        confidence=round(consumer.confidence, 3),
        saturation=round(consumer.saturation, 3),
        saturation_charge=round(consumer.saturation_charge, 3),
        saturation_discharge=round(consumer.saturation_discharge, 3),
        presence=round(consumer.presence, 3),
        parked=consumer.parked,
        probing=consumer.probing,
        weight=consumer.weight,
        poll_interval_s=consumer.poll_interval_s,
        age_s=round(consumer.age_s, 3),
    )


def _device_state(device: Device) -> DeviceState:
    return DeviceState(
        name=device.name,
        phase=device.phase,
        telemetry={name: round(value, 4) for name, value in device.telemetry().items()},
        units={name: quantity.unit for name, quantity in device.quantities.items()},
        commands={
            name: CommandState(
                unit=command.unit,
                text=command.text,
                low=None if math.isinf(command.low) else command.low,
                high=None if math.isinf(command.high) else command.high,
                choices=list(command.choices) or None,
            )
            for name, command in device.commands.items()
        },
    )


def _plant_state(plant: PvPlant) -> PlantState:
    seen = plant.telemetry()
    return PlantState(
        name=plant.name,
        phase=plant.phase,
        power=round(plant.power_w, 1),
        dc=round(seen["dc_w"], 1),
        available=round(seen["available_w"], 1),
        energy_wh=round(seen["energy_wh"], 1),
        fault=bool(seen["fault"]),
    )


def _hybrid_state(hybrid: Hybrid) -> HybridState:
    seen, capacity_wh = hybrid.telemetry(), hybrid.config.battery.capacity_wh
    return HybridState(
        name=hybrid.name,
        phase=hybrid.phase,
        power=round(hybrid.power_w, 1),
        pv=round(seen["pv_w"], 1),
        available=round(seen["available_w"], 1),
        battery=round(seen["battery_w"], 1),
        soc=round(hybrid.soc, 4) if capacity_wh else None,
        capacity_wh=capacity_wh,
        mode=str(hybrid.settings["mode"]),
        islanded=bool(seen["islanded"]),
        fault=bool(seen["fault"]),
    )


def _money_state(bill: Bill, today: date) -> MoneyState:
    days = [_day_money(day, books) for day, books in list(bill.days.items())[-DAYS_SHOWN:]]
    return MoneyState(
        price_ct_kwh=round(bill.price_ct_kwh, 4),
        feed_in_ct_kwh=bill.tariff.feed_in,
        month_peak_w=round(bill.month_peak_w, 1),
        month_demand_ct=round(bill.month_peak_w / 1000.0 * bill.tariff.demand, 4),
        import_kwh=round(bill.import_kwh, 4),
        export_kwh=round(bill.export_kwh, 4),
        energy_ct=round(bill.energy_ct, 4),
        earned_ct=round(bill.earned_ct, 4),
        total_ct=round(bill.total_ct, 4),
        today=days[-1] if days else _day_money(today, DayBill()),
        days=days,
    )


def _day_money(day: date, books: DayBill) -> DayMoney:
    return DayMoney(
        date=day.isoformat(),
        import_kwh=round(books.import_kwh, 4),
        export_kwh=round(books.export_kwh, 4),
        energy_ct=round(books.energy_ct, 4),
        earned_ct=round(books.earned_ct, 4),
        standing_ct=round(books.standing_ct, 4),
        total_ct=round(books.total_ct, 4),
    )


def _rounded(watts: float | None) -> float | None:
    return None if watts is None else round(watts, 1)


def _usual_w(kind: str) -> float | None:
    power = APPLIANCES[kind].model_fields.get("power")
    return float(power.default) if power is not None and isinstance(power.default, int | float) else None
