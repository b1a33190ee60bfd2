"""The simulated house: clock, loads, base load, sun, grid connection and its meter, devices and their energy ledger;
with the extra `weather` also the weather at a place, panels and hybrid inverters.

Knows nothing of the emulator core or of how batteries work; a battery is a phase and a power. Signs: grid + =
import, battery + = discharge. Same seed, same house, bit for bit.
"""

from .appliance_table import APPLIANCES
from .appliances import Appliance
from .broker import BrokerAddress, BrokerError, parse_broker
from .clock import Clock, PacedClock, RealClock, ScaledClock, SteppedClock
from .config import (
    BatterySection,
    ConfigError,
    CtSection,
    HouseFile,
    MqttInsightsSection,
    broken_rule,
    check_document,
    check_topic,
    house_mistakes,
    house_schema,
    load_house_file,
    parse_appliance,
    parse_battery,
    parse_house,
    parse_load,
    parse_text,
    read_document,
    read_text,
)
from .device import (
    FLAGS,
    Accountable,
    Command,
    Device,
    EnergyTerms,
    Quantity,
    Surroundings,
    Value,
    check_command,
)
from .drive import drive
from .grid import Grid, GridSection, Islanding
from .house import BatteryOutput, House, HouseConfig
from .hybrid import Hybrid
from .hybrid_config import HybridConfig, HybridSettings
from .inverter import PowerStage
from .ledger import Ledger
from .loads import Load, LoadConfig, LoadEvent, LoadKind
from .meter import Meter, MeterConfig, MeterReading
from .parts import BASE_LOAD, SUN
from .phases import PHASES, SPREAD
from .pv_array import PvArray, PvString
from .pv_plant import PvPlant, PvPlantConfig
from .sun import Sun, SunConfig
from .tariff import Bill, DayBill, PriceList, TariffSection, read_prices
from .wall_clock import DailyWindow, WallClock
from .weather import WEATHER, Weather, WeatherConfig, WeatherDay

__all__ = [
    "APPLIANCES",
    "BASE_LOAD",
    "FLAGS",
    "PHASES",
    "SPREAD",
    "SUN",
    "WEATHER",
    "Accountable",
    "Appliance",
    "BatteryOutput",
    "BatterySection",
    "Bill",
    "BrokerAddress",
    "BrokerError",
    "Clock",
    "Command",
    "ConfigError",
    "CtSection",
    "DailyWindow",
    "DayBill",
    "Device",
    "EnergyTerms",
    "Grid",
    "GridSection",
    "House",
    "HouseConfig",
    "HouseFile",
    "Hybrid",
    "HybridConfig",
    "HybridSettings",
    "Islanding",
    "Ledger",
    "Load",
    "LoadConfig",
    "LoadEvent",
    "LoadKind",
    "Meter",
    "MeterConfig",
    "MeterReading",
    "MqttInsightsSection",
    "PacedClock",
    "PowerStage",
    "PriceList",
    "PvArray",
    "PvPlant",
    "PvPlantConfig",
    "PvString",
    "Quantity",
    "RealClock",
    "ScaledClock",
    "SteppedClock",
    "Sun",
    "SunConfig",
    "Surroundings",
    "TariffSection",
    "Value",
    "WallClock",
    "Weather",
    "WeatherConfig",
    "WeatherDay",
    "broken_rule",
    "check_command",
    "check_document",
    "check_topic",
    "drive",
    "house_mistakes",
    "house_schema",
    "load_house_file",
    "parse_appliance",
    "parse_battery",
    "parse_broker",
    "parse_house",
    "parse_load",
    "parse_text",
    "read_document",
    "read_prices",
    "read_text",
]
