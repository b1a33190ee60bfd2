"""Simulated Marstek batteries: firmware laws, plant and CT002 client.

Signs: battery power + = discharge, grid + = import. Units are in the names (_w, _wh, _s); state of charge is 0..1.
This room knows neither the core nor the house; whoever brings them together builds a `Battery`, gives it a `Link` and
drives a `Ct002Client`.
"""

from .accounts import AccountedPlant, PackEnergy
from .battery import Battery
from .client import ClientConfig, Ct002Client, InProcessLink, Link, UdpLink
from .config import PHASES, READINGS, BatteryConfig
from .law import Sample, SteeringLaw
from .models import MODELS, Model, model_of
from .plant import Plant
from .steering import LAW_NAMES, build_law
from .wire import Reply, Request, decode_frame, encode_frame, encode_request, parse_reply

__all__ = [
    "LAW_NAMES",
    "MODELS",
    "PHASES",
    "READINGS",
    "AccountedPlant",
    "Battery",
    "BatteryConfig",
    "ClientConfig",
    "Ct002Client",
    "InProcessLink",
    "Link",
    "Model",
    "PackEnergy",
    "Plant",
    "Reply",
    "Request",
    "Sample",
    "SteeringLaw",
    "UdpLink",
    "build_law",
    "decode_frame",
    "encode_frame",
    "encode_request",
    "model_of",
    "parse_reply",
]
