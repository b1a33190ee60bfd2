"""A site of DER devices (battery storage, PV, CHP, meter) below the wire: physics, commands, books.

What shows it to the outside (Modbus) lives elsewhere and needs `load_site`, `DerSite` and its `Asset`s. Every device
is a `nullwatt.home.Device` and works in a house as well.
"""

from .bess import Bess
from .chp import Chp
from .config import (
    DEFAULT_REGISTER_MAPS,
    AssetConfig,
    BessConfig,
    ChpConfig,
    InverterConfig,
    MeterConfig,
    ModbusRtuConfig,
    ModbusTcpConfig,
    ProtocolConfig,
    SiteConfig,
    SiteConfigError,
    load_site,
    parse_asset,
    parse_site,
)
from .device import DerDevice
from .energy_meter import EnergyMeter
from .external import ExternalModels, GridEvent, GridSignal
from .pv import Pv
from .site import Asset, DerSite, SitePower

__all__ = [
    "DEFAULT_REGISTER_MAPS",
    "Asset",
    "AssetConfig",
    "Bess",
    "BessConfig",
    "Chp",
    "ChpConfig",
    "DerDevice",
    "DerSite",
    "EnergyMeter",
    "ExternalModels",
    "GridEvent",
    "GridSignal",
    "InverterConfig",
    "MeterConfig",
    "ModbusRtuConfig",
    "ModbusTcpConfig",
    "ProtocolConfig",
    "Pv",
    "SiteConfig",
    "SiteConfigError",
    "SitePower",
    "load_site",
    "parse_asset",
    "parse_site",
]
