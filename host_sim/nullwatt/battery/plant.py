"""The physics of a battery: from the commanded target to real power and state of charge.

Signs and units: power in W at the AC terminals (a B2500: at its DC output), + = discharge, - = charge; DC input in W,
>= 0; state of charge 0..1; energy in Wh; time in s.

One `advance` is one tick: the target passes the minimum-power and empty/full checks, a unit at standstill waits its
start-up delay, then the power slews at the ramp rate inside the limits; a full pack passes its DC input through. That
last step comes after the limits, so pass-through may exceed the discharge limit, and it is instantaneous.
Power is constant during a tick, so a long tick is a coarse one: advance in steps of a second or less where it matters.

Losses (none by default): efficiencies act between the terminals and the cells; DC input reaches the cells without loss.
cells' power = DC input - P / discharge efficiency (P > 0) or - P * charge efficiency (P < 0) - standby.
No taper near full or empty.
"""

from dataclasses import dataclass

_SECONDS_PER_HOUR = 3600.0


@dataclass(slots=True)
class Plant:
    """State and parameters of the power stage and the pack.

    Attributes:
        max_charge_w: Charge limit, W, >= 0; may change at any time.
        max_discharge_w: Discharge limit, W, >= 0; may change at any time.
        capacity_wh: Usable capacity, Wh; 0 freezes the state of charge.
        ramp_rate_w_s: Slew rate, W/s.
        min_power_w: Targets below this, either sign, mean 0 W.
        startup_delay_s: Wait between a command at standstill and the first watt, s.
        charge_efficiency: Share of charged power that reaches the cells, 0 < x <= 1.
        discharge_efficiency: Share of the cells' power that reaches the terminals, 0 < x <= 1.
        standby_w: Own consumption out of the cells, W, always on.
        power_w: Present output, + = discharge.
        target_w: The target the power stage follows, + = discharge.
        soc: State of charge, 0..1.
        dc_input_w: PV power arriving at the DC terminals, W, >= 0.
        waited_s: Start-up time already waited, s.
        tripped: No voltage at the terminals: a full pack passes nothing through.
    """

    max_charge_w: float
    max_discharge_w: float
    capacity_wh: float
    ramp_rate_w_s: float
    min_power_w: float
    startup_delay_s: float
    charge_efficiency: float = 1.0
    discharge_efficiency: float = 1.0
    standby_w: float = 0.0
    power_w: float = 0.0
    target_w: float = 0.0
    soc: float = 0.5
    dc_input_w: float = 0.0
    waited_s: float = 0.0
    tripped: bool = False

    def advance(self, dt_s: float) -> None:
        """Integrate one tick of dt_s > 0 seconds."""
        # In one piece and with comparisons for min and max: long runs spend much of their time here.
        power_w, target_w, soc = self.power_w, self.target_w, self.soc
        min_power_w = self.min_power_w
        if abs(target_w) < min_power_w or (target_w < 0.0 and soc >= 1.0) or (target_w > 0.0 and soc <= 0.0):
            target_w = 0.0
        starting = False
        if self.startup_delay_s > 0.0:
            if abs(power_w) < min_power_w <= abs(target_w):
                self.waited_s += dt_s
                starting = self.waited_s < self.startup_delay_s
            else:
                self.waited_s = 0.0
        if not starting:
            reach_w = self.ramp_rate_w_s * dt_s
            change_w = target_w - power_w
            if change_w > reach_w:
                change_w = reach_w
            elif change_w < -reach_w:
                change_w = -reach_w
            power_w += change_w
            if power_w > self.max_discharge_w:
                power_w = self.max_discharge_w
            if power_w <= -self.max_charge_w:
                power_w = -self.max_charge_w
        dc_input_w = self.dc_input_w
        if dc_input_w > 0.0 and soc >= 1.0 and not self.tripped:
            power_w = max(power_w, dc_input_w * self.discharge_efficiency)
        self.power_w = power_w
        if self.capacity_wh > 0.0:
            drawn_w = power_w / self.discharge_efficiency if power_w > 0.0 else power_w * self.charge_efficiency
            cells_w = drawn_w + self.standby_w - dc_input_w
            soc -= cells_w * dt_s / _SECONDS_PER_HOUR / self.capacity_wh
            self.soc = 0.0 if soc <= 0.0 else 1.0 if soc > 1.0 else soc
