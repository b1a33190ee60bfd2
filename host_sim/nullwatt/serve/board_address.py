"""Where a board is, and what went wrong on the way there, in words."""

import binascii
import re
from dataclasses import dataclass

from aioesphomeapi.core import (
    APIConnectionError,
    EncryptionPlaintextAPIError,
    HandshakeAPIError,
    InvalidAuthAPIError,
    InvalidEncryptionKeyAPIError,
    ProtocolAPIError,
    RequiresEncryptionAPIError,
    ResolveAPIError,
    SocketAPIError,
    TimeoutAPIError,
)

API_PORT = 6053
_KEY_BYTES = 32
_WRITTEN = re.compile(r"(?P<host>[^\s:/@\[\]]+|\[[^\s\[\]]+\])(:(?P<port>[0-9]{1,5}))?", re.ASCII)


class BoardError(Exception):
    """A board cannot be watched. `str()` is one line."""


@dataclass(frozen=True, slots=True)
class BoardAddress:
    """Host name or IP address, and the TCP port of ESPHome's API."""

    host: str
    port: int = API_PORT

    @classmethod
    def read(cls, text: str) -> "BoardAddress":
        """HOST, HOST:PORT or [IPv6]:PORT; ValueError."""
        found = _WRITTEN.fullmatch(text)
        if not found or not 1 <= (port := int(found["port"] or API_PORT)) <= 65535:
            raise ValueError(f"{text!r} must be HOST or HOST:PORT with a port within 1 and 65535, such as 192.168.1.50")
        return cls(found["host"].strip("[]"), port)

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def is_key(text: str) -> bool:
    """Whether it can be an encryption key: 32 bytes in base64."""
    try:
        return len(binascii.a2b_base64(text)) == _KEY_BYTES
    except ValueError:
        return False


def in_words(error: Exception, address: BoardAddress) -> str:
    """Why there is no connection, in a few words that follow those of who it is. Never the key."""
    if isinstance(error, InvalidEncryptionKeyAPIError):
        return "the encryption key is wrong; it stands under `api: encryption: key:` in the board's YAML"
    if isinstance(error, RequiresEncryptionAPIError):
        return "it wants an encryption key: --encryption-key, or NULLWATT_API_KEY in the environment"
    if isinstance(error, EncryptionPlaintextAPIError):
        return "it does not encrypt: leave the encryption key away"
    if isinstance(error, InvalidAuthAPIError):
        return "it wants a password; give it an encryption key instead"
    if isinstance(error, ResolveAPIError):
        return "the name does not resolve to an address"
    if isinstance(error, TimeoutAPIError | TimeoutError):
        return "it does not answer"
    if isinstance(error, HandshakeAPIError | ProtocolAPIError):
        return f"what answers is not ESPHome's native API, which is on port {API_PORT} as a rule"
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ConnectionRefusedError):
            return f"refused: nothing listens on TCP port {address.port}"
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror[:1].lower() + cause.strerror[1:]
        cause = cause.__cause__
    if isinstance(error, SocketAPIError):
        return f"it ended the connection: too many clients, or not ESPHome's native API (port {API_PORT} as a rule)"
    return "no connection" if isinstance(error, APIConnectionError) else f"no connection ({type(error).__name__})"
