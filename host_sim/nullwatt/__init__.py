"""nullwatt makes a home's grid meter read zero.

Rooms: `core` (the compiled control core), `battery` and `home` (the simulated house),
`lab` (both in a closed loop), `emulator` (the core as a service), `cli` (the command).
"""

__version__ = "0.1.0"
