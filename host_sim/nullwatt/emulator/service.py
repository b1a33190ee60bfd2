"""Joins the core to a UDP socket, a grid meter and the monotonic clock.

All calls into the core happen in the event loop's thread.
"""

import asyncio
import contextlib
import logging
import socket
import time
from collections.abc import Sequence

from nullwatt.core import ConsumerState, Emulator
from nullwatt.meters import Meter, Sample

_LOG = logging.getLogger(__name__)
_TICK_S = 1.0
# A meter or a full table that keeps failing is worth one line now and then, not one per poll.
_REPEAT_S = 30.0


class PortInUseError(OSError):
    """The UDP address cannot be bound. One line says which and why."""


class _BatterySocket(asyncio.DatagramProtocol):
    def __init__(self, service: "EmulatorService") -> None:
        self._service = service
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.DatagramTransport)
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        reply = self._service.answer(data, f"{addr[0]}:{addr[1]}")
        if reply is not None and self._transport is not None:
            self._transport.sendto(reply, addr)

    def error_received(self, exc: Exception) -> None:
        # A battery that went away answers with an ICMP error; its silence is dealt with by expiry.
        _LOG.debug("udp: %s", exc)


class EmulatorService:
    """Serves batteries on UDP `host`:`port` from `meter` until it is cancelled.

    Args:
        emulator: The core, configured.
        meter: Source of grid samples.
        host: IPv4 address to bind.
        port: UDP port; 0 takes any free one.
    """

    def __init__(self, emulator: Emulator, meter: Meter, host: str = "0.0.0.0", port: int = 12345) -> None:
        self._emulator = emulator
        self._meter = meter
        self._address = (host, port)
        self._known: dict[str, ConsumerState] = {}
        self._meter_available: bool | None = None
        self._refused = 0
        self._refused_logged_s = 0.0
        self.port = port
        """Port in use, known once `ready` is set."""
        self.ready = asyncio.Event()
        self.measured_w: Sequence[float] = ()
        """What the meter said last, W per phase; empty = it is unavailable."""

    def answer(self, datagram: bytes, source: str) -> bytes | None:
        """Reply to one datagram from `source` (ip:port)."""
        reply = self._emulator.handle(datagram, source=source, at=time.monotonic())
        if reply is None:
            _LOG.debug("udp: no reply to %s: %s", source, self._emulator.last_drop)
        return reply

    async def run(self) -> None:
        """Serves until cancelled.

        Raises:
            PortInUseError: The address is taken or not one of this machine.
        """
        loop = asyncio.get_running_loop()
        host, port = self._address
        try:
            transport, _ = await loop.create_datagram_endpoint(
                lambda: _BatterySocket(self), local_addr=self._address, family=socket.AF_INET
            )
        except OSError as error:
            reason = error.strerror or str(error)
            raise PortInUseError(f"udp {host}:{port} cannot be opened: {reason}; choose another with --port") from None
        self.port = transport.get_extra_info("sockname")[1]
        self.ready.set()
        meter = asyncio.create_task(self._meter.run(self._take_sample))
        try:
            while True:
                await asyncio.sleep(_TICK_S)
                if meter.done():
                    # The sources end by themselves only when they are gone for good; anything else is a bug to see.
                    meter.result()
                self._emulator.tick(at=time.monotonic())
                self._report()
        finally:
            self._report()
            meter.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await meter
            transport.close()

    def _take_sample(self, sample: Sample) -> None:
        now = time.monotonic()
        self.measured_w = () if sample is None else sample
        if sample is None:
            self._emulator.invalidate_grid(at=now)
        else:
            self._emulator.update_grid(sample, at=now)

    def _report(self) -> None:
        """Logs what changed since the last tick."""
        state = self._emulator.state()
        available = state.grid_w is not None
        if available != self._meter_available and not (self._meter_available is None and not available):
            _LOG.info("meter: available" if available else "meter: unavailable, batteries hold")
            self._meter_available = available
        consumers = {consumer.mac: consumer for consumer in self._emulator.consumers()}
        for mac, consumer in consumers.items():
            if mac not in self._known:
                _LOG.info("battery %s: %s on phase %s", mac, consumer.device_type, consumer.phase)
            elif consumer.phase != self._known[mac].phase:
                _LOG.info("battery %s: now on phase %s", mac, consumer.phase)
        for mac in self._known.keys() - consumers.keys():
            _LOG.info("battery %s: silent, forgotten", mac)
        self._known = consumers
        now = time.monotonic()
        if state.refused_full > self._refused and now - self._refused_logged_s >= _REPEAT_S:
            _LOG.warning(
                "battery table full (%d): %d polls of further batteries not answered",
                len(consumers),
                state.refused_full - self._refused,
            )
            self._refused, self._refused_logged_s = state.refused_full, now
