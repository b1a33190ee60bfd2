"""What the page and `--json` show of homes that were simulated over the same time, and who simulates them.

Energies kWh; money in hundredths of the currency (ct); shares 0..1. What is not known is None.
"""

from typing import Protocol

from pydantic import BaseModel, Field


class HomeMonth(BaseModel):
    """A month of a home, or the part of it that was simulated."""

    month: str = Field(description="such as 2026-01")
    import_kwh: float
    export_kwh: float
    sun_kwh: float
    used_kwh: float
    total_ct: float | None = Field(default=None, description="everything less earnings")


class HomeResult(BaseModel):
    """A home after so many days."""

    name: str
    days: int
    import_kwh: float = Field(description="from the grid, counted as the tariff does (usually all phases together)")
    export_kwh: float
    sun_kwh: float = Field(description="taken from all panels")
    used_kwh: float = Field(description="by loads and base load")
    self_consumption: float | None = Field(description="part of the sun that did not go into the grid")
    self_sufficiency: float | None = Field(description="part of what was used that did not come from the grid")
    energy_ct: float | None = Field(default=None, description="for energy from the grid")
    earned_ct: float | None = Field(default=None, description="for energy into the grid")
    standing_ct: float | None = None
    demand_ct: float | None = Field(default=None, description="for the highest demand of each month")
    total_ct: float | None = Field(default=None, description="everything less earnings")
    peak_w: float | None = Field(default=None, description="highest 15-minute mean of import")
    stored_kwh: float | None = Field(default=None, description="more in all batteries than at the start")
    battery_kwh: float | None = Field(default=None, description="drawn from the cells of all batteries")
    battery_cycles: float | None = Field(default=None, description="the same in units of their capacity")
    leak_kwh: float = Field(description="what the books cannot explain")
    months: list[HomeMonth]
    notes: list[str] = Field(default=[], description="what was simplified; one line each")


class Comparison(BaseModel):
    """A comparison that runs or ran. homes: empty until it is done."""

    names: list[str]
    days: int
    running: bool
    done: float = Field(description="0..1")
    failed: str | None = Field(default=None, description="why there is no result; one line")
    homes: list[HomeResult] = []


class Comparing(Protocol):
    """Simulates homes in processes of its own, at most one comparison at a time."""

    def own(self) -> str:
        """The running house as a house file (YAML), as it was started."""

    def check(self, text: str, name: str) -> None:
        """Check a house file; ValueError: one line that begins with `name`."""

    def start(self, texts: list[str], names: list[str], days: int) -> None:
        """Begin; ValueError if one runs, or for what cannot be simulated."""

    def stop(self) -> None:
        """Forget the one that runs."""

    def state(self) -> Comparison | None:
        """The latest; None = there was none. Cheap."""
