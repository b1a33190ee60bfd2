"""What is allowed but hardly meant: each finding is one line for the user."""

from collections.abc import Callable, Iterator
from typing import Any

from esphome.types import ConfigType

from .option_schema import OPTIONS, as_number, chosen

Values = dict[str, Any]


def advice(config: ConfigType) -> Iterator[str]:
    """Everything worth a warning in a validated `ct002:` block."""
    written = {option.key: as_number(option, value) for option, value in chosen(config)}
    values: Values = {option.key: option.default for option in OPTIONS} | written
    stages = config.get("filters", {})
    for stage, check in FILTER_CHECKS.items():
        if stage in stages:
            yield from check(values)
    yield from balancer_advice(values)
    needless = [
        ".".join(option.path)
        for option in OPTIONS
        if option.needless and option.key in written and written[option.key] != option.default
    ]
    if needless:
        yield (
            f"{', '.join(needless)}: accepted, but without effect; tuning of another control law that nullwatt does "
            "not need. You can remove what you find here"
        )


def smoothing_advice(values: Values) -> Iterator[str]:
    if values["smoothing_alpha"] == 0.0:
        yield "filters.smoothing.alpha 0 freezes the total at the first value of the meter; 1 lets everything pass"


def pid_advice(values: Values) -> Iterator[str]:
    if values["active_control"]:
        yield (
            "filters.pid together with active_control: true puts two controllers in series, which work against each "
            "other; remove filters.pid, or set active_control: false"
        )
    if values["pid_output_max"] == 0.0:
        yield "filters.pid.output_max 0 holds the output of the PID at 0"
    if values["pid_mode"] == "replace" and not any(values[gain] for gain in ("pid_kp", "pid_ki", "pid_kd")):
        yield "filters.pid.mode replace with kp, ki and kd 0 always sends 0 to the batteries"


FILTER_CHECKS: dict[str, Callable[[Values], Iterator[str]]] = {"smoothing": smoothing_advice, "pid": pid_advice}


def balancer_advice(values: Values) -> Iterator[str]:
    if values["pace_max_step"] < values["pace_base_step"]:
        yield (
            f"balancer.pace_max_step {values['pace_max_step']:g} is below pace_base_step "
            f"{values['pace_base_step']:g}; {values['pace_base_step']:g} is used for both"
        )
    if values["efficiency_rotation_interval"] < 1.0:
        yield "balancer.efficiency_rotation_interval below 1s acts as 1s"
    floor_w, least_w = values["min_dc_output"], values["saturation_min_target"]
    if values["saturation_enabled"] and 0.0 < floor_w < least_w:
        yield (
            f"balancer.min_dc_output {floor_w:g} lies below saturation.min_target {least_w:g}: a battery that is kept "
            "at its floor will not be noticed when it cannot deliver"
        )
