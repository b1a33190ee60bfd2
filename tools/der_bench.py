"""Speed of a site of DER devices, and whether it stays: python tools/der_bench.py [steps of the long run]

Absolute figures belong to the machine they were taken on.
"""

import sys
import time

from nullwatt.home.der import DerSite, parse_site

NOISY = {
    "power": {"base_load_w": 8000},
    "grid_frequency": {"noise_std": 0.01, "drift_std": 0.001},
    "grid_voltage": {"noise_std": 0.5, "drift_std": 0.05},
}
ONE_BESS = {"assets": [{"type": "bess"}]}
FULL = {
    "start_time_h": 9.0,
    "external_models": NOISY,
    "assets": [{"type": kind} for kind in ("bess", "bess", "inverter", "chp", "energy_meter")],
}


def running(document: dict[str, object]) -> DerSite:
    """A site whose devices all do something."""
    site = DerSite(parse_site(document))
    for asset in site.assets.values():
        if asset.kind == "bess":
            asset.command("start_stop_standby", 1)
            asset.command("active_power_setpoint", 8)
        elif asset.kind == "chp":
            asset.command("start_stop", 1)
            asset.command("power_setpoint_percent", 60)
    return site


def steps_per_s(site: DerSite, steps: int) -> float:
    start_s = time.perf_counter()
    site.step(steps)
    return steps / (time.perf_counter() - start_s)


def telemetry_us(site: DerSite, rounds: int = 20_000) -> float:
    """Microseconds to read one value."""
    (asset, *_) = site.assets.values()
    start_s = time.perf_counter()
    for _ in range(rounds):
        asset.telemetry("active_power")
    return (time.perf_counter() - start_s) / rounds * 1e6


def main() -> None:
    steps = int(sys.argv[1]) if len(sys.argv) > 1 else 600_000
    print("one bess, 12,000 steps:   ", *(f"{steps_per_s(running(ONE_BESS), 12_000):9,.0f}/s" for _ in range(5)))
    print("full site, 12,000 steps:  ", *(f"{steps_per_s(running(FULL), 12_000):9,.0f}/s" for _ in range(5)))
    site = running(FULL)
    parts = [steps_per_s(site, steps // 10) for _ in range(10)]
    print(f"full site, {steps:,} steps in tenths:")
    print("  ", *(f"{part:9,.0f}/s" for part in parts))
    print(
        f"one value read: {telemetry_us(site):.2f} us; books: leak {site.ledger.leak_j / site.ledger.throughput_j:.1e}"
    )


if __name__ == "__main__":
    main()
