"""Reads what a broker keeps."""

import asyncio
import secrets
import ssl
from collections.abc import Sequence
from contextlib import suppress

import aiomqtt

from nullwatt.home import BrokerAddress

_ENOUGH = 100_000  # messages


class UnreachableError(Exception):
    """No connection to the broker, or it broke. `str()` is one line without credentials."""


async def read_retained(broker: BrokerAddress, topics: Sequence[str], seconds: float) -> dict[str, bytes]:
    """The latest payload of each topic that is heard in this time.

    Raises:
        UnreachableError: See there.
    """
    heard: dict[str, bytes] = {}
    client = aiomqtt.Client(
        broker.host,
        broker.port,
        username=broker.username,
        password=broker.password,
        identifier=f"nullwatt{secrets.token_hex(7)}",
        protocol=aiomqtt.ProtocolVersion.V311,
        clean_session=True,
        tls_context=ssl.create_default_context() if broker.tls else None,
    )
    try:
        async with client:
            await client.subscribe([(topic, 0) for topic in topics])
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    async for message in client.messages:
                        if isinstance(message.payload, bytes) and len(heard) < _ENOUGH:
                            heard[message.topic.value] = message.payload
    except aiomqtt.MqttError as error:
        raise UnreachableError(f"{broker}: {why(error)}") from None
    return heard


def why(error: aiomqtt.MqttError) -> str:
    """What went wrong with a connection, in words."""
    reason = str(error.__cause__ or error) or type(error).__name__
    if reason.startswith(("[code:", "[Errno ")):
        reason = reason.partition("] ")[2]
    return reason.rstrip(".")
