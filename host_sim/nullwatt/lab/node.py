"""A node of a spread house: one device that does what the ticks order, without any transport."""

import math
from collections.abc import Callable
from dataclasses import fields

from nullwatt.home import Islanding
from nullwatt.home.bus_messages import Bye, Hello, Joules, Order, Telemetry, Terms, Tick

from .solo import Solo


class Node:
    """One device on the bus. The same tick twice gives the same answer twice and moves nothing the second time.

    Attributes:
        name: Of the device.
    """

    def __init__(self, build: Callable[[], Solo]) -> None:
        """build: makes the device; called again when a new run begins."""
        self._build = build
        self._solo = build()
        self.name = self._solo.device.name
        self._run = ""
        self._answer: Joules | None = None

    def hello(self) -> Hello:
        """What it says of itself."""
        device = self._solo.device
        return Hello(
            device=device.name,
            phase=device.phase,
            units={name: quantity.unit for name, quantity in device.quantities.items()},
            commands=list(device.commands),
        )

    def bye(self) -> Bye:
        """Its farewell."""
        return Bye(device=self.name)

    def handle(self, tick: Tick) -> Joules | None:
        """Do what a tick orders and answer; None if it orders nothing here, or is older than the last one."""
        order = tick.orders.get(self.name)
        if order is None:
            return None
        if tick.run != self._run:
            if self._run:
                self._solo = self._build()
            self._run, self._answer = tick.run, None
        if self._answer is not None and tick.number <= self._answer.tick:
            return self._answer if tick.number == self._answer.tick else None
        self._answer = self._obey(tick, order)
        return self._answer

    def telemetry(self, tick: Tick) -> Telemetry | None:
        """What everybody may see after a tick in which it booked; None after others."""
        order = tick.orders.get(self.name)
        if order is None or not order.book or self._answer is None:
            return None
        return Telemetry(device=self.name, tick=tick.number, time_s=tick.time_s, values=self._answer.telemetry)

    def _obey(self, tick: Tick, order: Order) -> Joules:
        solo = self._solo
        device, battery = solo.device, solo.battery
        for field in fields(tick.surroundings):
            setattr(solo.surroundings, field.name, getattr(tick.surroundings, field.name))
        refused = []
        for setting in order.settings:
            try:
                device.command(setting.name, setting.value)
            except ValueError as error:
                refused.append(str(error))
        if battery is not None:
            if order.tripped != battery.plant.tripped:
                (battery.trip if order.tripped else battery.reconnect)()
            for reply in order.replies:
                battery.accept(bytes.fromhex(reply))
        if order.carry_w is not None and isinstance(device, Islanding):
            device.carry(order.carry_w, order.dt_s)
        elif order.dt_s > 0.0:
            device.advance(order.dt_s)
        request = battery.request().hex() if battery is not None and order.poll else None
        return Joules(
            run=tick.run,
            device=self.name,
            tick=tick.number,
            power_w=device.power_w,
            terms=Terms.of(device.take_energy()) if order.book else None,
            telemetry={name: value if math.isfinite(value) else None for name, value in device.telemetry().items()},
            request=request,
            refused=refused,
            island_ready=isinstance(device, Islanding) and device.island_ready,
            island_max_w=device.island_max_w if isinstance(device, Islanding) else 0.0,
        )
