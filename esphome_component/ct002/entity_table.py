"""Every entity of the component, declared once: the schema, the generated code and the reference in the docs read it.

A row is called as in the YAML. The C++ that belongs to it has the same name: what a sensor shows, what a button does
(`readings`, `signals`, `texts`, `presses`), or, in capitals, the setting that a number, switch or select changes.
Standard library only, so that the docs can load this file by its path alone.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entity:
    """One row.

    Attributes:
        platform: ESPHome's platform: "sensor", "number", ...
        key: Key in the YAML.
        name: Name unless the user gives one.
        of_battery: It belongs to a battery, and the platform entry says to which; else to the meter.
        help: One line for people.
        unit: Unit of measurement.
        device_class: Home Assistant's.
        category: "diagnostic", "config" or "" = an everyday entity.
        decimals: Digits behind the point of a sensor.
        low, high: What a number may be set to at most, whatever its `min_value` and `max_value` say.
        slider_high: Default of `max_value`, if not `high`.
        step: Step of a number.
        default: What a number or switch is before anybody changes it, for the docs.
    """

    platform: str
    key: str
    name: str
    of_battery: bool
    help: str
    unit: str = ""
    device_class: str = ""
    category: str = ""
    decimals: int = 0
    low: float = 0.0
    high: float = 0.0
    slider_high: float | None = None
    step: float = 1.0
    default: str = ""


POWER = {"unit": "W", "device_class": "power"}
DIAGNOSTIC = {"category": "diagnostic"}
CONFIG = {"category": "config"}
MODES = ("Automatic", "Charge only", "Discharge only", "Manual", "Off")

ENTITIES = (
    # -- the meter
    Entity("sensor", "grid_power", "Grid power", False, "the meter's total, filtered, + = import", **POWER),
    Entity("sensor", "grid_power_l1", "Grid power L1", False, "phase 1, likewise L2 and L3", **POWER),
    Entity("sensor", "grid_power_l2", "Grid power L2", False, "phase 2", **POWER),
    Entity("sensor", "grid_power_l3", "Grid power L3", False, "phase 3", **POWER),
    Entity("sensor", "demand", "Demand", False, "what the house needs: grid plus the batteries' output", **POWER),
    Entity("sensor", "control_value", "Control value", False, "demand that no battery was told to cover yet", **POWER),
    Entity("sensor", "pool_power", "Battery power", False, "output of the steered batteries, + = discharge", **POWER),
    Entity("sensor", "batteries", "Batteries", False, "batteries that poll", **DIAGNOSTIC),
    Entity(
        "binary_sensor",
        "meter_available",
        "Meter available",
        False,
        "every phase has a value younger than `max_sensor_age`",
        device_class="connectivity",
        **DIAGNOSTIC,
    ),
    Entity(
        "text_sensor", "last_drop_reason", "Last drop reason", False, "why a poll got no answer lately", **DIAGNOSTIC
    ),
    Entity(
        "number",
        "grid_target",
        "Grid target",
        False,
        "grid power to hold, + = import",
        **POWER,
        **CONFIG,
        low=-10000.0,
        high=10000.0,
        default="`balancer: grid_target:`",
    ),
    Entity(
        "number",
        "peak_shaving_threshold",
        "Peak shaving threshold",
        False,
        "import that is left to the grid; 0 = off",
        **POWER,
        **CONFIG,
        high=100000.0,
        slider_high=10000.0,
        default="`balancer: peak_shaving_threshold:`",
    ),
    Entity(
        "number",
        "min_efficient_power",
        "Min efficient power",
        False,
        "power below which a battery is better parked; 0 = efficiency mode off",
        **POWER,
        **CONFIG,
        high=10000.0,
        slider_high=1000.0,
        default="`balancer: min_efficient_power:`",
    ),
    Entity(
        "switch",
        "active_control",
        "Active control",
        False,
        "steer the batteries; off = relay the measured values",
        **CONFIG,
        default="`active_control:`",
    ),
    Entity("button", "force_rotation", "Force rotation", False, "efficiency mode: the next battery's turn", **CONFIG),
    # -- a battery
    Entity("sensor", "power", "Power", True, "reported output, + = discharge", **POWER),
    Entity("sensor", "target", "Target", True, "output wanted from it", **POWER),
    Entity("sensor", "share", "Share", True, "its part of the steered batteries' output", unit="%"),
    Entity(
        "sensor",
        "saturation_charge",
        "Saturation charging",
        True,
        "0 = follows, 100 = nothing comes",
        unit="%",
        **DIAGNOSTIC,
    ),
    Entity(
        "sensor",
        "saturation_discharge",
        "Saturation discharging",
        True,
        "the same for discharging",
        unit="%",
        **DIAGNOSTIC,
    ),
    Entity(
        "sensor",
        "poll_interval",
        "Poll interval",
        True,
        "time between its questions",
        unit="s",
        device_class="duration",
        decimals=1,
        **DIAGNOSTIC,
    ),
    Entity(
        "binary_sensor",
        "online",
        "Online",
        True,
        "it polls",
        device_class="connectivity",
        **DIAGNOSTIC,
    ),
    Entity(
        "binary_sensor",
        "saturated",
        "Saturated",
        True,
        "it cannot deliver: on from a saturation of 40 %, off below 20 %",
        device_class="problem",
        **DIAGNOSTIC,
    ),
    Entity("text_sensor", "phase", "Phase", True, "A, B, C; D = combined, 0 = inspecting", **DIAGNOSTIC),
    Entity("text_sensor", "model", "Model", True, "its device type, such as VNSE3-0", **DIAGNOSTIC),
    Entity("text_sensor", "mac", "MAC", True, "who has the place", **DIAGNOSTIC),
    Entity("text_sensor", "address", "Address", True, "its IP address", **DIAGNOSTIC),
    Entity(
        "select",
        "mode",
        "Mode",
        True,
        f"{', '.join(MODES)}; `Manual` follows `manual_target`, `Off` is held at 0 W",
        default="`Automatic`",
    ),
    Entity("switch", "active", "Active", True, "off = held at 0 W", default="on"),
    Entity("switch", "automatic", "Automatic", True, "off = follows `manual_target`", **CONFIG, default="on"),
    Entity(
        "number",
        "manual_target",
        "Manual target",
        True,
        "output to hold while not automatic, + = discharge",
        **POWER,
        **CONFIG,
        low=-10000.0,
        high=10000.0,
        slider_high=2500.0,
        default="0",
    ),
    Entity(
        "number", "weight", "Weight", True, "share of the load; 0 = none", **CONFIG, high=10.0, step=0.1, default="1"
    ),
    Entity(
        "number",
        "window_weight",
        "Window weight",
        True,
        "share of the active time in efficiency mode",
        unit="%",
        **CONFIG,
        high=100.0,
        step=5.0,
        default="100",
    ),
    Entity(
        "number",
        "min_dc_output",
        "Min DC output",
        True,
        "output that keeps a B2500 awake",
        **POWER,
        **CONFIG,
        high=1000.0,
        default="`balancer: min_dc_output:`",
    ),
    Entity(
        "number",
        "max_charge",
        "Max charge",
        True,
        "largest charging power; 0 = it must not",
        **POWER,
        **CONFIG,
        high=10000.0,
        slider_high=2500.0,
        default="no bound, shown as 2500 (as unknown, if `max_value` is smaller)",
    ),
    Entity(
        "number",
        "max_discharge",
        "Max discharge",
        True,
        "largest discharging power; 0 = it must not",
        **POWER,
        **CONFIG,
        high=10000.0,
        slider_high=2500.0,
        default="no bound, shown as 2500 (as unknown, if `max_value` is smaller)",
    ),
    Entity("number", "charge_order", "Charge order", True, "lower is charged first", **CONFIG, high=15.0, default="0"),
    Entity(
        "number",
        "discharge_order",
        "Discharge order",
        True,
        "lower is discharged first",
        **CONFIG,
        high=15.0,
        default="0",
    ),
    Entity("button", "forget", "Forget", True, "frees the place, and takes back what was set", category="config"),
)
