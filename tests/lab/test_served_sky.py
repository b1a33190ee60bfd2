"""A served house with panels and a hybrid inverter shows them, takes their settings, and counts only loads as drawn."""

import pytest

pytest.importorskip("pvlib", reason="pvlib is not installed")

from nullwatt.core import Config, Emulator
from nullwatt.home import parse_house
from nullwatt.lab import ServedSite, Site, specs_of

FILE = parse_house(
    {
        "batteries": [{"mac": "02B250000001", "phase": "A"}],
        "powermeter": {"base_load": [300, 200, 100], "base_noise": 0},
        "weather": {"latitude": 52.5, "longitude": 13.4, "start": "2026-06-21T10:00"},
        "pv": [{"name": "garage", "phase": "A", "strings": [{"peak_w": 700}]}],
        "hybrid": [{"name": "cellar", "mppts": [{"strings": [{"peak_w": 6000}]}], "battery": {"capacity_wh": 0}}],
    }
)


def test_devices_under_the_sky_are_served() -> None:
    site = Site(FILE.house_config(), specs_of(FILE), emulator=Emulator(Config()), address=("127.0.0.1", 0))
    try:
        served = ServedSite(site, lambda: None)
        site.house.advance_to(60.0)
        shown = {device.name: device for device in served.devices()}
        assert shown["house: weather"].telemetry["ghi_w_m2"] > 500
        assert shown["garage"].telemetry["power_w"] > 300 and shown["cellar"].telemetry["power_w"] > 2000
        assert served.state().house_w == pytest.approx(600, abs=0.2)
        assert served.state().time.hour == pytest.approx(10 + 60 / 3600, abs=0.01)
        served.command("cellar", "zero_export", True)
        with pytest.raises(ValueError, match=r"^cellar: feed_in_limit_percent = 200: must be within 0 and 100 %$"):
            served.command("cellar", "feed_in_limit_percent", 200)
        site.house.advance_to(90.0)
        assert served.state().grid.total == pytest.approx(0, abs=1)
    finally:
        site.close()
