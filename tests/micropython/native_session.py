"""A session of 10,000 polls to replay: batteries that follow, a house that changes, and everything that goes wrong."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

from nullwatt.core import Config, Emulator, decode_frame, encode_frame

POLLS = 10_000
# The 32-bit millisecond counter wraps in the middle of the session.
START_MS = 2**32 - 1_200_000
OPTIONS = {"min_efficient_power": 80, "grid_target": 5, "max_sensor_age": 20}


@dataclass
class Battery:
    """Follows its readings, each type at its own pace and within its own limits."""

    kind: str
    mac: str
    phase: str
    pace: float
    limit_w: float
    power_w: float = 0.0
    next_ms: int = 0

    def request(self) -> bytes:
        return encode_frame([self.kind, self.mac, "HME-4", "5cce1b7a90d4", self.phase, str(round(self.power_w))])

    def hear(self, reply: bytes) -> None:
        total = float(decode_frame(reply)[7])
        self.power_w = max(-self.limit_w, min(self.limit_w, self.power_w + self.pace * total))


def batteries() -> list[Battery]:
    return [
        Battery("HMG-50", "60F1A2B3C401", "A", 0.6, 2500),
        Battery("VNSE3-0", "60F1A2B3C402", "B", 0.9, 2500),
        Battery("HMJ-1", "60F1A2B3C403", "C", 0.4, 800),
        Battery("HMA-2", "60F1A2B3C404", "0", 0.5, 800),
        Battery("VNSD-0", "60F1A2B3C405", "D", 0.8, 2200),
        Battery("WHO-1", "60f1a2b3c406", "A", 0.7, 1200),
    ]


def hostile(rng: random.Random, honest: bytes) -> bytes:
    damaged = bytearray(honest)
    how = rng.randrange(5)
    if how == 0:
        return rng.randbytes(rng.randrange(1, 300))
    if how == 1:
        damaged[rng.randrange(len(damaged))] ^= 1 << rng.randrange(8)
        return bytes(damaged)
    if how == 2:
        return honest[: rng.randrange(1, len(honest))]
    fields = ["HMG-50", f"60F1A2B3C4{rng.randrange(50):02}", "HME-4", "5cce1b7a90d4", "A", "0"]
    fields[rng.randrange(len(fields))] = rng.choice(["", "x" * 60, "-1e9", "99999999999", "ABC", "HME-3"])
    return encode_frame(fields)


def overrides(rng: random.Random) -> dict[str, float]:
    if rng.random() < 0.6:  # back to where everything is steered
        return {"active": True, "manual": False, "max_charge": -1, "max_discharge": -1}
    settings = {
        "active": rng.random() < 0.8,
        "manual": rng.random() < 0.2,
        "manual_target": rng.randrange(-800, 800),
        "weight": rng.choice([0.5, 1, 2.5]),
        "window_weight": rng.choice([0.25, 1]),
        "min_dc_output": rng.choice([-1, 30]),
        "max_charge": rng.choice([-1, 0, 600.5]),
        "max_discharge": rng.choice([-1, 0, 700]),
        "start_power": rng.choice([-1, 50]),
        "charge_order": rng.randrange(3),
        "discharge_order": rng.randrange(3),
    }
    return {name: settings[name] for name in rng.sample(list(settings), rng.randrange(1, 4))}


def session(seed: int = 1) -> Iterator[str]:
    """The steps, one line each. The loop is closed while they are made, with the core of this process."""
    rng = random.Random(seed)
    emulator = Emulator(Config(**OPTIONS))
    pool = batteries()
    yield "\t".join(["options", *(f"{key}={value}" for key, value in OPTIONS.items())])
    ms, next_grid_ms, lost_until_ms, polls = START_MS, START_MS, 0, 0
    house_w = [300.0, 100.0, -50.0]
    for battery in pool:
        battery.next_ms = ms + rng.randrange(1000)
    while polls < POLLS:
        battery = min(pool, key=lambda one: one.next_ms)
        ms = max(ms, battery.next_ms)
        at = ms / 1000.0
        if ms >= next_grid_ms:
            next_grid_ms = ms + rng.randrange(900, 1100)
            house_w = [w + rng.gauss(0, 20) if rng.random() > 0.03 else rng.uniform(-900, 2500) for w in house_w]
            if ms >= lost_until_ms:
                output_w = [sum(one.power_w for one in pool if one.phase == phase) for phase in "ABC"]
                rest_w = sum(one.power_w for one in pool if one.phase not in "ABC") / 3
                grid = [round(w - own - rest_w, 1) for w, own in zip(house_w, output_w, strict=True)]
                if rng.random() < 0.02:
                    grid = [float("nan"), *grid[1:]]
                if rng.random() < 0.1:
                    phase = rng.randrange(3)
                    emulator.update_grid_phase(phase, 3, grid[phase], at)
                    yield f"phase\t{ms}\t{phase}\t3\t{grid[phase]}"
                else:
                    emulator.update_grid(grid, at)
                    yield "\t".join(["grid", str(ms), *map(str, grid)])
            emulator.tick(at)
            yield f"tick\t{ms}"
        chance = rng.random()
        if chance < 0.002:
            lost_until_ms = ms + rng.randrange(60_000)
            emulator.invalidate_grid(at)
            yield f"lost\t{ms}"
        elif chance < 0.003:
            emulator.unassign_grid()
            yield "unassign"
        elif chance < 0.013:
            given = overrides(rng)
            mac = battery.mac.lower()
            emulator.set_override(mac, **given)
            yield "\t".join(["override", mac, *(f"{name}={value}" for name, value in given.items())])
        elif chance < 0.015:
            target = rng.randrange(-50, 50)
            emulator.tune(grid_target=target)
            yield f"tune\tgrid_target={target}"
        elif chance < 0.017:
            emulator.force_rotation()
            yield "rotate"
        elif chance < 0.018:
            active = rng.random() < 0.9
            emulator.set_active_control(active)
            yield f"active\t{active}"
        datagram = battery.request()
        source = f"192.0.2.{20 + pool.index(battery)}:22222"
        if rng.random() < 0.05:
            datagram, source = hostile(rng, datagram), f"198.51.100.{rng.randrange(30)}:{rng.randrange(65536)}"
        reply = emulator.handle(datagram, source, at)
        polls += 1
        yield f"poll\t{ms}\t{source}\t{datagram.hex()}"
        if reply is not None and not source.startswith("198"):
            battery.hear(reply)
        battery.next_ms = ms + rng.randrange(700, 1300) + (rng.randrange(20_000) if rng.random() < 0.01 else 0)
        if polls % 500 == 0:
            yield "look"
