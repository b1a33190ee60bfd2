"""The present moment for Prometheus, and the dashboard for Grafana that shows it: both read one table.

Names begin with `nullwatt_` and end with their unit; money is in hundredths of the currency. What is not known has no
value.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .sides import sides, split_hybrid
from .state import ControllerState, MoneyState, State

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric as Family

type Sample = tuple[tuple[str, ...], float]
"""Values of the labels, and the value."""


@dataclass(frozen=True)
class Metric:
    """Something that is measured. labels: their names. counter: it only rises. panel: where the dashboard shows it."""

    name: str
    text: str
    panel: str
    labels: tuple[str, ...] = ()
    counter: bool = False

    @property
    def exported(self) -> str:
        """Its name in the text and in expressions."""
        return f"nullwatt_{self.name}{'_total' if self.counter else ''}"


@dataclass(frozen=True)
class Panel:
    """A panel of the dashboard. unit: as Grafana calls it."""

    title: str
    unit: str
    kind: str = "timeseries"
    width: int = 12


PANELS = {
    "now": Panel("Grid now", "watt", "stat", 6),
    "link": Panel("Board and mains", "bool_on_off", "stat", 6),
    "today": Panel("Cost today (hundredths)", "none", "stat", 6),
    "soc_now": Panel("Batteries", "percentunit", "gauge", 6),
    "grid": Panel("Grid", "watt"),
    "house": Panel("House and sun", "watt"),
    "batteries": Panel("Batteries and their targets", "watt"),
    "soc": Panel("State of charge", "percentunit"),
    "plants": Panel("Plants and hybrid inverters", "watt"),
    "voltage": Panel("Mains voltage", "volt"),
    "frequency": Panel("Mains frequency", "hertz"),
    "money": Panel("Cost (hundredths)", "none"),
    "price": Panel("Price of import (hundredths per kWh)", "none"),
    "energy": Panel("Energy: bought, sold, of the plants", "kwatth"),
    "controller": Panel("Controller", "watt"),
    "replies": Panel("Replies of the controller", "ops"),
    "loads": Panel("Loads", "bool_on_off", "state-timeline"),
    "time": Panel("Simulated time", "s"),
}

_BATTERY, _PLANT = ("mac", "phase"), ("name", "phase")
METRICS = (
    Metric("board_connected", "1 = the board is connected", "link"),
    Metric("grid_power_watts", "Grid power, + = import", "grid", ("phase",)),
    Metric("mains_on", "1 = the mains are there", "link"),
    Metric("mains_voltage_volts", "Voltage of the mains between phases", "voltage"),
    Metric("mains_frequency_hertz", "Frequency of the mains", "frequency"),
    Metric("solar_power_watts", "Power of the sun's inverter, without plants and hybrids", "house"),
    Metric("sun_power_watts", "All that the sun gives on the AC side", "house"),
    Metric("house_power_watts", "What the house uses", "house"),
    Metric("simulated_seconds", "Simulated time since the start", "time"),
    Metric("battery_power_watts", "Output of a battery, + = discharge", "batteries", _BATTERY),
    Metric("battery_target_watts", "Output that a battery was last asked for", "batteries", _BATTERY),
    Metric("battery_soc_ratio", "State of charge, 0..1", "soc", _BATTERY),
    Metric("plant_power_watts", "AC power of panels with an inverter of their own", "plants", _PLANT),
    Metric("plant_energy_kwh", "AC energy of a plant since the start", "energy", _PLANT, counter=True),
    Metric("hybrid_power_watts", "AC power of a hybrid inverter, + = into the house", "plants", _PLANT),
    Metric("hybrid_sun_watts", "Part of that from its panels", "plants", _PLANT),
    Metric("hybrid_battery_watts", "Part of that from its battery, + = discharge", "plants", _PLANT),
    Metric("hybrid_soc_ratio", "State of charge of a hybrid's battery, 0..1", "soc", _PLANT),
    Metric("hybrid_islanded", "1 = it keeps its phases alive without mains", "link", _PLANT),
    Metric("import_kwh", "Energy from the grid as it is billed", "energy", counter=True),
    Metric("export_kwh", "Energy into the grid as it is billed", "energy", counter=True),
    Metric("price_cents_per_kwh", "Price of import now", "price"),
    Metric("cost_today_cents", "Energy and standing charge of today less earnings", "today"),
    Metric("cost_month_demand_cents", "For the highest demand of this month", "money"),
    Metric("cost_energy_cents", "For energy from the grid since the start", "money"),
    Metric("earned_cents", "For energy into the grid since the start", "money"),
    Metric("cost_cents", "Since the start, everything less earnings", "money"),
    Metric("month_peak_watts", "Highest 15-minute mean of import of this month", "grid"),
    Metric("controller_demand_watts", "What the house needs from the batteries", "controller"),
    Metric("controller_missing_watts", "Part of that which they do not give", "controller"),
    Metric("controller_output_watts", "What the batteries in the pool give", "controller"),
    Metric("controller_replies", "Polls that were answered", "replies", counter=True),
    Metric("controller_drops", "Datagrams that got no answer", "replies", counter=True),
    Metric("load_active", "1 = switched on", "loads", _PLANT),
)


def render_metrics(state: State) -> str:
    """The present moment in the text format of Prometheus."""
    from prometheus_client import CollectorRegistry, generate_latest  # only who is asked needs it

    registry = CollectorRegistry()
    registry.register(_Collector(state))
    return generate_latest(registry).decode()


class _Collector:
    def __init__(self, state: State) -> None:
        self._samples = dict(_samples(state))

    def collect(self) -> "Iterator[Family]":
        """Every metric that has a value."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        for metric in METRICS:
            samples = list(self._samples.get(metric.name, ()))
            if samples:
                family = CounterMetricFamily if metric.counter else GaugeMetricFamily
                told = family(f"nullwatt_{metric.name}", metric.text, labels=metric.labels)
                for labels, value in samples:
                    told.add_metric(labels, value)
                yield told


def _samples(state: State) -> Iterator[tuple[str, Iterable[Sample]]]:
    def one(value: float | None) -> list[Sample]:
        return [] if value is None else [((), value)]

    if state.link is not None:
        yield "board_connected", one(state.link.connected)
    if state.grid is not None:
        phases = {"A": state.grid.phase_a, "B": state.grid.phase_b, "C": state.grid.phase_c}
        known = {phase: power for phase, power in phases.items() if power is not None}
        # Never beside its parts: who sums up would count it twice.
        shown = known if len(known) == len(phases) else {"total": state.grid.total}
        yield "grid_power_watts", [((phase,), power) for phase, power in shown.items()]
    if state.mains is not None:
        yield "mains_on", one(state.mains.on)
        yield "mains_voltage_volts", one(state.mains.voltage)
        yield "mains_frequency_hertz", one(state.mains.frequency)
    if state.solar is not None:
        yield "solar_power_watts", one(state.solar.current)
    if (all_sides := sides(state)) is not None:
        yield "sun_power_watts", one(all_sides.sun_w)
        yield "house_power_watts", one(all_sides.house_w)
    if state.time is not None:
        yield "simulated_seconds", one(state.time.now_s)
    if state.loads is not None:
        yield "load_active", [((load.name, load.phase), load.active) for load in state.loads]
    yield from _storage(state)
    if state.money is not None:
        yield from ((name, one(value)) for name, value in _money(state.money).items())
    if state.controller is not None:
        yield from ((name, one(value)) for name, value in _controller(state.controller).items())


def _storage(state: State) -> Iterator[tuple[str, Iterable[Sample]]]:
    wanted = {one.mac: one.target for one in state.controller.batteries} if state.controller is not None else {}
    batteries = [((battery.mac, battery.phase), battery) for battery in state.batteries]
    yield "battery_power_watts", [(labels, battery.power) for labels, battery in batteries]
    # What the battery itself follows, if that is known.
    targets = [(labels, wanted.get(b.mac) if b.target is None else b.target) for labels, b in batteries]
    yield "battery_target_watts", [(labels, target) for labels, target in targets if target is not None]
    yield "battery_soc_ratio", [(labels, battery.soc) for labels, battery in batteries if battery.soc is not None]
    plants = [((plant.name, plant.phase), plant) for plant in state.plants or []]
    yield "plant_power_watts", [(labels, plant.power) for labels, plant in plants]
    yield "plant_energy_kwh", [(labels, plant.energy_wh / 1000.0) for labels, plant in plants]
    hybrids = [((hybrid.name, hybrid.phase), hybrid, split_hybrid(hybrid)) for hybrid in state.hybrids or []]
    yield "hybrid_power_watts", [(labels, hybrid.power) for labels, hybrid, _ in hybrids]
    yield "hybrid_sun_watts", [(labels, sun_w) for labels, _, (sun_w, _) in hybrids]
    yield "hybrid_battery_watts", [(labels, battery_w) for labels, _, (_, battery_w) in hybrids]
    yield "hybrid_soc_ratio", [(labels, hybrid.soc) for labels, hybrid, _ in hybrids if hybrid.soc is not None]
    yield "hybrid_islanded", [(labels, hybrid.islanded) for labels, hybrid, _ in hybrids]


def _money(books: MoneyState) -> dict[str, float]:
    return {
        "import_kwh": books.import_kwh,
        "export_kwh": books.export_kwh,
        "price_cents_per_kwh": books.price_ct_kwh,
        "cost_today_cents": books.today.total_ct,
        "cost_month_demand_cents": books.month_demand_ct,
        "cost_energy_cents": books.energy_ct,
        "earned_cents": books.earned_ct,
        "cost_cents": books.total_ct,
        "month_peak_watts": books.month_peak_w,
    }


def _controller(state: ControllerState) -> dict[str, float | None]:
    return {
        "controller_demand_watts": state.demand,
        "controller_missing_watts": state.missing,
        "controller_output_watts": state.pool_output,
        "controller_replies": state.replies,
        "controller_drops": state.drops,
    }


def dashboard() -> dict[str, Any]:
    """The dashboard as Grafana imports it (schema version 39): one query per metric, the data source a variable."""
    source = {"type": "prometheus", "uid": "${datasource}"}
    panels, left, top, row_height = [], 0, 0, 8
    for number, (key, panel) in enumerate(PANELS.items(), 1):
        if left + panel.width > 24:
            left, top = 0, top + row_height
        panels.append(
            {
                "id": number,
                "type": panel.kind,
                "title": panel.title,
                "datasource": source,
                "gridPos": {"h": row_height, "w": panel.width, "x": left, "y": top},
                "fieldConfig": {"defaults": {"unit": panel.unit}, "overrides": []},
                "options": {},
                "targets": _targets(key, source),
            }
        )
        left += panel.width
    variable = {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus", "hide": 0}
    job = {
        "name": "instance",
        "label": "House",
        "type": "query",
        "datasource": source,
        "query": "label_values(nullwatt_grid_power_watts, instance)",
        "refresh": 2,
        "includeAll": True,
        "multi": True,
        "hide": 0,
    }
    return {
        "uid": "nullwatt",
        "title": "nullwatt",
        "tags": ["nullwatt"],
        "timezone": "browser",
        "schemaVersion": 39,
        "version": 1,
        "editable": True,
        "refresh": "5s",
        "time": {"from": "now-1h", "to": "now"},
        "templating": {"list": [variable, job]},
        "annotations": {"list": []},
        "panels": panels,
    }


#: What is shown of other panels' metrics, in one number: panel -> expressions with their legends.
_SUMS = {
    "now": [("sum by (instance) ({grid_power_watts})", "grid")],
    "soc_now": [("{battery_soc_ratio}", "{{mac}}"), ("{hybrid_soc_ratio}", "{{name}}")],
}
_HOUSE = '{instance=~"$instance"}'


def _targets(panel: str, source: dict[str, str]) -> list[dict[str, Any]]:
    if panel in _SUMS:
        expressions = []
        for text, legend in _SUMS[panel]:
            for metric in METRICS:
                text = text.replace(f"{{{metric.name}}}", metric.exported + _HOUSE)
            expressions.append((text, legend))
    else:
        shown = [metric for metric in METRICS if metric.panel == panel]
        expressions = [(_expression(metric), _legend(metric)) for metric in shown]
    return [
        {
            "refId": chr(ord("A") + place),
            "datasource": source,
            "expr": text,
            "legendFormat": legend,
            "editorMode": "code",
        }
        for place, (text, legend) in enumerate(expressions)
    ]


def _expression(metric: Metric) -> str:
    text = metric.exported + _HOUSE
    return f"rate({text}[1m])" if metric.panel == "replies" else text


def _legend(metric: Metric) -> str:
    words = metric.name.rpartition("_")[0].replace("_", " ") or metric.name
    return " ".join([words, *(f"{{{{{label}}}}}" for label in metric.labels)])
