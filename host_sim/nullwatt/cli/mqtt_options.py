"""The options of every command that tells a broker."""

from dataclasses import dataclass, field
from typing import Annotated

import typer

from nullwatt.cli.errors import fail

Uri = Annotated[
    str | None,
    typer.Option(metavar="URI", help="Tell an MQTT broker (mqtt://user:password@host:port) of the batteries."),
]
BaseTopic = Annotated[str | None, typer.Option(help="With --mqtt: root of all topics. [astrameter]")]
DeviceId = Annotated[str | None, typer.Option(help="With --mqtt: name of this emulator in topics. [device-1]")]


@dataclass(frozen=True)
class Told:
    """The options of a command line, None = not given. What cannot be ends the program."""

    uri: str | None = field(default=None, repr=False)
    base_topic: str | None = None
    device_id: str | None = None

    def __post_init__(self) -> None:
        if self.base_topic is None and self.device_id is None:
            return
        from nullwatt.home import ConfigError, check_topic  # only here: most commands do without

        for option, text in (("--mqtt-base-topic", self.base_topic), ("--mqtt-device-id", self.device_id)):
            try:
                if text is not None:
                    check_topic(text)
            except ConfigError as error:
                fail(f"{option} {text!r}: {error}")

    @property
    def changes(self) -> dict[str, str]:
        """Keys of `mqtt_insights` that are given."""
        given = {"broker": self.uri, "base_topic": self.base_topic, "device_id": self.device_id}
        return {key: value for key, value in given.items() if value is not None}

    def need_broker(self) -> None:
        """End the program if there is a name and nobody to tell it to."""
        for key in self.changes:
            fail(f"--mqtt-{key.replace('_', '-')}: needs --mqtt")
