"""What comes to a site from outside: load, sun, air, and the grid with its noise, drift and events."""

import math
from random import Random
from typing import Literal, NamedTuple

from ..device import Surroundings
from .config import AmbientConfig, ExternalModelsConfig, IrradianceConfig

_BASE_LOAD_W = 5000.0


class GridEvent(NamedTuple):
    """Something that happens to the grid: from start_time on (s after the start), for duration s.

    delta: Hz for the frequency, a share of the nominal value for the voltage. shape: "step" is there at once, "ramp"
    grows linearly and has reached delta at its end.
    """

    start_time: float
    duration: float
    delta: float
    shape: Literal["step", "ramp"] = "step"

    def at(self, time_s: float) -> float:
        """What it adds at that time; 0 outside."""
        since_s = time_s - self.start_time
        if not 0.0 <= since_s < self.duration:  # so never divides by a duration of 0
            return 0.0
        return self.delta if self.shape == "step" else self.delta * since_s / self.duration


class GridSignal:
    """Frequency or voltage of the grid: nominal + drift + noise + events, clamped.

        drift = (drift + N(0, drift_std * sqrt(dt))) * exp(-dt / drift_tau)
        noise += (N(0, noise_std) - noise) * (1 - exp(-dt / noise_tau))

    value: at the last advance. unit_delta: what a delta of 1 is.
    """

    __slots__ = (
        "_drift",
        "_drift_keep",
        "_drift_std",
        "_drift_step",
        "_drift_tau_s",
        "_dt_s",
        "_high",
        "_low",
        "_noise",
        "_noise_gain",
        "_noise_std",
        "_noise_tau_s",
        "_random",
        "events",
        "nominal",
        "unit_delta",
        "value",
    )

    def __init__(
        self,
        nominal: float,
        clamp: tuple[float, float],
        noise: tuple[float, float],
        drift: tuple[float, float],
        seed: str,
        unit_delta: float,
    ) -> None:
        """noise, drift: standard deviation, time constant in s."""
        self.nominal = self.value = nominal
        self._low, self._high = clamp
        self._noise_std, self._noise_tau_s = noise
        self._drift_std, self._drift_tau_s = drift
        self._drift = self._noise = 0.0
        self._dt_s = self._drift_step = self._drift_keep = self._noise_gain = 0.0
        self._random = Random(seed)
        self.events: list[GridEvent] = []
        self.unit_delta = unit_delta

    def add(self, event: GridEvent) -> None:
        """Let something happen; events that are over drop out by themselves. ValueError (one line) if it cannot be."""
        numbers = (event.start_time, event.duration, event.delta)
        if not all(math.isfinite(number) for number in numbers) or event.start_time < 0.0 or event.duration < 0.0:
            raise ValueError("an event needs a start_time and a duration of 0 or more, and a finite delta")
        if event.shape not in ("step", "ramp"):
            raise ValueError(f"shape = {event.shape!r}: must be step or ramp")
        self.events.append(event)

    def advance(self, time_s: float, dt_s: float) -> float:
        """The value for the step of dt_s that begins at time_s."""
        if dt_s != self._dt_s:
            self._dt_s = dt_s
            self._drift_step = self._drift_std * math.sqrt(dt_s)
            self._drift_keep = math.exp(-dt_s / self._drift_tau_s)
            self._noise_gain = 1.0 - math.exp(-dt_s / self._noise_tau_s)
        value = self.nominal
        if self._drift_step:
            self._drift = (self._drift + self._random.gauss(0.0, self._drift_step)) * self._drift_keep
            value += self._drift
        if self._noise_std:
            self._noise += (self._random.gauss(0.0, self._noise_std) - self._noise) * self._noise_gain
            value += self._noise
        if self.events:
            value += self._happening(time_s) * self.unit_delta
        if value < self._low:
            value = self._low
        elif value > self._high:
            value = self._high
        self.value = value
        return value

    def _happening(self, time_s: float) -> float:
        self.events = [event for event in self.events if time_s < event.start_time + event.duration]
        return sum(event.at(time_s) for event in self.events)


def irradiance_w_m2(sun: IrradianceConfig, hour: float) -> float:
    """Half-sine over the day, 0 outside of daylight; hour: any, 24 h periodic."""
    hour %= 24.0
    if not sun.sunrise < hour < sun.sunset:
        return 0.0
    return sun.peak * math.sin(math.pi * (hour - sun.sunrise) / (sun.sunset - sun.sunrise))


def ambient_c(air: AmbientConfig, hour: float) -> float:
    """A cosine over the day."""
    return air.mean + air.amplitude * math.cos(math.pi / 12.0 * (hour - air.peak_hour))


class ExternalModels:
    """All models of a site. base_load_w: may be set at any time. sun_w_m2, air_c: in place of what the models say of
    irradiance and ambient temperature; None = the models.
    """

    __slots__ = ("_config", "_start_h", "air_c", "base_load_w", "enabled", "frequency", "sun_w_m2", "voltage")

    def __init__(self, config: ExternalModelsConfig, start_h: float, seed: int) -> None:
        """start_h: hour of the day at time 0. seed: for what has no seed of its own."""
        self._config = config
        self._start_h = start_h
        self.sun_w_m2: float | None = None
        self.air_c: float | None = None
        self.enabled = config.enabled
        base_w = config.power.base_load_w
        self.base_load_w = _BASE_LOAD_W if base_w is None else base_w
        f, v = config.grid_frequency, config.grid_voltage
        self.frequency = GridSignal(
            f.nominal_hz, (45.0, 55.0), (f.noise_std, 5.0), (f.drift_std, 300.0), _seed("frequency", f.seed, seed), 1.0
        )
        volts = v.nominal_v
        self.voltage = GridSignal(
            volts, (300.0, 480.0), (v.noise_std, 10.0), (v.drift_std, 600.0), _seed("voltage", v.seed, seed), volts
        )
        for signal, events in ((self.frequency, f.events), (self.voltage, v.events)):
            for event in events:
                signal.add(GridEvent(event.start_time, event.duration, event.delta, event.shape))

    def advance(self, around: Surroundings, time_s: float, dt_s: float) -> None:
        """Write the values for the step that begins at time_s into the surroundings, in the order of the site."""
        around.frequency_hz = self.frequency.advance(time_s, dt_s)
        around.voltage_ll_v = self.voltage.advance(time_s, dt_s)
        self.advance_air(around, time_s)

    def advance_air(self, around: Surroundings, time_s: float) -> None:
        """Ambient temperature and irradiance at time_s."""
        if self.enabled:
            hour = self._start_h + time_s / 3600.0
            around.ambient_c = ambient_c(self._config.ambient_temperature, hour)
            around.irradiance_w_m2 = irradiance_w_m2(self._config.irradiance, hour)
        if self.sun_w_m2 is not None:
            around.irradiance_w_m2 = self.sun_w_m2
        if self.air_c is not None:
            around.ambient_c = self.air_c


def _seed(stream: str, own: int | None, of_site: int) -> str:
    return f"{stream}.{of_site if own is None else own}"
