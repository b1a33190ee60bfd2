"""A page that watches what a real board tells: meter and batteries, no house, no clock, no orders. Prints its port.

`/looking` tells how many browsers it knows of.
"""

import asyncio
import sys

from fastapi import FastAPI
from nicegui import Client

from nullwatt.serve import BatteryState, EmulatorInfo, GridState, LinkState, Moment, Server, State
from nullwatt.serve.page import mount


class Board:
    title = "A real board"
    where = "http://board.local"
    house = None
    controller = None
    clock = None

    def __init__(self, known: str) -> None:
        self._known = known

    def state(self) -> State:
        if self._known == "nothing":
            return State()
        if self._known == "lost":
            return State(link=LinkState(connected=False, since_s=3.0, text="board.local: refused; trying again"))
        return State(
            grid=GridState(phase_a=430, phase_b=0, phase_c=0, total=430),
            batteries=[BatteryState(mac="02B250000001", phase="A", power=120)],
            emulator=EmulatorInfo(where="udp://board.local:12345", own=False),
        )

    def history(self, seconds: float) -> list[Moment]:
        return []


async def main() -> None:
    app = FastAPI()

    @app.get("/looking")
    async def looking() -> int:
        return len(Client.instances)

    mount(app, Board(sys.argv[1] if len(sys.argv) > 1 else "something"))
    server = Server(app, "127.0.0.1", 0)
    print(server.port, flush=True)
    await server.run()


asyncio.run(main())
