"""A real board, watched through ESPHome's native API: what its entities show, and a second of it at a time."""

import asyncio
import logging
import math
from collections.abc import Sequence
from typing import Any

from aioesphomeapi import DeviceInfo, EntityInfo, EntityState, NumberInfo, SelectInfo
from aioesphomeapi.client import APIClient
from aioesphomeapi.core import APIConnectionError
from aioesphomeapi.reconnect_logic import ReconnectLogic
from aioesphomeapi.util import is_ip_address

import nullwatt

from . import board_state
from .board_address import BoardAddress, BoardError, in_words
from .board_control import BoardControl
from .board_entities import BoardEntity, Recognised, recognise
from .history import Moments
from .state import EmulatorInfo, LinkState, Moment, State

_LOG = logging.getLogger("nullwatt.board")
#: Whoever has not let us in by then does not answer.
FIRST_S = 15.0
#: A board that is cut off without a word is missed after 4.5 of these.
_KEEPALIVE_S = 4.0
_LEAVE_S = 1.0
_NAMED_AT_MOST = 8
#: Beyond these nothing is asked of an entity: nullwatt has no climate and no light.
_PLATFORMS = ("sensor", "binary_sensor", "text_sensor", "number", "switch", "select", "button")
_CAMEL = {platform.replace("_", ""): platform for platform in _PLATFORMS}


class Board:
    """A board that is connected to, again and again, until it is closed. See `Watched`.

    Attributes:
        title: What the board is called.
        where: Its address, and what it runs.
        house: None: it is a real one.
        controller: Orders to the board; None = it is only watched.
        clock: None: real time.
    """

    def __init__(self, address: BoardAddress, key: str | None = None, control: bool = False) -> None:
        """key: encryption key in base64; None = plaintext. control: with orders. Within a running event loop."""
        self.title = f"Board {address.host}"
        self.where = str(address)
        self.house = None
        self.controller = BoardControl(self) if control else None
        self.clock = None
        self.client = APIClient(
            address.host,
            address.port,
            None,
            client_info=f"nullwatt {nullwatt.__version__}",
            keepalive=_KEEPALIVE_S,
            noise_psk=key,
        )
        self._address = address
        self._loop = asyncio.get_running_loop()
        self._first: asyncio.Future[None] = self._loop.create_future()
        self._began_s = self._loop.time()
        self._connected, self._link_s, self._link_text = False, self._began_s, "not connected yet"
        self._recognised = Recognised({}, (), ())
        self._entities: dict[tuple[str, int, int], BoardEntity] = {}
        self._values: dict[BoardEntity, Any] = {}
        self._moments = Moments()
        self._told: Recognised | None = None
        self._logic = ReconnectLogic(
            client=self.client,
            on_connect=self._on_connect,
            on_disconnect=self._on_disconnect,
            on_connect_error=self._on_error,
        )
        self._clockwork: asyncio.Task[None] | None = None
        #: Nothing is logged of the connection: it is told otherwise, or none of anybody's business any more.
        self._quiet = False

    async def open(self, wait: bool = False) -> None:
        """Connect. wait: keep trying instead of raising.

        Raises:
            BoardError: It cannot be reached or let us in, or is no board of nullwatt.
        """
        # What is to be told is told here, once and in words.
        logging.getLogger("aioesphomeapi").setLevel(logging.CRITICAL)
        self._clockwork = self._loop.create_task(self._record_every_second())
        self._quiet = not wait
        await self._logic.start()
        if wait:
            return
        try:
            await asyncio.wait_for(asyncio.shield(self._first), FIRST_S)
        except TimeoutError as error:
            found = is_ip_address(self._address.host) or self.client.connected_address is not None
            doubt = "" if found else ", or the name is wrong"
            raise BoardError(f"{self._address}: {in_words(error, self._address)}{doubt}") from None
        self._quiet = False

    async def close(self) -> None:
        """Let go of the board."""
        self._quiet = True
        if self._clockwork is not None:
            self._clockwork.cancel()
        self._first.cancel()
        if not self._connected:
            # Whom one is still greeting keeps one waiting.
            await self.client.disconnect(force=True)
        try:
            await asyncio.wait_for(self._logic.stop(), _LEAVE_S)
            await asyncio.wait_for(self.client.disconnect(), _LEAVE_S)
        except Exception as error:  # whatever the library stumbles over: it is the end
            _LOG.debug("letting go of the board: %r", error)
            await self.client.disconnect(force=True)

    @property
    def connected(self) -> bool:
        """Its entities are known, and change."""
        return self._connected

    @property
    def recognised(self) -> Recognised:
        """What it has."""
        return self._recognised

    @property
    def values(self) -> board_state.Values:
        """The latest states; empty while it is not connected."""
        return self._values

    def state(self) -> State:
        """Everything now; nothing but the link while there is none."""
        since_s = round(self._loop.time() - self._link_s, 1)
        link = LinkState(connected=self._connected, since_s=since_s, text=self._link_text)
        emulator = EmulatorInfo(where=self.where, own=False)
        if not self._connected:
            return State(link=link, emulator=emulator)
        board, values = self._recognised, self._values
        return State(
            link=link,
            grid=board_state.grid(board, values),
            batteries=board_state.batteries(board, values),
            emulator=emulator,
            controller=board_state.controller(board, values),
        )

    def history(self, seconds: float) -> list[Moment]:
        """The last so many seconds, at most an hour; without a connection they are empty."""
        return self._moments.last(seconds)

    async def _record_every_second(self) -> None:
        while True:
            # On whole seconds since it began: no drift.
            now_s = self._loop.time() - self._began_s
            await asyncio.sleep(math.floor(now_s) + 1 - now_s)
            time_s = self._loop.time() - self._began_s
            self._moments.keep(board_state.moment(time_s, self._recognised, self._values))

    # -- the connection

    async def _on_connect(self) -> None:
        try:
            info, (entities, _) = await asyncio.gather(self.client.device_info(), self.client.list_entities_services())
            self._recognise(info, entities)
            self.client.subscribe_states(self._keep)
        except (APIConnectionError, BoardError) as error:
            await self._on_error(error)
            # It is tried again: the board may be flashed anew.
            await self.client.disconnect(force=True)
            return
        self._linked(True, f"connected to {self.title}")
        if not self._first.done():
            self._first.set_result(None)

    async def _on_disconnect(self, expected: bool) -> None:
        self._values.clear()
        if self._connected:
            reason = "the board has closed the connection" if expected else "the connection is lost"
            self._linked(False, f"{self._address}: {reason}; trying again")

    async def _on_error(self, error: Exception) -> None:
        text = f"{self._address}: {error if isinstance(error, BoardError) else in_words(error, self._address)}"
        if not self._first.done():
            self._first.set_exception(BoardError(text))
            self._first.exception()  # with `wait` nobody else looks at it
        self._linked(False, f"{text}; trying again")

    def _linked(self, connected: bool, text: str) -> None:
        if connected != self._connected:
            self._connected, self._link_s = connected, self._loop.time()
        if text != self._link_text:
            self._link_text = text
            if self._quiet:
                return
            _LOG.log(logging.INFO if connected else logging.WARNING, "%s", text)

    def _recognise(self, info: DeviceInfo, entities: Sequence[EntityInfo]) -> None:
        listed = [board_entity for entity in entities if (board_entity := _board_entity(entity)) is not None]
        recognised = recognise(listed, {device.device_id: device.name for device in info.devices})
        if not recognised.meter and not recognised.batteries:
            raise BoardError(
                f"{info.name} has no entity of nullwatt: it runs something else, or its YAML declares none; "
                "see docs/esphome.md, Entities"
            )
        self.title = info.friendly_name or info.name
        self.where = f"{self._address}, {info.model or 'a board'} with ESPHome {info.esphome_version}"
        self._recognised = recognised
        self._entities = {(entity.platform, entity.device, entity.key): entity for entity in listed}
        self._values.clear()
        if recognised != self._told:
            self._told = recognised
            _tell(recognised)

    def _keep(self, state: EntityState) -> None:
        platform = _platform(type(state).__name__.removesuffix("State"))
        entity = self._entities.get((platform, state.device_id, state.key))
        if entity is None:
            return
        if getattr(state, "missing_state", False):
            self._values.pop(entity, None)
        else:
            self._values[entity] = getattr(state, "state", None)


def _platform(kind: str) -> str:
    return _CAMEL.get(kind.lower(), "")


def _board_entity(info: EntityInfo) -> BoardEntity | None:
    platform = _platform(type(info).__name__.removesuffix("Info"))
    if not platform:
        return None
    number = info if isinstance(info, NumberInfo) else NumberInfo()
    return BoardEntity(
        platform,
        info.name,
        info.key,
        info.device_id,
        unit=getattr(info, "unit_of_measurement", ""),
        device_class=getattr(info, "device_class", ""),
        options=tuple(info.options) if isinstance(info, SelectInfo) else (),
        low=number.min_value,
        high=number.max_value,
    )


def _tell(recognised: Recognised) -> None:
    _LOG.info("recognised of the meter: %s", ", ".join(recognised.meter) or "nothing")
    for battery in recognised.batteries:
        _LOG.info("recognised of %s: %s", battery.name, ", ".join(battery.entities))
    if not recognised.batteries:
        _LOG.info("recognised no battery")
    if left_out := [f"{entity.platform} {entity.name!r}" for entity in recognised.left_out]:
        more = f" and {len(left_out) - _NAMED_AT_MOST} more" if len(left_out) > _NAMED_AT_MOST else ""
        _LOG.info("left out, as not of nullwatt or renamed: %s%s", ", ".join(left_out[:_NAMED_AT_MOST]), more)
