"""The page: a small HTTP server for what is going on and for setting up.

Everything that reads or waits is bounded. Whoever is slow loses the connection to whoever comes next.
"""

import asyncio
import errno
import gc
import json
import time

from nullwatt import log, store, strict_json
from nullwatt.keys import ConfigError
from nullwatt.portal import PROBES

_MOST_CONNECTIONS = 4
_LONGEST_HEAD = 4096
_LONGEST_BODY = 8192
#: Of a body that is too long, so much is taken in, or the sender would never see why it was refused.
_DISCARDED = 65536
#: s to send a head, a body, and to take an answer.
_HEAD_S = 5
_BODY_S = 10
_ANSWER_S = 20
#: ms without anything more of what is refused, and of taking it in at all.
_DISCARD_MS = 200
_LONGEST_DISCARD_MS = 3000
#: ms that a wrong password costs.
_WRONG_MS = 1000
_PIECE = 1024
#: errno has no names for them here: no space left, file too large.
_NO_ROOM = (28, 27)
_REASONS = {
    200: "OK",
    302: "Found",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Timeout",
    411: "Length Required",
    413: "Content Too Large",
    415: "Unsupported Media Type",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    503: "Service Unavailable",
    507: "Insufficient Storage",
}
_HEADERS = (
    "Connection: close\r\n"
    "Cache-Control: no-store\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "Referrer-Policy: same-origin\r\n"
    "Content-Security-Policy: default-src 'none'; connect-src 'self'; img-src data:; script-src 'unsafe-inline'; "
    "style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'\r\n"
)
_KEPT_HEADERS = (
    "host",
    "origin",
    "authorization",
    "content-length",
    "content-type",
    "transfer-encoding",
    "sec-fetch-site",
)
#: What routers append to the names of hosts; any other name may be somebody's who wants in through a browser.
_DOMAINS = ("", "local", "lan", "home", "fritz.box", "home.arpa", "internal", "localdomain", "speedport.ip")


class RefusedError(Exception):
    """An answer other than the one asked for."""

    def __init__(self, status, text, more=""):
        super().__init__(text)
        self.status = status
        self.more = more  # header lines


class Web:
    """Serves the pages of an application.

    Attributes:
        requests: Counts those understood.
        port: TCP; known once it runs.
    """

    def __init__(self, app, path, wifi=None, mqtt=None, ports=None):
        """path: the configuration. ports: to be tried in this order; None = that of the configuration."""
        self.requests = 0
        self.port = 0
        self._app = app
        self._path = path
        self._wifi = wifi
        self._mqtt = mqtt
        self._ports = ports or (app.settings.web["port"],)
        self._password = app.settings.web["password"]
        self._open = []  # [task, stream, whether it has sent its head], oldest first
        self._routes = {
            "/": ("GET", self._get_root),
            "/setup": ("GET", self._get_setup),
            "/api/status": ("GET", self._get_status),
            "/api/config": ("GET", self._get_config, "POST", self._post_config),
            "/api/meter": ("GET", self._get_meter),
            "/api/networks": ("GET", self._get_networks),
            "/api/restart": ("POST", self._post_restart),
        }

    async def run(self):
        """For ever."""
        server = None
        for port in self._ports:
            try:
                server = await asyncio.start_server(self._connected, "0.0.0.0", port, 4)
                break
            except OSError as error:
                if port == self._ports[-1]:
                    why = "taken" if error.errno == errno.EADDRINUSE else f"not to be had (error {error.errno})"
                    raise OSError(f"port {port} is {why}") from None
        self.port = port
        log.info("web: http://%s:%d", (self._wifi and self._wifi.address) or "0.0.0.0", port)
        try:
            await server.wait_closed()
        finally:
            server.close()
            for one in list(self._open):
                one[0].cancel()

    # -- a connection

    async def _connected(self, stream, _):
        own = [asyncio.current_task(), stream, False]
        try:
            if len(self._open) >= _MOST_CONNECTIONS:
                # Whoever has not asked yet, or has been here longest, makes room. Saving is never cut in two.
                idle = [one for one in self._open if not one[2]] or self._open
                one = idle[0]
                self._open.remove(one)
                one[0].cancel()
            self._open.append(own)
            await self._serve(stream, own)
        except (OSError, EOFError, asyncio.TimeoutError, asyncio.CancelledError):
            pass  # whoever it was is gone, or too slow
        except Exception as error:
            log.error("web: %s: %s", type(error).__name__, error)
        finally:
            stream.s.close()
            if own in self._open:
                self._open.remove(own)

    async def _serve(self, stream, own):
        request = None
        try:
            request = await asyncio.wait_for(_read_head(stream), _HEAD_S)
            own[2] = True
            self.requests += 1
            answer = await self._handle(request, stream)
        except RefusedError as refused:
            await _discard(request, stream)
            body = json.dumps({"error": str(refused)})
            answer = (refused.status, "application/json", (body,), refused.more)
        except MemoryError:
            gc.collect()
            answer = (503, "application/json", ('{"error": "not enough memory just now, try again"}',), "")
        await asyncio.wait_for(_send(stream, answer, request is None or request.method != "HEAD"), _ANSWER_S)

    async def _handle(self, request, stream):
        gc.collect()
        wifi = self._wifi
        if wifi is not None and wifi.setup_address:
            strange = name_of(request.headers.get("host", "")) not in (wifi.setup_address, wifi.address)
            if request.method != "POST" and (request.path in PROBES or strange):
                return 302, "text/plain", (), f"Location: http://{wifi.setup_address}{_colon(self.port)}/setup\r\n"
        route = self._routes.get(request.path)
        if route is None:
            raise RefusedError(404, "there is no such page")
        method = "GET" if request.method == "HEAD" else request.method
        if method not in route:
            allowed = ", ".join([part for part in route if isinstance(part, str)])
            raise RefusedError(405, f"this page takes {allowed}", f"Allow: {allowed}\r\n")
        if method == "POST":
            self._same_site(request)
        if method == "POST" or request.path not in ("/", "/api/status"):
            await self._authorized(request)
        call = route[route.index(method) + 1]
        if method == "POST":
            return await call(await _read_json(request, stream))
        return await call(request)

    def _same_site(self, request):
        """A page of somebody else's, open in a browser here, must not change anything."""
        headers = request.headers
        host = headers.get("host", "")
        origin = headers.get("origin")
        if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            raise RefusedError(403, "another site must not change this one")
        if origin is not None and origin not in ("http://" + host, "https://" + host):
            raise RefusedError(403, "another site must not change this one")
        if not self._is_own(name_of(host)):
            raise RefusedError(
                403, f"use the address, or the name {self._app.settings.wifi['hostname']}, to change anything"
            )
        if headers.get("content-type", "").split(";")[0].strip().lower() != "application/json":
            raise RefusedError(415, "must be application/json")

    def _is_own(self, name):
        """Whether only this board can have the name: an address, or its host name in a home's network."""
        if name == "localhost" or name.startswith("[") or all(c.isdigit() or c == "." for c in name):
            return bool(name)
        first, _, domain = name.partition(".")
        return first == self._app.settings.wifi["hostname"].lower() and domain in _DOMAINS

    async def _authorized(self, request):
        if not self._password:
            return
        import binascii

        kind, _, token = request.headers.get("authorization", "").partition(" ")
        given = b""
        if kind.lower() == "basic":
            try:
                given = binascii.a2b_base64(token).partition(b":")[2]
            except ValueError:
                pass
        if given and _equal(given, self._password.encode()):
            return
        if given:
            log.warning("web: wrong password")
            await asyncio.sleep_ms(_WRONG_MS)
        raise RefusedError(
            401, "the password is asked for", 'WWW-Authenticate: Basic realm="nullwatt", charset="UTF-8"\r\n'
        )

    # -- pages

    async def _get_root(self, request):
        if self._app.emulator is None:
            return 302, "text/plain", (), "Location: /setup\r\n"
        from nullwatt import pages

        return 200, "text/html; charset=utf-8", pages.text_of("status"), ""

    async def _get_setup(self, request):
        from nullwatt import pages

        return 200, "text/html; charset=utf-8", pages.text_of("setup"), ""

    async def _get_status(self, request):
        return 200, "application/json", self._status(), ""

    def _status(self):
        from nullwatt import __version__, payload

        app = self._app
        yield json.dumps({"version": __version__, "name": app.settings.wifi["hostname"]})[:-1]
        yield ', "state": ' + json.dumps(payload.state(app)) + ', "batteries": ['
        for index, battery in enumerate(payload.batteries(app)):
            yield (", " if index else "") + json.dumps(battery)
        links = {}
        if self._wifi is not None:
            links["wifi"] = {"address": self._wifi.address}
            if self._wifi.rssi is not None:
                links["wifi"]["rssi"] = self._wifi.rssi
        if self._mqtt is not None:
            links["mqtt"] = {"connected": self._mqtt.connected}
            if self._mqtt.error:
                links["mqtt"]["error"] = self._mqtt.error
        yield '], "links": ' + json.dumps(links) + ', "log": ['
        for index, line in enumerate(list(log.lines)):
            yield (", " if index else "") + json.dumps(line)
        yield "]}"

    async def _get_config(self, request):
        return 200, "application/json", self._config(), ""

    def _config(self):
        from nullwatt.config import SECTIONS
        from nullwatt.meters import TYPES

        problem = ""
        try:
            document = store.read(self._path)
        except ConfigError as error:
            document, problem = {}, str(error)
        shown, kept = store.public(document)
        yield '{"config": ' + json.dumps(shown)
        yield ', "secrets": ' + json.dumps(kept)
        yield ', "problem": ' + json.dumps(problem)
        yield ', "setup": ' + json.dumps(self._app.emulator is None)
        yield ', "scan": ' + json.dumps(self._wifi is not None)
        yield ', "meters": ' + json.dumps(sorted(TYPES)) + ', "sections": {'
        for index, name in enumerate(SECTIONS):
            yield f'{", " if index else ""}"{name}": {json.dumps(_table(SECTIONS[name]))}'
        yield "}}"

    async def _get_meter(self, request):
        kind = unquote(request.query[5:]) if request.query.startswith("type=") else ""
        if ":" in kind:
            # Loads a file of the user's: only the one that is set, not one that a link names.
            document = store.read(self._path)
            if not isinstance(document.get("meter"), dict) or document["meter"].get("type") != kind:
                raise RefusedError(404, "save this meter first")
        keys = store.keys_of(kind)
        gc.collect()
        if keys is None:
            raise RefusedError(404, "there is no such meter on this board")
        return 200, "application/json", (json.dumps(_table(keys)),), ""

    async def _get_networks(self, request):
        found = self._wifi.scan() if self._wifi is not None else []
        return 200, "application/json", (json.dumps([[name, rssi, free] for name, rssi, free in found]),), ""

    async def _post_config(self, new):
        if not isinstance(new, dict):
            raise RefusedError(400, "must be an object with sections, such as wifi and meter")
        try:
            old = store.read(self._path)
        except ConfigError:
            old = {}
        document, forgotten = store.merge(old, new)
        try:
            store.check(document)
            store.write(self._path, document)
        except ConfigError as error:
            raise RefusedError(400, str(error)) from None
        except OSError as error:
            why = "no room left" if error.errno in _NO_ROOM else f"error {error.errno}"
            log.error("web: %s is not saved: %s", self._path, why)
            raise RefusedError(507, f"{self._path} cannot be written ({why}); the old one is kept") from None
        log.info("web: %s saved, counts after a restart", self._path)
        return 200, "application/json", (json.dumps({"saved": True, "forgotten": forgotten}),), ""

    async def _post_restart(self, _):
        log.info("web: restart asked for")
        self._app.ending = True
        return 200, "application/json", ('{"restarting": true}',), ""


class _Request:
    """What a head said, and what of the body came with it."""

    def __init__(self, method, target, headers, rest):
        self.method = method
        self.path, _, self.query = target.partition("?")
        self.headers = headers
        self.rest = rest


async def _read_head(stream):
    data = b""
    while True:
        end = data.find(b"\r\n\r\n")
        if end >= 0:
            break
        if len(data) >= _LONGEST_HEAD:
            raise RefusedError(431, "the head is too long")
        piece = await stream.read(min(512, _LONGEST_HEAD - len(data)))
        if not piece:
            raise EOFError
        data += piece
    try:
        lines = str(data[:end], "utf-8").split("\r\n")
    except UnicodeError:
        raise RefusedError(400, "the head is no text") from None
    words = lines[0].split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1.") or not words[1].startswith("/") or len(words[1]) > 256:
        raise RefusedError(400, "is no request")
    headers = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        name = name.lower()
        if not colon or not name or name.strip() != name:
            raise RefusedError(400, "is no request")
        if name in _KEPT_HEADERS:
            if name in headers:
                raise RefusedError(400, f"has {name} twice")
            headers[name] = value.strip()
    return _Request(words[0], words[1], headers, data[end + 4 :])


async def _read_json(request, stream):
    headers = request.headers
    size = headers.get("content-length", "")
    if "transfer-encoding" in headers or not size:
        raise RefusedError(411, "needs the header Content-Length")
    if not size.isdigit() or len(size) > 9:
        raise RefusedError(400, "Content-Length must be a number")
    size = int(size)
    if size > _LONGEST_BODY:
        raise RefusedError(413, f"at most {_LONGEST_BODY} bytes are taken")
    body, request.rest = request.rest[:size], b""
    if len(body) < size:
        try:
            body += await asyncio.wait_for(stream.readexactly(size - len(body)), _BODY_S)
        except asyncio.TimeoutError:
            raise RefusedError(408, "the body did not come in time") from None
    request.headers["content-length"] = "0"  # all of it is read
    try:
        return strict_json.loads(body)
    except (ValueError, RuntimeError):
        raise RefusedError(400, "is not JSON") from None


async def _discard(request, stream):
    """Take in the rest of what is refused: closing before that would take the answer away from the sender.

    request: None = its head was refused, and nobody knows how much there is.
    """
    left = _DISCARDED
    if request is not None:
        size = request.headers.get("content-length", "")
        left = min(left, int(size) - len(request.rest)) if size.isdigit() and len(size) <= 9 else 0
    end = time.ticks_add(time.ticks_ms(), _LONGEST_DISCARD_MS)
    try:
        while left > 0 and time.ticks_diff(end, time.ticks_ms()) > 0:
            piece = await asyncio.wait_for_ms(stream.read(min(left, 1024)), _DISCARD_MS)
            if not piece:
                break
            left -= len(piece)
    except asyncio.TimeoutError:
        pass


async def _send(stream, answer, with_body):
    status, kind, body, more = answer
    # The realm of a page is one browser tab's: an answer is never kept, nor read as anything else.
    head = f"HTTP/1.1 {status} {_REASONS[status]}\r\nContent-Type: {kind}\r\n{_HEADERS}{more}\r\n"
    stream.write(head.encode())
    await stream.drain()
    if not with_body:
        return
    for text in body:
        data = text.encode() if isinstance(text, str) else text
        for start in range(0, len(data), _PIECE):
            stream.write(data[start : start + _PIECE])
            await stream.drain()


def _table(keys):
    """Keys as the page makes fields of them."""
    found = {}
    for name, key in keys.items():
        one = {"kind": key.kind.__name__, "secret": key.secret, "help": key.help}
        if type(key.default).__name__ == "_Required":
            one["required"] = True
        elif key.default is not None and not key.secret:
            one["default"] = key.default
        if key.low is not None:
            one["low"] = key.low
        if key.high is not None:
            one["high"] = key.high
        if key.choices:
            one["choices"] = list(key.choices)
        found[name] = one
    return found


def _equal(a, b):
    """In a time that does not tell how much of it was right."""
    differs = len(a) ^ len(b)
    for index in range(len(a)):
        differs |= a[index] ^ b[index % len(b)]
    return not differs


def name_of(host):
    """A Host header without its port."""
    host = host.lower()
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0]


def unquote(text):
    """Undo the percent signs of a URL."""
    parts = text.replace("+", " ").split("%")
    found = parts[0].encode()
    for part in parts[1:]:
        try:
            found += bytes((int(part[:2], 16),)) + part[2:].encode()
        except ValueError:
            found += b"%" + part.encode()
    try:
        return str(found, "utf-8")
    except UnicodeError:
        return ""


def _colon(port):
    return "" if port == 80 else ":%d" % port
