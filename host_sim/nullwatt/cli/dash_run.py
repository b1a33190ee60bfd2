"""A real board, served over HTTP and shown on the page until it is stopped."""

import asyncio
import logging
import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, NoReturn

from nullwatt.cli.errors import fail
from nullwatt.cli.house_server import has_screen, log_to, open_browser
from nullwatt.cli.sim_terminal import page_obstacle
from nullwatt.serve import PortInUseError, Server, board_application
from nullwatt.serve.board import Board
from nullwatt.serve.board_address import BoardAddress, BoardError

_LOG = logging.getLogger("nullwatt.dash")
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True)
class How:
    """The options of the command. key: of the encryption, never shown."""

    key: str | None = field(repr=False)
    control: bool
    http_host: str
    http_port: int
    browser: bool
    wait: bool


class _Unawaited(ThreadPoolExecutor):
    """Threads that nobody waits for: the system may look up a name for half a minute."""

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Let them be."""
        super().shutdown(wait=False, cancel_futures=True)


def run(address: BoardAddress, how: How) -> NoReturn:
    """Serve until stopped, and end the program; what cannot be shown, reached or listened on ends it with one line."""
    if obstacle := page_obstacle():
        fail(obstacle, 1)
    log_to(None, logging.INFO)
    code: object = 0
    try:
        try:
            asyncio.run(_serve(address, how))
        except PortInUseError as error:
            fail(str(error))
        except BoardError as error:
            fail(str(error), 1)
    except SystemExit as ended:
        code = ended.code
    sys.stdout.flush()
    sys.stderr.flush()
    # Python would wait for every thread.
    os._exit(code if isinstance(code, int) else 1)


async def _serve(address: BoardAddress, how: How) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    loop.set_default_executor(_Unawaited())
    for number in _STOP_SIGNALS:
        loop.add_signal_handler(number, stop.set)
    board = Board(address, how.key, how.control)
    stopped = asyncio.create_task(stop.wait())
    tasks: list[asyncio.Task[Any]] = [stopped]
    server = None
    try:
        # Whether the port is free comes first: it is known at once.
        app = board_application(board)
        server = Server(app, how.http_host, how.http_port)
        opened = asyncio.create_task(board.open(how.wait))
        tasks.append(opened)
        await asyncio.wait((opened, stopped), return_when=asyncio.FIRST_COMPLETED)
        if stopped.done():
            return
        opened.result()
        from nullwatt.serve.page import mount  # only here: nicegui is slow to load

        mount(app, board)
        http = asyncio.create_task(server.run())
        tasks.append(http)
        url = f"http://{how.http_host}:{server.port}"
        _LOG.info("serving %s", url)
        _LOG.info("watching %s%s", board.where, "" if how.control else ", without orders; --control allows them")
        if how.browser and has_screen():
            open_browser(url)
        await asyncio.wait((http, stopped), return_when=asyncio.FIRST_COMPLETED)
    finally:
        if server is not None:
            server.stop()
        await board.close()
        for task in tasks:
            if not task.done():
                await asyncio.wait((task,), timeout=0 if task is stopped else 1.0)
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
