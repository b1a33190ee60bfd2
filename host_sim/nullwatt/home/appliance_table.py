"""The appliances: one row each, a behaviour and its usual numbers. A house file may change any of them.

Numbers are rounded label and measured values of common household appliances; only shape and size matter here.
"""

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union

from pydantic import Field, TypeAdapter, create_model

from .appliances import Appliance, Charger, Cycle, Duty, HeatPump, Program, Replay, Steady, Thermostat, Timed

# kind -> (title, behaviour, its numbers)
TABLE: dict[str, tuple[str, type[Appliance], dict[str, Any]]] = {
    "kettle": ("boils a litre and switches itself off", Timed, {"power": 2000, "duration_s": 180, "spread": 0.3}),
    "microwave": ("heats a meal", Timed, {"power": 1250, "duration_s": 150, "spread": 0.5}),
    "toaster": ("two slices", Timed, {"power": 900, "duration_s": 150, "spread": 0.2}),
    "hair_dryer": ("dries hair", Timed, {"power": 1800, "duration_s": 360, "spread": 0.5}),
    "oven": (
        "heats up, then its thermostat switches",
        Thermostat,
        {"power": 2400, "idle_power": 60, "target_c": 180, "rise_k": 600, "cooling_s": 2000, "spread": 0.1},
    ),
    "fridge": (
        "compressor cycle",
        Cycle,
        {"power": 90, "on_s": 900, "off_s": 1800, "start_power": 600, "start_s": 1, "spread": 0.2},
    ),
    "freezer": (
        "compressor cycle",
        Cycle,
        {"power": 110, "on_s": 1200, "off_s": 1500, "start_power": 700, "start_s": 1, "spread": 0.2},
    ),
    "washing_machine": (
        "heats, turns its drum, spins; about 105 min",
        Program,
        {
            "steps": [
                {"power": 50, "duration_s": 180},
                {"power": 2050, "duration_s": 900},
                {"power": 180, "rest_power": 10, "duration_s": 2700, "on_s": 12, "off_s": 5},
                {"power": 150, "rest_power": 30, "duration_s": 1500, "on_s": 20, "off_s": 15},
                {"power": 450, "duration_s": 600},
                {"power": 90, "rest_power": 5, "duration_s": 420, "on_s": 6, "off_s": 14},
            ],
            "spread": 0.1,
        },
    ),
    "dishwasher": (
        "washes, heats twice; about 115 min",
        Program,
        {
            "steps": [
                {"power": 60, "duration_s": 600},
                {"power": 2000, "duration_s": 960},
                {"power": 70, "duration_s": 2100},
                {"power": 40, "duration_s": 600},
                {"power": 2000, "duration_s": 840},
                {"power": 8, "duration_s": 1800},
            ],
            "spread": 0.1,
        },
    ),
    "tumble_dryer": (
        "heat pump dryer; its drum turns back and forth; about 90 min",
        Program,
        {
            "steps": [
                {"power": 350, "duration_s": 600},
                {"power": 600, "rest_power": 420, "duration_s": 4200, "on_s": 50, "off_s": 5},
                {"power": 150, "duration_s": 600},
            ],
            "spread": 0.15,
        },
    ),
    "induction_hob": (
        "one cooking zone; level 1 to 9, low ones in bursts",
        Duty,
        {
            "power": 1800,
            "level": 6,
            "duty": [0.05, 0.1, 0.16, 0.23, 0.32, 0.44, 0.6, 0.8, 1.0],
            "period_s": 8,
        },
    ),
    "heat_pump": (
        "follows the heat loss of the house; cycles on mild days",
        HeatPump,
        {
            "power": 3000,
            "min_power": 700,
            "idle_power": 15,
            "min_on_s": 600,
            "min_off_s": 600,
            "loss_w_k": 180,
            "cop": 3.5,
            "buffer_wh": 3000,
            "spread": 0.1,
        },
    ),
    "ev_charger": (
        "wallbox with a car; limit_w can be set while it charges",
        Charger,
        {
            "power": 11000,
            "min_power": 4140,
            "energy_wh": 20000,
            "ramp_w_s": 500,
            "delay_s": 5,
            "taper_from": 0.9,
            "spread": 0.3,
        },
    ),
    "television": ("brightness wanders with the picture", Steady, {"power": 110, "spread": 0.2, "interval_s": 5}),
    "lights": ("constant", Steady, {"power": 60}),
    "base_load": ("router, standby, pumps", Steady, {"power": 150, "spread": 0.15}),
    "replay": ("plays a column of a CSV file", Replay, {}),
}


@cache
def _checker(behaviour: type[Appliance], key: str) -> Callable[[object], object]:
    return TypeAdapter(behaviour.model_fields[key].rebuild_annotation()).validate_python


def _model(kind: str) -> type[Appliance]:
    """The behaviour with the numbers of the row as defaults."""
    title, behaviour, numbers = TABLE[kind]
    name = "".join(word.capitalize() for word in kind.split("_")) + "Appliance"
    fields: dict[str, Any] = {"kind": (Literal[kind], ...)}
    for key, value in numbers.items():
        fields[key] = (behaviour.model_fields[key].rebuild_annotation(), _checker(behaviour, key)(value))
    return create_model(name, __base__=behaviour, __module__=__name__, __doc__=f"{title}.", **fields)


APPLIANCES: dict[str, type[Appliance]] = {kind: _model(kind) for kind in TABLE}
# Pickling, to run houses in other processes, finds a class by its name in its module.
globals().update({model.__name__: model for model in APPLIANCES.values()})

#: An entry of `powermeter.appliances`: `kind` says which row.
if TYPE_CHECKING:
    AnyAppliance = Appliance
else:
    AnyAppliance = Annotated[Union[tuple(APPLIANCES.values())], Field(discriminator="kind")]  # noqa: UP007
