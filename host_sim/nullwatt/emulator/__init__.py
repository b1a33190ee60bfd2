"""The core as a Linux service: a UDP socket for the batteries, a meter, a clock."""

from nullwatt.emulator.service import EmulatorService, PortInUseError

__all__ = ["EmulatorService", "PortInUseError"]
