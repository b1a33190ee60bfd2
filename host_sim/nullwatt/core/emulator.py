"""The emulator: bytes and numbers in, bytes and numbers out. No clock, no socket.

`at` is the host's time in seconds, from any origin; leave it out to use the monotonic
clock. An emulator belongs to one thread.
"""

import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

from nullwatt.core._core import ffi, lib
from nullwatt.core.config import Config, Value

MAX_BATTERIES: int = lib.ct002_max_batteries()
MAX_DATAGRAM: int = lib.ct002_max_datagram()

#: Options that `Emulator.tune()` changes.
TUNABLE = (
    "grid_target",
    "peak_shaving_threshold",
    "min_efficient_power",
    "min_efficient_charge",
    "min_efficient_discharge",
)
_LAWS = ("ramp", "integrator", "integrator-2", "dc-regulator", "ideal", "generic")


class TableFullError(RuntimeError):
    """There is no room for the settings of another battery."""


@dataclass(frozen=True, slots=True)
class ConsumerState:
    """One battery as the core sees it. Watts (+ = discharge; reading + = import), seconds.

    Attributes:
        mac: Lower-case MAC, or ip:port of a battery that sends none.
        device_type: As reported, cut to 15 characters.
        source: ip:port of the last poll.
        phase: "A", "B", "C", "D" = combined, "0" = inspecting.
        participates: The battery takes part, by its own word.
        online: It polled within its time to live.
        in_pool: It is steered automatically.
        active: User setting; False = steered to zero.
        manual: User setting; True = follows `manual_target_w`.
        power_w: Reported output.
        target_w: Output wanted from it.
        reading_w: Number last sent to it.
        instructed_w: `power_w + reading_w` at that moment.
        law: Law its firmware is believed to run: "ramp", "integrator", "integrator-2",
            "dc-regulator", "ideal" (the lab's), or "generic" = none of them.
        setpoint_w: Where its output is believed to be heading.
        gain: Learnt gain of its law, 0..1.
        confidence: Trust in the model, 0..1.
        saturation: 0 = follows, 1 = cannot deliver; the larger of the next two.
        saturation_charge: The same for charging.
        saturation_discharge: The same for discharging.
        presence: Efficiency mode: part of its share that it takes; 0 = parked.
        parked: Efficiency mode: it rests.
        probing: Efficiency mode: it is on trial before it takes over.
        manual_target_w: User setting.
        weight: User setting, share of the load, 0..10.
        window_weight: User setting, share of the active time, 0..1.
        min_dc_output_w: User setting; None = the global option.
        max_charge_w: User setting, most it may charge; None = no bound.
        max_discharge_w: User setting, most it may discharge; None = no bound.
        start_power_w: User setting, least output it starts with; None = by its type.
        charge_order: User setting, 0..15; lower is charged first, equals share.
        discharge_order: User setting, the same for discharging.
        poll_interval_s: Smoothed; None before the second poll.
        age_s: Time since its last poll.
        polls: Accepted polls.
    """

    mac: str
    device_type: str
    source: str
    phase: str
    participates: bool
    online: bool
    in_pool: bool
    active: bool
    manual: bool
    power_w: float
    target_w: float
    reading_w: float
    instructed_w: float
    law: str
    setpoint_w: float
    gain: float
    confidence: float
    saturation: float
    saturation_charge: float
    saturation_discharge: float
    presence: float
    parked: bool
    probing: bool
    manual_target_w: float
    weight: float
    window_weight: float
    min_dc_output_w: float | None
    max_charge_w: float | None
    max_discharge_w: float | None
    start_power_w: float | None
    charge_order: int
    discharge_order: int
    poll_interval_s: float | None
    age_s: float
    polls: int


@dataclass(frozen=True, slots=True)
class EmulatorState:
    """The emulator as a whole. Watts (grid + = import), seconds.

    Attributes:
        grid_w: Last meter values per phase; None while the meter is unavailable.
        grid_total_w: Their sum; None while unavailable.
        grid_age_s: Age of the oldest phase; None while unavailable.
        grid_samples: Meter samples accepted so far.
        demand_w: What the house needs from the pool; None while unknown.
        missing_w: Demand minus what the pool was expected to deliver, at the last control step.
        pool_output_w: Reported output of the batteries being steered.
        pool_size: Number of them.
        consumers: Batteries in the table.
        active_control: False = relay mode.
        limiting: Efficiency mode parks batteries.
        replies: Polls answered.
        drops: Datagrams without an answer.
        refused_full: Of these, batteries turned away because the table was full.
        refused_overrides: Settings turned away because their table was full.
        info_index: Index of the next reply, 0..255.
    """

    grid_w: tuple[float, ...] | None
    grid_total_w: float | None
    grid_age_s: float | None
    grid_samples: int
    demand_w: float | None
    missing_w: float
    pool_output_w: float
    pool_size: int
    consumers: int
    active_control: bool
    limiting: bool
    replies: int
    drops: int
    refused_full: int
    refused_overrides: int
    info_index: int


def _ms(at: float | None) -> int:
    """The core's wrapping millisecond counter."""
    return int((time.monotonic() if at is None else at) * 1000.0 + 0.5) & 0xFFFFFFFF


class Emulator:
    """One emulated CT002/CT003 with everything it knows."""

    def __init__(self, config: Config | None = None) -> None:
        self._config = config or Config()
        self._memory = ffi.new("uint64_t[]", (lib.ct002_size() + 7) // 8)
        self._core = lib.ct002_init(self._memory, ffi.sizeof(self._memory), self._config._handle)
        self._reply = ffi.new("uint8_t[]", MAX_DATAGRAM)
        self._reply_view = ffi.buffer(self._reply)
        self._reason = ffi.new("uint8_t *")
        self._grid = ffi.new("float[3]")
        self._sources: dict[str, bytes] = {}

    @property
    def config(self) -> Config:
        """The options in force."""
        return self._config

    def update_grid(self, power_w: Sequence[float], at: float | None = None) -> None:
        """A fresh meter sample, one value per phase in W.

        One to three phases; further values are ignored. An empty list or a value that is
        not finite makes the meter unavailable.
        """
        count = min(len(power_w), 3)
        grid = self._grid
        for phase in range(count):
            grid[phase] = power_w[phase]
        lib.ct002_update_grid(self._core, grid, count, _ms(at))

    def update_grid_phase(self, phase: int, count: int, power_w: float, at: float | None = None) -> None:
        """One phase (0..2) of a meter with `count` phases whose values arrive one by one."""
        if not 0 <= phase < count <= 3:
            raise ValueError(f"phase {phase} of {count}; allowed: phase 0..2 of a meter with 1..3 phases")
        lib.ct002_update_grid_phase(self._core, phase, count, power_w, _ms(at))

    def invalidate_grid(self, at: float | None = None) -> None:
        """The meter is gone: batteries hold until its next sample."""
        lib.ct002_invalidate_grid(self._core, _ms(at))

    def unassign_grid(self) -> None:
        """No meter belongs to the batteries that poll next.

        Each is served the reading it was served last, none is steered, until the next
        update or invalidation.
        """
        lib.ct002_unassign_grid(self._core)

    def handle(self, datagram: bytes, source: str = "", at: float | None = None) -> bytes | None:
        """Answers one datagram from `source` (ip:port). None = stay silent; see `last_drop`."""
        sender = self._sources.get(source)
        if sender is None:
            if len(self._sources) > 4 * MAX_BATTERIES:
                self._sources.clear()
            sender = self._sources[source] = source.encode(errors="replace")
        ms = int((time.monotonic() if at is None else at) * 1000.0 + 0.5) & 0xFFFFFFFF
        size = lib.ct002_handle(
            self._core, datagram, len(datagram), sender, ms, self._reply, MAX_DATAGRAM, self._reason
        )
        return self._reply_view[:size] if size else None

    @property
    def last_drop(self) -> str | None:
        """Why the last datagram got no reply; None if it got one."""
        reason = self._reason[0]
        return ffi.string(lib.ct002_drop_text(reason)).decode() if reason else None

    def tick(self, at: float | None = None) -> None:
        """Housekeeping, at least once a second: ages the meter, forgets silent batteries."""
        lib.ct002_tick(self._core, _ms(at))

    def set_override(
        self,
        mac: str,
        *,
        active: bool | None = None,
        manual: bool | None = None,
        manual_target: float | None = None,
        weight: float | None = None,
        window_weight: float | None = None,
        min_dc_output: float | None = None,
        max_charge: float | None = None,
        max_discharge: float | None = None,
        start_power: float | None = None,
        charge_order: int | None = None,
        discharge_order: int | None = None,
    ) -> None:
        """Changes settings of a battery, known or not yet; None leaves one as it is.

        Args:
            mac: MAC as the battery sends it, any case.
            active: False steers it to zero.
            manual: True makes it follow `manual_target`.
            manual_target: Watts, + = discharge, within +-100 kW.
            weight: Share of the load, 0..10.
            window_weight: Share of the active time, 0..1.
            min_dc_output: Watts; -1 goes back to the global option.
            max_charge: Most it may charge, W; 0 locks charging, -1 takes the bound away.
            max_discharge: Most it may discharge, W; 0 locks discharging, -1 takes the bound away.
            start_power: Least output its inverter starts with, W; -1 goes back to its type's.
            charge_order: 0..15: lower ones are charged first, equal ones share.
            discharge_order: 0..15: lower ones are discharged first, equal ones share.

        Raises:
            ValueError: A value is out of range; nothing was changed.
            TableFullError: There is no room for another battery's settings.
        """
        change = ffi.new("ct002_override *")
        values = {
            "active": (active, lib.CT002_SET_ACTIVE),
            "manual": (manual, lib.CT002_SET_MANUAL),
            "manual_target_w": (manual_target, lib.CT002_SET_MANUAL_TARGET),
            "weight": (weight, lib.CT002_SET_WEIGHT),
            "window_weight": (window_weight, lib.CT002_SET_WINDOW_WEIGHT),
            "min_dc_output_w": (min_dc_output, lib.CT002_SET_MIN_DC_OUTPUT),
            "max_charge_w": (max_charge, lib.CT002_SET_MAX_CHARGE),
            "max_discharge_w": (max_discharge, lib.CT002_SET_MAX_DISCHARGE),
            "start_power_w": (start_power, lib.CT002_SET_START_POWER),
            "charge_order": (charge_order, lib.CT002_SET_CHARGE_ORDER),
            "discharge_order": (discharge_order, lib.CT002_SET_DISCHARGE_ORDER),
        }
        status = lib.CT002_OK
        for name, (value, bit) in values.items():
            if value is None:
                continue
            change.which |= bit
            try:
                setattr(change, name, value)
            except OverflowError:  # an order no byte can hold
                status = lib.CT002_RANGE
        if status == lib.CT002_OK:
            status = lib.ct002_set_override(self._core, mac.encode(errors="replace"), change)
        if status == lib.CT002_RANGE:
            given = ", ".join(f"{name}={value!r}" for name, (value, _) in values.items() if value is not None)
            raise ValueError(
                f"battery {mac}: {given} is out of range; allowed: manual_target_w -100000..100000, "
                "weight 0..10, window_weight 0..1, orders 0..15, the other powers 0..100000 or -1"
            )
        if status == lib.CT002_FULL:
            raise TableFullError(f"battery {mac}: settings of {2 * MAX_BATTERIES} batteries are held already")

    def force_rotation(self) -> None:
        """Efficiency mode: hand over to the next battery now. Nothing while that mode is off."""
        lib.ct002_force_rotation(self._core)

    def set_active_control(self, active: bool) -> None:
        """True steers the batteries, False relays the measured values."""
        lib.ct002_set_active_control(self._core, active)

    def tune(self, **options: Value) -> None:
        """Changes options while control goes on: those of `TUNABLE`, in their units.

        Raises:
            TypeError: An option does not exist, or takes effect only in a new emulator.
            ValueError: A value has the wrong kind or lies outside its range.
        """
        for key in options:
            if key not in TUNABLE and hasattr(self._config, key):
                raise TypeError(f"option {key!r} cannot change while running; these can: {', '.join(TUNABLE)}")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of options without effect: told when they were first set
            self._config = Config(**{**dict(self._config), **options})
        lib.ct002_tune(self._core, self._config._handle)

    def consumers(self) -> list[ConsumerState]:
        """The batteries in the table, as of the last call that carried a time."""
        raw = ffi.new("ct002_consumer *")
        found: list[ConsumerState] = []
        while lib.ct002_get_consumer(self._core, len(found), raw):
            found.append(_consumer(raw))
        return found

    def state(self) -> EmulatorState:
        """The whole, as of the last call that carried a time."""
        raw = ffi.new("ct002_state *")
        lib.ct002_get_state(self._core, raw)
        available = bool(raw.grid_available)
        return EmulatorState(
            grid_w=tuple(raw.grid_w[phase] for phase in range(raw.phases)) if available else None,
            grid_total_w=raw.grid_total_w if available else None,
            grid_age_s=raw.grid_age_ms / 1000.0 if available else None,
            grid_samples=raw.grid_samples,
            demand_w=raw.demand_w if available else None,
            missing_w=raw.missing_w,
            pool_output_w=raw.pool_output_w,
            pool_size=raw.pool_size,
            consumers=raw.consumers,
            active_control=bool(raw.active_control),
            limiting=bool(raw.limiting),
            replies=raw.replies,
            drops=raw.drops,
            refused_full=raw.refused_full,
            refused_overrides=raw.refused_overrides,
            info_index=raw.info_index,
        )


def _consumer(raw: ffi.CData) -> ConsumerState:
    return ConsumerState(
        mac=ffi.string(raw.key).decode(errors="replace"),
        device_type=ffi.string(raw.device_type).decode(errors="replace"),
        source=ffi.string(raw.source).decode(errors="replace"),
        phase=raw.phase.decode(),
        participates=bool(raw.participates),
        online=bool(raw.online),
        in_pool=bool(raw.in_pool),
        active=bool(raw.active),
        manual=bool(raw.manual),
        power_w=raw.power_w,
        target_w=raw.target_w,
        reading_w=raw.reading_w,
        instructed_w=raw.instructed_w,
        law=_LAWS[raw.law],
        setpoint_w=raw.setpoint_w,
        gain=raw.gain,
        confidence=raw.confidence,
        saturation=raw.saturation,
        saturation_charge=raw.saturation_charge,
        saturation_discharge=raw.saturation_discharge,
        presence=raw.presence,
        parked=bool(raw.parked),
        probing=bool(raw.probing),
        manual_target_w=raw.manual_target_w,
        weight=raw.weight,
        window_weight=raw.window_weight,
        min_dc_output_w=raw.min_dc_output_w if raw.min_dc_output_w >= 0 else None,
        max_charge_w=raw.max_charge_w if raw.max_charge_w >= 0 else None,
        max_discharge_w=raw.max_discharge_w if raw.max_discharge_w >= 0 else None,
        start_power_w=raw.start_power_w if raw.start_power_w >= 0 else None,
        charge_order=raw.charge_order,
        discharge_order=raw.discharge_order,
        poll_interval_s=raw.poll_interval_s if raw.polls > 1 else None,
        age_s=raw.age_ms / 1000.0,
        polls=raw.polls,
    )
