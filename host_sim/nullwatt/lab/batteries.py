"""From a battery as described (in a scenario or a house file) to a battery that can run."""

from dataclasses import dataclass, field

from nullwatt.battery import Battery, BatteryConfig, ClientConfig, model_of
from nullwatt.home import BatterySection, ConfigError, HouseFile

#: Polls of several batteries never fall together at the start: 0.5 s, then one every 0.131 s.
FIRST_POLL_S = 0.5
POLL_STAGGER_S = 0.131


@dataclass(frozen=True, slots=True)
class BatterySpec:
    """One battery of a scenario: what it is, how it polls, and its weight among its peers.

    first_poll_s: None staggers by position. weight: intended share relative to the others, > 0.
    gain, deadband_w: how its law differs from what is known of it (see `PerturbedLaw`).
    """

    config: BatteryConfig
    client: ClientConfig = field(default_factory=ClientConfig)
    first_poll_s: float | None = None
    weight: float = 1.0
    gain: float = 1.0
    deadband_w: float = 0.0

    @property
    def poll_interval_s(self) -> float:
        """Time between two polls, s: the client's, else the battery's, else its model's."""
        own_s = self.client.poll_interval_s or self.config.poll_interval_s
        return own_s or model_of(self.config.device_type).poll_interval_s

    def first_poll(self, position: int) -> float:
        """When the battery at this position in the scenario polls first, s."""
        return FIRST_POLL_S + POLL_STAGGER_S * position if self.first_poll_s is None else self.first_poll_s


@dataclass(frozen=True, slots=True)
class BatteryFacts:
    """What the metrics know about a battery. Limits W >= 0 (charging: only what it can take from AC)."""

    max_charge_w: float
    max_discharge_w: float
    capacity_wh: float
    weight: float = 1.0

    @classmethod
    def of(cls, battery: Battery, weight: float = 1.0) -> "BatteryFacts":
        """The facts of a battery as it stands."""
        return cls(battery.max_charge_w, battery.max_discharge_w, battery.config.capacity_wh, weight)


# Field of BatteryConfig or ClientConfig -> key of the house file, where the names differ.
_FILE_KEYS = {
    "device_type": "meter_dev_type",
    "max_charge_w": "max_charge_power",
    "max_discharge_w": "max_discharge_power",
    "ramp_rate_w_s": "ramp_rate",
    "min_power_w": "min_power",
    "startup_delay_s": "startup_delay",
    "max_dc_input_w": "max_dc_input",
    "dc_input_w": "dc_input_power",
    "standby_w": "standby",
    "command_delay_ticks": "power_update_delay_ticks",
    "jitter_s": "jitter",
    "poll_interval_s": "poll_interval",
}


def specs_of(file: HouseFile, name: str = "house") -> tuple[BatterySpec, ...]:
    """The batteries of a house file; `name` opens the text of the ConfigError for what no battery can be."""
    return tuple(
        spec_of(section, f"{name}: batteries[{index}].", file.ct.mac, file.power_update_delay_ticks)
        for index, section in enumerate(file.batteries)
    )


def spec_of(section: BatterySection, name: str = "battery ", ct_mac: str = "", delay_ticks: int = 0) -> BatterySpec:
    """One battery; ct_mac: of its emulator, delay_ticks: of a section that has none of its own. Raises ConfigError."""
    try:
        return _spec_of(section, ct_mac, delay_ticks)
    except ValueError as error:
        key, _, rule = str(error).partition(": ")
        raise ConfigError(f"{name}{_FILE_KEYS.get(key, key)}: {rule}") from None


def _spec_of(section: BatterySection, ct_mac: str, delay_ticks: int) -> BatterySpec:
    delay = section.power_update_delay_ticks
    config = BatteryConfig(
        mac=section.mac,
        phase=section.phase,
        device_type=section.meter_dev_type,
        law=section.law,
        ratio=section.ratio,
        max_charge_w=section.max_charge_power,
        max_discharge_w=section.max_discharge_power,
        capacity_wh=section.capacity_wh,
        initial_soc=section.initial_soc,
        ramp_rate_w_s=section.ramp_rate,
        min_power_w=section.min_power,
        startup_delay_s=section.startup_delay,
        command_delay_ticks=delay_ticks if delay is None else delay,
        max_dc_input_w=section.max_dc_input,
        dc_input_w=section.dc_input_power,
        participates=section.participates,
        charge_efficiency=section.charge_efficiency,
        discharge_efficiency=section.discharge_efficiency,
        standby_w=section.standby,
        ct_mac=ct_mac,
        poll_interval_s=section.poll_interval,
    )
    client = ClientConfig(
        jitter_s=section.jitter,
        request_loss=section.request_loss,
        reply_loss=section.reply_loss,
        duplicate=section.duplicate,
    )
    return BatterySpec(config, client)
