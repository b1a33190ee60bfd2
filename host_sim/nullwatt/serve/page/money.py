"""What electricity costs: today, and a bar for each of the last days."""

from datetime import date

from ..state import DayMoney, MoneyState, State
from .live import Value, there
from .tags import tag
from .words import money, number

_DAYS = 14
_FACTS = {
    "price": "Price now",
    "energy": "From the grid today",
    "earned": "Into the grid today",
    "standing": "Standing charge",
    "demand": "Highest demand this month",
    "total": "Since the start",
}


class Money:
    """The card of one browser."""

    def __init__(self) -> None:
        with tag("div", "card money", live="money", test="money"):
            with tag("div", "card-head"):
                tag("h2", "", "What it costs")
                tag("span", "quiet", "in the currency of the tariff")
            with tag("div", "money-parts"):
                with tag("div"):
                    tag("p", "eyebrow", "Today")
                    tag("p", "money-number", live="money-today", test="money-today")
                    with tag("dl", "facts money-facts"):
                        for name, label in _FACTS.items():
                            with tag("div", live=f"money-row:{name}"):
                                tag("dt", "", label)
                                tag("dd", live=f"money:{name}", test=f"money-{name}")
                with tag("div", "days", role="list", aria_label="Cost per day"):
                    for place in range(_DAYS):
                        with tag("div", "day", role="listitem", live=f"day:{place}", test=f"day-{place}"):
                            tag("span", "day-value", live=f"day-value:{place}")
                            with tag("div", "day-room"):
                                tag("i", "day-bar")
                            tag("span", "day-name", live=f"day-name:{place}")

    def values(self, state: State) -> dict[str, Value]:
        """What it shows."""
        books = state.money
        shown: dict[str, Value] = {"money": there(books is not None)}
        if books is None:
            return shown
        shown["money-today"] = money(books.today.total_ct)
        return shown | _facts(books) | _bars(books.days[-_DAYS:])


def _facts(books: MoneyState) -> dict[str, Value]:
    today = books.today
    shown: dict[str, Value] = {
        "money:price": f"{number(books.price_ct_kwh, 1)} ct/kWh",
        "money:energy": f"{money(today.energy_ct)} for {number(today.import_kwh, 2)} kWh",
        "money:earned": f"{money(today.earned_ct)} for {number(today.export_kwh, 2)} kWh",
        "money:standing": money(today.standing_ct),
        "money:demand": f"{money(books.month_demand_ct)} for {number(books.month_peak_w / 1000.0, 2)} kW",
        "money:total": money(books.total_ct),
    }
    return shown | {
        "money-row:standing": there(today.standing_ct != 0),
        "money-row:demand": there(books.month_demand_ct > 0),
    }


def _bars(days: list[DayMoney]) -> dict[str, Value]:
    """Bars up for what was paid and down for what was earned, on one scale."""
    most = max((day.total_ct for day in days), default=0.0)
    least = min((day.total_ct for day in days), default=0.0)
    top, span = max(most, 0.0), (max(most, 0.0) - min(least, 0.0)) or 1.0
    shown: dict[str, Value] = {}
    for place in range(_DAYS):
        if place >= len(days):
            shown[f"day:{place}"] = there(False)
            continue
        day = days[place]
        begin, height = (top - max(day.total_ct, 0.0)) / span, abs(day.total_ct) / span
        words = f"{day.date}: {money(day.total_ct)}"
        shown[f"day:{place}"] = {
            "a": {
                "hidden": None,
                "aria-label": words,
                "title": words,
                "data-word": "earned" if day.total_ct < 0 else None,
            },
            "s": {"--top": f"{begin * 100:.1f}%", "--high": f"{height * 100:.1f}%"},
        }
        shown[f"day-value:{place}"] = money(day.total_ct)
        when = date.fromisoformat(day.date)
        shown[f"day-name:{place}"] = f"{when.day}.{when.month}." if place == 0 or when.day == 1 else f"{when.day}."
    return shown
