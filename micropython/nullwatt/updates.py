"""When to look for a new version. `update` installs it, and is in memory only for as long as that takes."""

import asyncio

from nullwatt import __version__, log
from nullwatt.launch import unload

#: A look begins so many s after the start, and is tried again so many s after a failure.
FIRST_S = 60
AGAIN_S = 3600


class UpdateError(Exception):
    """There will be no update. `str()` is one line."""


class Updates:
    """Looks for new versions.

    Attributes:
        text: How the latest look ended, one line; "" before.
    """

    current = None

    def __init__(self, app) -> None:
        self.text = ""
        self._app = app
        self._busy = False
        self._reset = None
        Updates.current = self  # type: ignore[assignment]

    async def run(self) -> None:
        """For ever."""
        await asyncio.sleep(FIRST_S)
        while True:
            interval = self._app.settings.update["interval"]
            try:
                await self.check_now()
            except UpdateError as error:
                log.warning("update: %s", error)
                interval = min(interval, AGAIN_S)
            await asyncio.sleep(interval)

    async def check_now(self, anyway: bool = False) -> str:
        """Look, install what is new and reset 2 s later; what was found, one line. UpdateError.

        anyway: also an older version, or one that has failed its trial.
        """
        options = self._app.settings.update
        if not options["url"]:
            raise UpdateError("update.url is empty: there is nowhere to look")
        if self._busy:
            raise UpdateError("an update is under way")
        self._busy = True
        try:
            from nullwatt.update import Web, take

            version = await take(Web(options["url"]), options["key"], anyway, self._healthy)
            self.text = "%s is installed and starts now" % version if version else "%s is the newest" % __version__
        except UpdateError as error:
            self.text = str(error)
            raise
        except MemoryError:
            self.text = "there is not enough memory for an update now"
            raise UpdateError(self.text) from None
        finally:
            self._busy = False
            unload("update")
        log.info("update: %s", self.text)
        if version:
            self._reset = asyncio.create_task(_reset_soon())  # type: ignore[assignment]
        return self.text

    def _healthy(self) -> None:
        """UpdateError if a new version could not show whether it works."""
        app = self._app
        if not app.safe and (app.meter.failures or not app.readings):
            raise UpdateError("the meter cannot be read, so a new version could not be tried; later")


async def check_now(anyway: bool = False) -> str:
    """`Updates.check_now` of the running application. UpdateError."""
    if Updates.current is None:
        raise UpdateError("update.url is empty: there is nowhere to look")
    return await Updates.current.check_now(anyway)


async def _reset_soon() -> None:
    await asyncio.sleep(2)  # who asked gets the answer
    from nullwatt.boot import reset

    reset()
