"""How well the grid was held at zero, as numbers. All are "lower is better".

Input is a `Recording` on a one-second raster; row k stands for the second from k to k + 1, so every row weighs the
same and a metric does not change with the number of batteries or their poll cadence. "Grid" is the true total of all
phases, + = import; battery power + = discharge.

A *step* is a scored disturbance. Its window opens with the first row at or after it and ends at the next step, after
600 s, or with the run. A step is left out when its window is shorter than the settling hold or when the first row is
already inside the settling band: then it disturbed nothing.

The *oracle* is one lossless battery with the summed capacity and limits that knows the demand of the very second.
Its grid is what no controller can avoid (an empty pack, a load above all limits); metrics "over oracle" subtract it.
Noise of the house is part of the truth and of the oracle's demand; noise of the meter is in neither.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from .batteries import BatteryFacts
from .recording import RASTER_S, Floats, Recording

SETTLE_BAND_W = 25.0
SETTLE_HOLD_S = 10.0
STEP_WINDOW_S = 600.0
CROSSING_BAND_W = 20.0
UNSTEADY_S = 120.0
IMPORT_CT_PER_KWH = 30.0
EXPORT_CT_PER_KWH = 8.0
EMPTY_SOC = 0.02
FULL_SOC = 0.98
LIMIT_MARGIN_W = 5.0

_SECONDS_PER_HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Metrics:
    """All scores of one run; each is defined at the function that computes it. None: does not apply to this run."""

    settle_mean_s: float | None
    settle_p95_s: float | None
    unsettled_events: int
    overshoot_mean_w: float | None
    overshoot_max_w: float | None
    band_crossings_per_h: float
    grid_p2p_w: float
    grid_rms_w: float
    grid_rms_over_oracle_w: float
    mean_abs_grid_w: float
    mean_abs_over_oracle_w: float
    steady_rms_w: float | None
    steady_rms_over_oracle_w: float | None
    share_imbalance_w: float | None
    avoidable_import_wh: float
    avoidable_export_wh: float
    cost_regret_ct: float
    battery_travel_w_per_h: float

    def rounded(self) -> dict[str, float | int | None]:
        """For people and files: one decimal, costs two, travel none."""
        return {item.name: _rounded(item.name, getattr(self, item.name)) for item in fields(self)}


def _rounded(name: str, value: float | int | None) -> float | int | None:
    if value is None or isinstance(value, int):
        return value
    digits = 2 if name.endswith("_ct") else 0 if name == "battery_travel_w_per_h" else 1
    return round(float(value), digits) + 0.0  # + 0.0 turns -0.0 into 0.0


@dataclass(frozen=True, slots=True)
class Context:
    """What happened, without a direction: energies in Wh, bills in ct, lowest and highest SoC, rows."""

    import_wh: float
    export_wh: float
    bill_ct: float
    oracle_bill_ct: float
    soc_min: float | None
    soc_max: float | None
    samples: int


def evaluate(
    recording: Recording, facts: Sequence[BatteryFacts], steps_s: Sequence[float], fair: bool = True
) -> tuple[Metrics, Context]:
    """All metrics of a run.

    facts: one per battery, in the order of the recording. steps_s: times of the scored disturbances, ascending.
    fair: False when the controller concentrates the load on purpose; the share is not scored then.
    """
    grid, power, soc = recording.grid_total_w, recording.power_w, recording.soc
    oracle = oracle_grid(recording.demand_w, recording.dc_w.sum(axis=1), facts, soc[0] if len(soc) else soc)
    windows = step_windows(recording.time_s, grid, steps_s)
    settled = [settle_time(recording.time_s, grid, window) for window in windows]
    overshoots = [overshoot(grid, window) for window in windows]
    # A step that never settles counts with its whole window: worse than anything that did.
    times = [window.length_s if time is None else time for time, window in zip(settled, windows, strict=True)]
    steady = outside(recording.time_s, steps_s, UNSTEADY_S)
    metrics = Metrics(
        settle_mean_s=float(np.mean(times)) if times else None,
        settle_p95_s=float(np.percentile(times, 95)) if times else None,
        unsettled_events=sum(time is None for time in settled),
        overshoot_mean_w=float(np.mean(overshoots)) if overshoots else None,
        overshoot_max_w=max(overshoots, default=None),
        band_crossings_per_h=band_crossings_per_h(grid),
        grid_p2p_w=peak_to_peak(grid),
        grid_rms_w=rms(grid),
        grid_rms_over_oracle_w=rms(grid - oracle),
        mean_abs_grid_w=mean_abs(grid),
        mean_abs_over_oracle_w=mean_abs(grid - oracle),
        steady_rms_w=rms(grid[steady]) if steady.any() else None,
        steady_rms_over_oracle_w=rms((grid - oracle)[steady]) if steady.any() else None,
        share_imbalance_w=share_imbalance(power, soc, facts) if fair and len(facts) > 1 else None,
        avoidable_import_wh=avoidable_import_wh(grid, power, soc, facts),
        avoidable_export_wh=avoidable_export_wh(grid, power, soc, facts),
        cost_regret_ct=max(0.0, bill_ct(grid) - bill_ct(oracle)),
        battery_travel_w_per_h=battery_travel_w_per_h(power),
    )
    return metrics, _context(grid, oracle, soc)


@dataclass(frozen=True, slots=True)
class Window:
    """Rows [start, end) that belong to the step at `step_s`; it lasts `length_s` seconds."""

    step_s: float
    start: int
    end: int
    length_s: float


def step_windows(time_s: Floats, grid_w: Floats, steps_s: Sequence[float]) -> list[Window]:
    """The scored windows (see the top of this file): steps that disturbed nothing or have no room are left out."""
    windows = []
    run_end_s = len(time_s) * RASTER_S
    for index, step_s in enumerate(steps_s):
        next_s = steps_s[index + 1] if index + 1 < len(steps_s) else run_end_s
        end_s = min(next_s, step_s + STEP_WINDOW_S, run_end_s)
        start, end = (int(np.searchsorted(time_s, edge)) for edge in (step_s, end_s))
        if end_s - step_s < SETTLE_HOLD_S or start >= end or abs(grid_w[start]) < SETTLE_BAND_W:
            continue
        windows.append(Window(step_s, start, end, end_s - step_s))
    return windows


def settle_time(time_s: Floats, grid_w: Floats, window: Window) -> float | None:
    """Seconds from the step until |grid| < 25 W for 10 s on end (the time of entering); None: not in the window."""
    entered_s: float | None = None
    for row in range(window.start, window.end):
        if abs(grid_w[row]) >= SETTLE_BAND_W:
            entered_s = None
            continue
        now_s = float(time_s[row])
        if entered_s is None:
            entered_s = now_s
        if now_s - entered_s >= SETTLE_HOLD_S:
            return entered_s - window.step_s
    return None


def overshoot(grid_w: Floats, window: Window) -> float:
    """Largest excursion within the window to the side opposite to its first row, W, >= 0."""
    rows = grid_w[window.start : window.end]
    opposite = -rows if rows[0] > 0 else rows
    return max(0.0, float(opposite.max()))


def band_crossings_per_h(grid_w: Floats) -> float:
    """Changes from above +20 W to below -20 W or back, per hour; staying in between is no change."""
    outside_band = grid_w[np.abs(grid_w) > CROSSING_BAND_W]
    changes = int(np.count_nonzero(np.diff(np.sign(outside_band))))
    return changes * _per_hour(len(grid_w))


def peak_to_peak(grid_w: Floats) -> float:
    """95th minus 5th percentile of the grid, W."""
    low, high = np.percentile(grid_w, [5, 95])
    return float(high - low)


def rms(values_w: Floats) -> float:
    """Root of the mean square, W."""
    return float(np.sqrt(np.mean(np.square(values_w))))


def mean_abs(values_w: Floats) -> float:
    """Mean absolute value, W."""
    return float(np.mean(np.abs(values_w)))


def outside(time_s: Floats, steps_s: Sequence[float], margin_s: float) -> np.typing.NDArray[np.bool_]:
    """True for the rows that lie in no [step, step + margin_s)."""
    keep = np.ones(len(time_s), dtype=np.bool_)
    for step_s in steps_s:
        keep &= ~((time_s >= step_s) & (time_s < step_s + margin_s))
    return keep


def share_imbalance(power_w: Floats, soc: Floats, facts: Sequence[BatteryFacts]) -> float:
    """Time mean of sum |P_i - intended share of i|, W.

    Intended: the pool's power split in proportion to the weights among the batteries that can take it (not empty when
    discharging, not full and with AC input when charging); what exceeds a battery's limit goes to the others. So
    unequal limits, an empty pack or a DC-only unit during charging are not called imbalance. The power of the pool
    is what it is: too much or too little of it is a matter for the grid metrics.
    """
    pool = power_w.sum(axis=1)
    weights = np.array([fact.weight for fact in facts])
    discharging = (pool >= 0)[:, None]
    usable = np.where(discharging, soc > EMPTY_SOC, soc < FULL_SOC)
    discharge_limits = np.array([fact.max_discharge_w for fact in facts])
    charge_limits = np.array([fact.max_charge_w for fact in facts])
    limits = np.where(discharging, discharge_limits, charge_limits) * usable
    intended = _water_fill(np.abs(pool), weights, limits) * np.sign(pool)[:, None]
    return float(np.abs(power_w - intended).sum(axis=1).mean())


def _water_fill(amount: Floats, weights: Floats, limits: Floats) -> Floats:
    """Split amount (n) by weight among columns, none above its limit (n, b). Each round fills at least one column."""
    shares = np.zeros_like(limits)
    rest = amount.astype(np.float64)
    for _ in range(limits.shape[1]):
        open_weights = weights * (shares < limits - 1e-9)
        total = open_weights.sum(axis=1)
        part = np.divide(rest, total, out=np.zeros_like(rest), where=total > 0)
        added = np.minimum(open_weights * part[:, None], limits - shares)
        shares = shares + added
        rest = rest - added.sum(axis=1)
    return shares


def avoidable_import_wh(grid_w: Floats, power_w: Floats, soc: Floats, facts: Sequence[BatteryFacts]) -> float:
    """Energy imported while some battery is not empty (SoC > 2 %) and more than 5 W below its discharge limit, Wh."""
    limits = np.array([fact.max_discharge_w for fact in facts])
    spare = ((soc > EMPTY_SOC) & (power_w < limits - LIMIT_MARGIN_W)).any(axis=1)
    return float(np.maximum(grid_w, 0.0)[spare].sum()) * RASTER_S / _SECONDS_PER_HOUR


def avoidable_export_wh(grid_w: Floats, power_w: Floats, soc: Floats, facts: Sequence[BatteryFacts]) -> float:
    """Energy exported while some battery that charges from AC is not full (SoC < 98 %) and more than 5 W short of its
    charge limit, Wh.
    """
    limits = np.array([fact.max_charge_w for fact in facts])
    spare = ((limits > 0) & (soc < FULL_SOC) & (power_w > -limits + LIMIT_MARGIN_W)).any(axis=1)
    return float(np.maximum(-grid_w, 0.0)[spare].sum()) * RASTER_S / _SECONDS_PER_HOUR


def bill_ct(grid_w: Floats) -> float:
    """30 ct per imported kWh minus 8 ct per exported kWh, ct. Regret is this minus the oracle's, at least 0."""
    imported, exported = _energies_wh(grid_w)
    return (imported * IMPORT_CT_PER_KWH - exported * EXPORT_CT_PER_KWH) / 1000.0


def battery_travel_w_per_h(power_w: Floats) -> float:
    """How far the outputs moved up and down: sum |change of P| over batteries and seconds, W per hour."""
    return float(np.abs(np.diff(power_w, axis=0)).sum()) * _per_hour(len(power_w))


def oracle_grid(demand_w: Floats, dc_w: Floats, facts: Sequence[BatteryFacts], first_soc: Floats) -> Floats:
    """Grid the oracle would leave, W (n). Without batteries it is the demand itself.

    Each second: output = demand, within [max(-charge limits, dc - room), min(discharge limits, dc + energy)] (room
    and energy as W over this second); the rest is grid. Ignores phases. A frozen battery (capacity 0) has no energy.
    """
    capacity_wh = sum(fact.capacity_wh for fact in facts)
    energy_wh = float(sum(soc * fact.capacity_wh for soc, fact in zip(first_soc, facts, strict=True)))
    charge_w = sum(fact.max_charge_w for fact in facts)
    discharge_w = sum(fact.max_discharge_w for fact in facts)
    hours = RASTER_S / _SECONDS_PER_HOUR
    grid = np.empty_like(demand_w)
    for row, (demand, dc) in enumerate(zip(demand_w.tolist(), dc_w.tolist(), strict=True)):
        high = min(discharge_w, dc + energy_wh / hours)
        low = max(-charge_w, dc - (capacity_wh - energy_wh) / hours)
        output = min(max(demand, low), max(high, low))
        energy_wh += (dc - output) * hours
        grid[row] = demand - output
    return grid


def _context(grid_w: Floats, oracle_w: Floats, soc: Floats) -> Context:
    imported, exported = _energies_wh(grid_w)
    return Context(
        import_wh=imported,
        export_wh=exported,
        bill_ct=bill_ct(grid_w),
        oracle_bill_ct=bill_ct(oracle_w),
        soc_min=float(soc.min()) if soc.size else None,
        soc_max=float(soc.max()) if soc.size else None,
        samples=len(grid_w),
    )


def _energies_wh(grid_w: Floats) -> tuple[float, float]:
    hours = RASTER_S / _SECONDS_PER_HOUR
    return float(np.maximum(grid_w, 0.0).sum()) * hours, float(np.maximum(-grid_w, 0.0).sum()) * hours


def _per_hour(rows: int) -> float:
    return _SECONDS_PER_HOUR / (rows * RASTER_S)
