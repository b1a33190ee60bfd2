"""Answers the Marstek app on an MQTT broker, as a CT002 or CT003 does on the vendor's; a relay connects the two.

What is answered is the core's to say (`nullwatt.core.parse_app_poll`, `runtime_frame`, `slave_list`).
"""

from collections.abc import Callable, Iterator, Sequence

from nullwatt.core import (
    AppPacer,
    AppPoll,
    Emulator,
    Message,
    app_answer_topics,
    app_poll_topics,
    is_app_poll,
    normalize_ct_mac,
    parse_app_poll,
    runtime_frame,
    slave_list,
)


class MarstekApp:
    """An extension of `InsightsService`: the app's questions to one emulator, and what it is told unasked."""

    def __init__(
        self,
        emulator: Emulator,
        ct_mac: str,
        measured: Callable[[], Sequence[float]],
        now: Callable[[], float],
        interval_s: float = 300.0,
    ) -> None:
        """Listens under the emulator's `ct_type` and `ct_mac`.

        Args:
            emulator: Whose batteries are listed.
            ct_mac: MAC of the meter in any spelling.
            measured: What the meter measures now, unfiltered, W per phase, + = import; nothing = it is unavailable.
            now: The clock that drives the emulator, s.
            interval_s: Between two messages that nobody asked for, s; 0 = only answers.

        Raises:
            ValueError: `ct_mac` is no MAC.
        """
        mac = normalize_ct_mac(ct_mac)
        if mac is None:
            raise ValueError(f"{ct_mac!r} is no MAC; the Marstek app asks for one of 12 hex digits")
        self._emulator = emulator
        self._measured = measured
        self._now = now
        self._mac = mac
        self._ct_type = str(emulator.config.ct_type)
        self._pacer = AppPacer(interval_s)

    @property
    def subscriptions(self) -> Sequence[str]:
        """See Extension."""
        return app_poll_topics(self._ct_type, self._mac)

    def connected(self) -> None:
        """See Extension."""
        self._pacer.set_connected(False)
        self._pacer.set_connected(True)

    def received(self, topic: str, payload: bytes) -> Iterator[Message]:
        """See Extension."""
        if is_app_poll(topic, self._ct_type, self._mac):
            poll = parse_app_poll(payload)
            if self._pacer.accept(poll):
                yield from self._answer(poll)

    def due(self) -> Iterator[Message]:
        """See Extension."""
        if self._pacer.broadcast_due(True, at=self._now()):
            yield from self._answer(AppPoll.RUNTIME)

    def _answer(self, poll: AppPoll) -> Iterator[Message]:
        try:
            text = slave_list(self._emulator) if poll is AppPoll.SLAVES else self._frame()
            for topic in app_answer_topics(self._ct_type, self._mac):
                yield Message(topic, text.encode(), retain=False, qos=0)
        finally:
            self._pacer.finish()

    def _frame(self) -> str:
        rssi_dbm = int(self._emulator.config.compiled("wifi_rssi"))
        return runtime_frame(self._measured(), slaves=self._emulator.state().consumers, rssi_dbm=rssi_dbm)
