"""House files as the editor of the page works on them: see `nullwatt.serve.HomeFiles`."""

from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

from nullwatt.home import BrokerError, ConfigError, HouseFile, house_mistakes, parse_broker, parse_house

from .batteries import BatterySpec, spec_of, specs_of

_FILE = "file"


class HouseFiles:
    """The file of a running house, and how others are checked.

    Attributes:
        restarts: Another house can take its place.
    """

    def __init__(
        self,
        own: HouseFile,
        folder: Path | None = None,
        on_use: Callable[[HouseFile, tuple[BatterySpec, ...]], Awaitable[None]] | None = None,
    ) -> None:
        """own: as it was written. folder: where it is; None = the working directory. on_use: lets a checked
        file run instead; None = nothing can.
        """
        self._own = own
        self._folder = folder or Path()
        self._on_use = on_use
        self._known = {section[_FILE] for section, _ in _named_files(self.running(), "")}

    @property
    def restarts(self) -> bool:
        """Another house can take its place."""
        return self._on_use is not None

    def running(self) -> dict[str, Any]:
        """The file of the running house; what is not written there is not here either."""
        document = self._own.model_dump(exclude_unset=True, by_alias=True)
        mqtt = document.get("mqtt_insights") or {}
        if mqtt.get("broker"):
            try:
                mqtt["broker"] = str(parse_broker(mqtt["broker"]))
            except BrokerError:  # never: it was checked
                del mqtt["broker"]
        for section, _ in _named_files(document, ""):
            path = Path(section[_FILE])
            if path.is_relative_to(self._folder):
                section[_FILE] = str(path.relative_to(self._folder))
        return document

    def mistakes(self, document: object) -> list[str]:
        """What is wrong with a file; [] = it can be run."""
        strange = [
            f"{path} = {section[_FILE]!r}: on the page only files beside the house file can be named"
            for section, path in _named_files(document, "")
            if section[_FILE] not in self._known and not self._is_near(section[_FILE])
        ]
        if strange:  # they are not to be opened, so nothing else is checked
            return strange
        found = house_mistakes(document, self._folder)
        return found or self._unknown_batteries(parse_house(document, folder=self._folder))

    def checked(self, document: object) -> HouseFile:
        """The house file that a document is; ValueError: the first mistake."""
        found = self.mistakes(document)
        if found:
            raise ValueError(found[0])
        return parse_house(document, folder=self._folder)

    async def use(self, document: object) -> None:
        """Let it run instead. ValueError."""
        own = self.checked(document)
        if self._on_use is None:
            raise ValueError("this run is not to be replaced")
        await self._on_use(own, specs_of(own))
        self._own = own

    def _is_near(self, name: str) -> bool:
        """Whether a file named in a house file is in its folder or below: browsers are to read nothing else here."""
        try:
            return (self._folder / name).resolve().is_relative_to(self._folder.resolve())
        except (OSError, ValueError):
            return False

    @staticmethod
    def _unknown_batteries(file: HouseFile) -> list[str]:
        found = []
        for index, section in enumerate(file.batteries):
            try:
                spec_of(section, f"batteries[{index}].", file.ct.mac, file.power_update_delay_ticks)
            except ConfigError as error:
                found.append(str(error))
        return found


def _named_files(document: object, path: str) -> Iterator[tuple[dict[str, Any], str]]:
    """Every section that names a file, and the path of that key."""
    if isinstance(document, dict):
        if isinstance(document.get(_FILE), str):
            yield document, f"{path}.{_FILE}".lstrip(".")
        for key, inner in document.items():
            yield from _named_files(inner, f"{path}.{key}".lstrip("."))
    elif isinstance(document, list):
        for index, inner in enumerate(document):
            yield from _named_files(inner, f"{path}[{index}]")
