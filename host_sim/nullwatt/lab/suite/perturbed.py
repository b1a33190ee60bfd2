"""One thing at a time that is not as the controller assumes: the robustness suite."""

from dataclasses import replace
from typing import Any

from nullwatt.battery import ClientConfig
from nullwatt.home import MeterConfig

from ..batteries import BatterySpec
from ..scenario import Scenario
from .building import stepping, unit

#: Perturbed plants and firmwares: name -> (title, fields of BatteryConfig, fields of BatterySpec).
_BATTERIES: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "gain_low": ("gain 30 % lower", {}, {"gain": 0.7}),
    "gain_high": ("gain 30 % higher", {}, {"gain": 1.3}),
    "deadband": ("dead bands doubled", {}, {"deadband_w": 20.0}),
    "type_unknown": ("unknown device type", {"device_type": "XYZ-1"}, {}),
    "slew_100": ("slew 100 W/s", {"ramp_rate_w_s": 100.0}, {}),
    "slew_800": ("slew 800 W/s", {"ramp_rate_w_s": 800.0}, {}),
    "limits_800": ("limits 800 W", {"max_charge_w": 800.0, "max_discharge_w": 800.0}, {}),
    "no_startup": ("no start-up delay", {"startup_delay_s": 0.0}, {}),
    "startup_6": ("start-up 6 s", {"startup_delay_s": 6.0}, {}),
    "delay_1": ("commands act one poll later", {"command_delay_ticks": 1}, {}),
    "delay_2": ("commands act two polls later", {"command_delay_ticks": 2}, {}),
}
_CLIENTS: dict[str, tuple[str, ClientConfig]] = {
    "loss": ("5 % loss each way", ClientConfig(request_loss=0.05, reply_loss=0.05)),
    "duplicates": ("10 % duplicates", ClientConfig(duplicate=0.1)),
    "jitter": ("40 % poll jitter", ClientConfig(jitter_s=0.4)),
}
_METERS: dict[str, tuple[str, MeterConfig]] = {
    "latency_0_2": ("meter 0.2 s late", MeterConfig(latency_s=0.2)),
    "latency_2": ("meter 2 s late", MeterConfig(latency_s=2.0)),
    "latency_drift": ("meter latency drifting from 0.2 to 3 s", MeterConfig(latency_s=0.2, drift_s=2.8)),
    "meter_3": ("meter every 3 s", MeterConfig(refresh_s=3.0)),
    "meter_noise": ("meter noise of 50 W", MeterConfig(noise_w=50.0)),
}
_NOISE_W = 50.0
PERTURBED_LAWS = {"ramp": "ramp", "integrator": "integrator-2"}


def perturbed() -> tuple[Scenario, ...]:
    """Every perturbation, once per law."""
    found: list[Scenario] = []
    for short, law in PERTURBED_LAWS.items():
        for key, (title, config, spec) in _BATTERIES.items():
            found.append(_steps(f"{short}_{key}", f"{law} law, {title}", replace(unit(1, law, **config), **spec)))
        for key, (title, client) in _CLIENTS.items():
            found.append(_steps(f"{short}_{key}", f"{law} law, {title}", replace(unit(1, law), client=client)))
        for key, (title, meter) in _METERS.items():
            found.append(_steps(f"{short}_{key}", f"{law} law, {title}", unit(1, law), meter=meter))
        found.append(_steps(f"{short}_house_noise", f"{law} law, house noise of 50 W", unit(1, law), noise_w=_NOISE_W))
        wrong = "VNSD-0" if law == "ramp" else "HMN-1"
        found.append(
            _steps(f"{short}_type_wrong", f"{law} law, declared as {wrong}", unit(1, law, device_type=wrong, **_LIMITS))
        )
    return tuple(found)


# Given, or the wrong model would bring its own.
_LIMITS: dict[str, Any] = {"max_charge_w": 2500.0, "max_discharge_w": 2500.0}


def _steps(name: str, title: str, spec: BatterySpec, **house: Any) -> Scenario:
    return stepping(name, title, spec, **house)
