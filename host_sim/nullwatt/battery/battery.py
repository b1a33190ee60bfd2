"""One simulated Marstek battery: plant, steering law and its side of the conversation with the CT.

Signs and units: battery power + = discharge, grid + = import, W; state of charge 0..1; time in s.

A cycle is `advance(dt)` as often as wanted (physics only), then `request()` and `accept(reply)` once per poll (firmware
only). The battery has no clock and no IO; see client for both.

- Reading: a battery on A, B or C follows its own phase field, one on D the total; `reading="sum"` adds the three phase
  fields instead (what simpler simulators do). The share count is that of the own bucket.
- Inspection: the first polls carry phase "0" and their replies steer nothing; the count goes up per answered poll.
- Command delay: a new target becomes active that many of the battery's own poll ticks later. A tick begins with the
  first advance after a poll (or with the next request, if nothing advanced in between).
- No reply, a bad frame or a reply meant for another battery leaves the target as it is.
"""

from .accounts import AccountedPlant, PackEnergy
from .config import BatteryConfig
from .law import Sample, SteeringLaw
from .models import Model, model_of
from .plant import Plant
from .steering import build_law
from .wire import Reply, Request, encode_request, parse_reply

_PHASES = "ABC"


class Battery:
    """A battery. Its parameters are in `config`; limits, DC input and state of charge may change at run time."""

    __slots__ = (
        "_answered_inspections",
        "_last_index",
        "_own",
        "_pending",
        "_polled",
        "_sum",
        "_tick",
        "_wire_phase",
        "config",
        "law",
        "law_name",
        "mac",
        "model",
        "plant",
        "poll_interval_s",
        "target_w",
    )

    def __init__(self, config: BatteryConfig) -> None:
        """Build the battery of a (valid) configuration, standing at its initial power."""
        model: Model = model_of(config.device_type)
        self.config = config
        self.model = model
        self.mac: str = config.mac.upper()
        max_charge_w, max_discharge_w = config.limits_w
        self.plant = Plant(
            max_charge_w=max_charge_w,
            max_discharge_w=max_discharge_w,
            capacity_wh=config.capacity_wh,
            ramp_rate_w_s=config.ramp_rate_w_s,
            min_power_w=config.min_power_w,
            startup_delay_s=config.startup_delay_s,
            charge_efficiency=config.charge_efficiency,
            discharge_efficiency=config.discharge_efficiency,
            standby_w=config.standby_w,
            power_w=config.initial_power_w,
            target_w=config.initial_power_w,
            soc=config.initial_soc,
            dc_input_w=config.dc_input_w,
        )
        self.law_name: str = config.law or model.default_law(config.ct_type)
        self.law: SteeringLaw = build_law(self.law_name, max_charge_w, max_discharge_w, config.ratio, model.rest_band_w)
        self.law.seed(config.initial_power_w)
        self.poll_interval_s: float = _either(config.poll_interval_s, model.poll_interval_s)
        self.target_w: float = config.initial_power_w
        self._own = _PHASES.find(config.phase)  # -1: combined
        self._sum = config.reading == "sum"
        self._wire_phase = ""
        self._answered_inspections = 0
        self._last_index = -1
        self._tick = 0
        self._polled = True  # the first advance begins tick 1
        self._pending: list[tuple[int, float]] = []  # (due tick, target W), in order

    @property
    def phase(self) -> str:
        """Own phase: "A", "B", "C" or "D" (combined)."""
        return self.config.phase

    @property
    def power_w(self) -> float:
        """Present output, W, + = discharge."""
        return self.plant.power_w

    @property
    def applied_target_w(self) -> float:
        """Target the plant follows, W; differs from target_w (latest request) only while a command is delayed."""
        return self.plant.target_w

    @property
    def soc(self) -> float:
        """State of charge, 0..1."""
        return self.plant.soc

    @soc.setter
    def soc(self, soc: float) -> None:
        if not 0.0 <= soc <= 1.0:
            raise ValueError(f"soc: {soc!r} is outside 0..1")
        self.plant.soc = float(soc)

    @property
    def dc_input_w(self) -> float:
        """PV power at the DC terminals, W."""
        return self.plant.dc_input_w

    @dc_input_w.setter
    def dc_input_w(self, power_w: float) -> None:
        """Set it; clamped to 0..max_dc_input_w as the charge controller would."""
        self.plant.dc_input_w = max(0.0, min(power_w, self.config.max_dc_input_w))

    @property
    def max_charge_w(self) -> float:
        """Charge limit in force, W, >= 0."""
        return self.plant.max_charge_w

    @property
    def max_discharge_w(self) -> float:
        """Discharge limit in force, W, >= 0."""
        return self.plant.max_discharge_w

    @property
    def inspecting(self) -> bool:
        """True until the configured number of inspection polls has been answered."""
        return self._answered_inspections < self.config.inspection_polls

    def set_limits(self, max_charge_w: float | None = None, max_discharge_w: float | None = None) -> None:
        """Change the power limits of plant and law; None keeps one. A model without AC input never charges from AC.

        Raises:
            ValueError: A limit is negative or not a number.
        """
        charge_w = _either(max_charge_w, self.plant.max_charge_w)
        discharge_w = _either(max_discharge_w, self.plant.max_discharge_w)
        for name, limit_w in (("max_charge_w", charge_w), ("max_discharge_w", discharge_w)):
            if not 0.0 <= limit_w < float("inf"):
                raise ValueError(f"{name}: {limit_w!r} is not a number of at least 0")
        self.plant.max_charge_w = charge_w if self.model.ac_input else 0.0
        self.plant.max_discharge_w = discharge_w
        self.law.set_limits(self.plant.max_charge_w, discharge_w)

    def trip(self) -> None:
        """Lose the voltage at the terminals: give nothing at once, forget every target, obey none until `reconnect`."""
        self._pending.clear()
        self.target_w = self.plant.target_w = self.plant.power_w = 0.0
        self.plant.tripped = True
        self.law.seed(0.0)

    def reconnect(self) -> None:
        """Have voltage again: it stands until it is told something."""
        self.plant.tripped = False

    def take_energy(self) -> PackEnergy:
        """Where its energy went since the last call, J. The first call opens the books and returns empty ones."""
        if not isinstance(self.plant, AccountedPlant):
            self.plant = AccountedPlant.of(self.plant)
        return self.plant.close()

    def advance(self, dt_s: float) -> None:
        """Let dt_s > 0 seconds of physics pass; see Plant.advance."""
        if self._polled:
            self._begin_tick()
        self.plant.advance(dt_s)

    def _begin_tick(self) -> None:
        self._polled = False
        self._tick += 1
        while self._pending and self._pending[0][0] <= self._tick:
            self.plant.target_w = self._pending.pop(0)[1]

    def request(self) -> bytes:
        """Return the datagram of the next poll: own phase (or "0" while inspecting) and power in whole watts."""
        if self._polled:
            self._begin_tick()
        self._polled = True
        config = self.config
        self._wire_phase = "0" if self.inspecting else config.phase
        return encode_request(
            Request(
                config.device_type,
                self.mac,
                config.ct_type,
                config.ct_mac,
                self._wire_phase,
                round(self.plant.power_w),
                config.participates,
            )
        )

    def accept(self, reply: bytes | None) -> bool:
        """Take what came back for a poll (None: nothing did).

        Returns:
            True if the steering law ran. False for no reply, a bad frame, a reply to another battery, a repeated
            index (if the battery discards those), or an inspection poll.
        """
        answer = None if reply is None else parse_reply(reply)
        if answer is None or answer.mac.upper() != self.mac:
            return False
        if self.config.discard_repeated_index and answer.info_idx == self._last_index:
            return False
        self._last_index = answer.info_idx
        if self._wire_phase in ("", "0"):
            # a second reply to the same inspection poll counts again: the battery cannot tell them apart
            self._answered_inspections += self._wire_phase == "0"
            return False
        self._command(self.law.step(self._sample(answer)))
        return True

    def _sample(self, answer: Reply) -> Sample:
        own = self._own
        combined = own < 0
        if self._sum:
            grid_w = sum(answer.phase_w)
        elif combined:
            grid_w = answer.total_w
        else:
            grid_w = answer.phase_w[own]
        count = answer.combined_count if combined else answer.counts[own]
        plant = self.plant
        return Sample(grid_w, plant.power_w, count, combined, plant.soc, plant.dc_input_w)

    def _command(self, target_w: float) -> None:
        if self.plant.tripped:
            return
        self.target_w = target_w
        if self.config.command_delay_ticks:
            self._pending.append((self._tick + self.config.command_delay_ticks, target_w))
        else:
            self.plant.target_w = target_w


def _either(value: float | None, default: float) -> float:
    return default if value is None else float(value)
