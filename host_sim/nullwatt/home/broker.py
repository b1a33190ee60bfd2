"""Where an MQTT broker is, as users write it: mqtt[s]://user:password@host:port."""

from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

_PORTS = {"mqtt": 1883, "mqtts": 8883}
_MOST_BYTES = 65535  # of a user or a password, by the protocol


class BrokerError(ValueError):
    """An address that cannot be used. `str()` is one line, and tells nothing of what may be a password."""


@dataclass(frozen=True)
class BrokerAddress:
    """A broker. `str()` shows no credentials.

    Attributes:
        host, port: Address.
        tls: Encrypted, checked against the certificates that the system trusts.
        username, password: None = without.
    """

    host: str
    port: int
    tls: bool = False
    username: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"mqtt{'s' if self.tls else ''}://{host}:{self.port}"


def parse_broker(uri: str) -> BrokerAddress:
    """Read an address; in user and password every character may be written as %XX, and : / ? # @ % must be.

    Raises:
        BrokerError: It is none.
    """
    if not uri.isprintable() or " " in uri:
        raise BrokerError("must have no spaces and no control characters; write them as %XX")
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError:  # its text would show what may be a part of the password
        raise BrokerError("host or port is not valid; in user and password write : / ? # @ % as %XX") from None
    scheme = parts.scheme.lower()
    if scheme not in _PORTS or not parts.netloc:
        raise BrokerError("must begin with mqtt:// or mqtts://")
    if parts.path or parts.query or parts.fragment or uri.endswith(("?", "#")):
        raise BrokerError("must end after the port, without a path; in user and password write : / ? # @ % as %XX")
    if port == 0:
        raise BrokerError("port must be within 1 and 65535")
    host = parts.hostname or ""
    try:
        known = bool(host.encode("idna"))
    except UnicodeError:
        known = False
    if not known:
        raise BrokerError("must name a host, such as mqtt://192.168.1.10")
    username, password = _decoded(parts.username), _decoded(parts.password)
    if password is not None and not username:
        raise BrokerError("has a password but no user")
    return BrokerAddress(host, port or _PORTS[scheme], scheme == "mqtts", username or None, password)


def _decoded(text: str | None) -> str | None:
    if text is None:
        return None
    try:
        decoded = unquote(text, errors="strict")
        size = len(decoded.encode())
    except UnicodeError:
        raise BrokerError("user or password is not UTF-8") from None
    if size > _MOST_BYTES or "\0" in decoded:
        raise BrokerError("user or password is too long, or contains the character 0")
    return decoded
