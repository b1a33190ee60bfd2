"""TCP connections that are closed whatever happens."""

import asyncio
import errno
import socket
import time

#: While a name is looked up everything stands still, for seconds if it fails: so long it is not tried again, ms.
_LOOK_UP_AGAIN_MS = 20000
_FAILED_NAMES: dict = {}
_MOST_NAMES = 8
_WORDS = {
    errno.ECONNREFUSED: "connection refused",
    errno.ECONNRESET: "connection reset",
    errno.EHOSTUNREACH: "cannot be reached",
    errno.ETIMEDOUT: "no answer",
}


async def connect(host, port, tls=False):
    """A stream to read from and write to; the caller closes it with `close`. OSError, also for https without `ssl`.

    Unlike `asyncio.open_connection` it loses no socket when it is cancelled, and tells a refusal.
    """
    wrap = _tls() if tls else None
    family, kind, protocol, _, address = _look_up(host, port)
    raw = socket.socket(family, kind, protocol)
    try:
        raw.setblocking(False)
        try:
            raw.connect(address)
        except OSError as error:
            if error.errno != errno.EINPROGRESS:
                raise
        if wrap is not None:
            await _writable(raw)
            raw = wrap(raw, host)
        stream = asyncio.StreamReader(raw)
        await _writable(raw)
        return stream
    except BaseException:
        raw.close()
        raise


def close(stream):
    """Free the socket of a stream at once; None is allowed."""
    if stream is not None:
        stream.s.close()


def words(error):
    """An OSError as words."""
    return _WORDS.get(error.errno) or str(error)


async def _writable(raw):
    yield asyncio.core._io_queue.queue_write(raw)


def _look_up(host, port):
    since = _FAILED_NAMES.get(host)
    if since is not None and time.ticks_diff(time.ticks_ms(), since) < _LOOK_UP_AGAIN_MS:
        raise OSError(f"no address for the name {host}")
    try:
        found = socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)[0]
    except OSError:
        if len(_FAILED_NAMES) >= _MOST_NAMES:
            _FAILED_NAMES.clear()
        _FAILED_NAMES[host] = time.ticks_ms()
        raise OSError(f"no address for the name {host}") from None
    _FAILED_NAMES.pop(host, None)
    return found


def _tls():
    try:
        import ssl

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    except (ImportError, AttributeError):
        raise OSError("https is not possible on this board, use http") from None
    context.verify_mode = ssl.CERT_NONE  # there is no store of certificates on a board

    def wrap(raw, host):
        wrapped = context.wrap_socket(raw, server_hostname=host, do_handshake_on_connect=False)
        wrapped.setblocking(False)
        return wrapped

    return wrap
