"""What `--mqtt` and the house file's `mqtt_insights` ask for."""

from importlib.util import find_spec
from typing import TYPE_CHECKING

import nullwatt
from nullwatt.cli.errors import fail
from nullwatt.cli.mqtt_options import Told
from nullwatt.home import BrokerAddress, BrokerError, HouseFile, MqttInsightsSection, parse_broker

if TYPE_CHECKING:
    from nullwatt.lab import Site  # mqtt-check does without


def address_of(option: str, uri: str) -> BrokerAddress:
    """The address that an option gives; what is none ends the program."""
    try:
        return parse_broker(uri)
    except BrokerError as error:
        fail(f"{option}: {error}")


def need_library() -> None:
    """End the program where a library that MQTT needs is missing."""
    for name in ("aiomqtt", "jinja2"):
        if find_spec(name) is None:
            fail(f"MQTT needs the package {name}; install nullwatt[services]")


def with_broker(file: HouseFile, name: str, wanted: Told, cure: str | None) -> HouseFile:
    """The file with the broker and the names of the command line. What cannot be ends the program.

    name: of the file. cure: the emulator is elsewhere, and this would bring it here; None = it is here.
    """
    section, uri = file.mqtt_insights, wanted.uri
    if uri is None and section is None:
        wanted.need_broker()
        return file
    if cure is not None:
        fail(
            f"{f'{name}: mqtt_insights' if uri is None else '--mqtt'}: MQTT needs the emulator in this process: {cure}"
        )
    section = (section or MqttInsightsSection()).model_copy(update=wanted.changes)
    if uri is not None:
        address_of("--mqtt", uri)
    if section.broker is None:
        fail(f"{name}: mqtt_insights.broker: required key is missing, or give --mqtt")
    need_library()
    return file.model_copy(update={"mqtt_insights": section})


async def tell(site: "Site", section: MqttInsightsSection, ct_mac: str) -> None:
    """Keep the broker of a checked section informed of a site's own emulator, until cancelled.

    ct_mac: under which the Marstek app finds the meter.
    """
    from nullwatt.emulator.marstek_app import MarstekApp
    from nullwatt.emulator.mqtt import InsightsService  # only here: aiomqtt may be missing

    emulator, house = site.emulator, site.house
    if emulator is None or section.broker is None:
        raise ValueError("no emulator or no broker")

    def now() -> float:
        return site.loop.now_s

    service = InsightsService(emulator, parse_broker(section.broker), now, section, nullwatt.__version__)
    if section.marstek_mqtt_enabled:
        service.extensions.append(MarstekApp(emulator, ct_mac, house.grid_w, now, section.marstek_mqtt_interval))
    await service.run()
