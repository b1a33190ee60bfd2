"""Keeps the application alive: watchdog, trial of a new version, safe mode."""

import asyncio
import time

from nullwatt import __version__, log
from nullwatt.launch import unload

#: s on end that a new version has to work for, and s after which it has had its chance.
HEALTHY_S = 60
TRIAL_S = 600
#: s after which a start has lasted: what comes then is no crash loop.
LASTED_S = 180
_LOOK_MS = 1000
#: The application counts once a second; so late it may be.
_LATE_MS = 3000
#: Shorter would reset boards that only wait for a slow name server.
_SHORTEST_MS = 5000
#: The longest that a Pico has. Longer ones are waited for here, and the hardware covers the rest.
_PICO_MS = 8388


class Guard:
    """Feeds the watchdog while the application counts and the batteries are answered, and nothing else does."""

    def __init__(self, app) -> None:
        self._app = app
        self._begun = False
        self._watchdog = None
        self._patience_ms = _LATE_MS
        self._started = self._lived = time.ticks_ms()
        self._seen = -1
        self._well_s = 0
        self._alive_s = 0
        self._lasted = False
        from nullwatt import boot  # it is let go of when it has nothing to do

        self._slot = boot.running()
        self._trial = not app.safe and self._slot != "" and boot.on_trial()
        unload("boot")

    async def run(self) -> None:
        """For ever."""
        if not self._begun:
            self._begun = True
            self._begin()
        while True:
            await asyncio.sleep_ms(_LOOK_MS)
            self._look()

    def release(self) -> None:
        """The application has ended, such as by Ctrl-C: keep the watchdog quiet for whoever works on the REPL."""
        if not self._watchdog:
            return
        try:
            from machine import Timer

            watchdog = self._watchdog
            Timer(-1).init(period=1000, callback=lambda timer: watchdog.feed())
        except Exception:
            print("nullwatt: the watchdog resets the board soon; watchdog.timeout = 0 switches it off")

    def _begin(self) -> None:
        log.info("version %s in slot %s", __version__, self._slot or "-")
        if self._app.safe:
            log.error("safe mode, the batteries hold: %s", self._app.safe)
            log.error("safe mode ends with a change of the configuration, an update or a restart from the page")
        elif self._trial:
            log.info("version on trial: has to work for %d s within %d s", HEALTHY_S, TRIAL_S)
        timeout_ms = int(self._app.settings.watchdog["timeout"] * 1000)
        if timeout_ms:
            timeout_ms = max(timeout_ms, _SHORTEST_MS)
            for hardware_ms in (timeout_ms, min(timeout_ms, _PICO_MS)):
                try:
                    from machine import WDT

                    self._watchdog = WDT(timeout=hardware_ms)  # type: ignore[assignment]
                    self._patience_ms = max(timeout_ms - hardware_ms, _LATE_MS)
                    break
                except (ImportError, ValueError, TypeError, OSError):
                    pass
            else:
                log.warning("watchdog: this board has none")

    def _look(self) -> None:
        app = self._app
        now = time.ticks_ms()
        if app.ticks != self._seen and "udp" not in app.down:
            self._seen = app.ticks
            self._lived = now
            self._alive_s += 1
        if self._watchdog and time.ticks_diff(now, self._lived) <= self._patience_ms:
            self._watchdog.feed()
        if not self._lasted and self._alive_s * _LOOK_MS >= LASTED_S * 1000:
            self._lasted = True
            from nullwatt.boot import survived

            survived()
            unload("boot")
        if self._trial:
            self._judge(time.ticks_diff(now, self._lived) <= _LATE_MS)

    def _judge(self, alive: bool) -> None:
        app = self._app
        well = alive and app.meter and "meter" not in app.down and app.readings and not app.meter.failures
        self._well_s = self._well_s + 1 if well else 0
        if self._well_s * _LOOK_MS >= HEALTHY_S * 1000:
            self._trial = False
            from nullwatt.boot import confirm

            confirm()
            unload("boot")
            log.info("the new version works, and stays")
        elif time.ticks_diff(time.ticks_ms(), self._started) > TRIAL_S * 1000:
            down = ", ".join(sorted(app.down))
            reason = (app.meter.error if app.meter else "") or "no reading"
            if down:
                reason = down + " has failed"
            elif not alive:
                reason = "it stands still"
            why = "does not work within %d s: %s" % (TRIAL_S, reason)
            log.error("the new version %s", why)
            from nullwatt import boot

            boot.roll_back(why)
            boot.reset()


def restart(why: str) -> None:
    """Somebody wants a new start, which is a normal one: safe mode is left. Does not return."""
    log.warning("restarts: %s", why)
    forgive()
    from nullwatt.boot import reset

    reset()


def forgive() -> None:
    """The next start is a normal one, whatever has happened before."""
    from nullwatt import boot

    boot.forgive()
    unload("boot")


class NoServer:
    """Where the UDP socket would be: batteries that are not answered hold."""

    polls = replies = 0

    def __init__(self, emulator: object) -> None:
        pass

    async def run(self) -> None:
        """For ever."""
        while True:
            await asyncio.sleep(3600)

    def close(self) -> None:
        """Nothing to free."""


def sections(path: str) -> dict:
    """Of a configuration file what safe mode needs and can use: every section that is right by itself."""
    import json

    from nullwatt.config import SECTIONS
    from nullwatt.keys import ConfigError, check

    try:
        with open(path) as file:
            document = json.load(file)
    except (OSError, ValueError, RuntimeError):
        document = None
    found = {}
    for name in SECTIONS:
        section = document.get(name, {}) if isinstance(document, dict) else {}
        try:
            check(section, SECTIONS[name], name)
            found[name] = section
        except ConfigError as error:
            log.error("%s: %s", path, error)
    return found
