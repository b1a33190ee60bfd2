"""A small HTTP/1.1 client. One connection per request; every reply is bounded in size, the caller bounds its time."""

import binascii

from nullwatt import tcp

_LINE = 512
_HEADERS = 4096
_MOST_INTERIM = 4
_CHUNK = 512


class HttpError(Exception):
    """No usable reply; `str()` says why. Never holds a secret."""


class Reply:
    """status: the number. headers: by name in lower case. body: bytes."""

    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body


class Client:
    """Asks one server; remembers how it wants to be logged in to."""

    def __init__(self, url, user="", password="", headers=None):
        """url: http://host[:port][/path], https where the board can. headers: sent with each request.

        HttpError for a URL that cannot be used; it is not repeated there, as it may hold a secret.
        """
        self.tls, self.host, self.port, self.path = split(url)
        for name, value in (headers or {}).items():
            _line_safe(name, value)
        self._headers = headers or {}
        self._user = user
        self._password = password
        self._login = None

    async def get(self, path="", limit=16384):
        """The reply to a GET."""
        return await self.request("GET", path, limit=limit)

    async def get_json(self, path="", limit=16384):
        """The document that a GET brings; HttpError for any status but 200 and for what is not JSON."""
        reply = await self.get(path, limit)
        if reply.status != 200:
            raise HttpError(f"{self.host} answers {reply.status}{_meaning(reply.status, self._user)}")
        from nullwatt import strict_json

        try:
            return strict_json.loads(reply.body)
        except (ValueError, RuntimeError):  # UnicodeError is a ValueError
            raise HttpError(f"{self.host} answers what is not JSON: {_start(reply.body)}") from None

    async def request(self, method, path="", body=b"", headers=None, limit=16384):
        """The reply to a request. path: starts with /; left out = that of the URL. limit: of the body, bytes."""
        path = path or self.path
        _path_safe(path)
        reply = await self._once(method, path, body, headers, limit)
        if reply.status == 401 and self._user and self._choose(reply):
            reply = await self._once(method, path, body, headers, limit)
            if reply.status == 401:
                self._login = None  # asked for anew next time
        return reply

    def _choose(self, reply):
        """Take up the log-in that a 401 asks for; False = none that is known, or what was sent is wrong."""
        before = self._login
        self._login = choose(reply.headers.get("www-authenticate", ""), self._user, self._password)
        return self._login is not None and (before is None or isinstance(self._login, Digest))

    async def _once(self, method, path, body, headers, limit):
        lines = [f"{method} {path} HTTP/1.1", "Connection: close"]
        port = "" if self.port == (443 if self.tls else 80) else f":{self.port}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        lines.append(f"Host: {host}{port}")
        for pairs in (self._headers, headers or {}):
            for name, value in pairs.items():
                _line_safe(name, value)
                lines.append(f"{name}: {value}")
        if body or method != "GET":
            lines.append(f"Content-Length: {len(body)}")
        if self._login is not None:
            lines.append("Authorization: " + self._login.header(method, path))
        lines.append("\r\n")
        stream = None
        try:
            stream = await tcp.connect(self.host, self.port, self.tls)
            stream.write("\r\n".join(lines).encode())
            if body:
                stream.write(body)
            await stream.drain()
            return await _Reader(stream).reply(limit)
        except OSError as error:
            raise HttpError(f"{self.host}: {tcp.words(error)}") from None
        except EOFError:
            raise HttpError(f"{self.host}: the answer is cut off") from None
        finally:
            tcp.close(stream)


class _Reader:
    """Takes a reply out of a stream that may send anything."""

    def __init__(self, stream):
        self._stream = stream
        self._buffer = b""

    async def reply(self, limit):
        for _ in range(_MOST_INTERIM):
            status = _status(await self._line(_LINE))
            headers = await self._headers()
            if status >= 200:
                break
        else:
            raise HttpError("only interim answers")
        if status in (204, 304):
            return Reply(status, headers, b"")
        coding = headers.get("transfer-encoding", "").strip().lower()
        if coding and coding != "identity":
            if coding != "chunked":
                raise HttpError("transfer encoding that is not known: " + coding[:20])
            body = await self._chunks(limit)
        elif "content-length" in headers:
            body = await self._exactly(_length(headers["content-length"], limit))
        else:
            body = await self._rest(limit)
        return Reply(status, headers, body)

    async def _headers(self):
        headers = {}
        left = _HEADERS
        while True:
            line = await self._line(left)
            if not line:
                return headers
            left -= len(line) + 2
            name, colon, value = line.partition(b":")
            if not colon:
                raise HttpError("a header without a colon")
            name = _text(name).strip().lower()
            value = _text(value).strip()
            if name in headers and name == "content-length" and headers[name] != value:
                raise HttpError("two lengths")
            # several of a name are a list
            headers[name] = headers[name] + ", " + value if name in headers and name != "content-length" else value

    async def _chunks(self, limit):
        body = bytearray()
        while True:
            size = _hex((await self._line(64)).partition(b";")[0].strip(), limit - len(body))
            if not size:
                break
            body.extend(await self._exactly(size))
            if await self._line(2):
                raise HttpError("a chunk that is longer than it says")
        await self._headers()  # of the trailer
        return bytes(body)

    async def _line(self, limit):
        """Without its end."""
        while True:
            end = self._buffer.find(b"\n")
            if end > limit or (end < 0 and len(self._buffer) > limit):
                raise HttpError("a line or header that is too long")
            if end >= 0:
                line = self._buffer[:end]
                self._buffer = self._buffer[end + 1 :]
                return line[:-1] if line.endswith(b"\r") else line
            self._buffer += await self._more()

    async def _exactly(self, count):
        body = bytearray(self._buffer[:count])
        self._buffer = self._buffer[count:]
        while len(body) < count:
            got = await self._more(min(_CHUNK, count - len(body)))
            body.extend(got)
        return bytes(body)

    async def _rest(self, limit):
        body = bytearray(self._buffer)
        self._buffer = b""
        while True:
            if len(body) > limit:
                raise HttpError(f"the answer is longer than {limit} bytes")
            got = await self._stream.read(_CHUNK)
            if not got:
                return bytes(body)
            body.extend(got)

    async def _more(self, count=_CHUNK):
        got = await self._stream.read(count)
        if not got:
            raise EOFError
        return got


class Basic:
    """Log-in with user and password as they are."""

    def __init__(self, user, password):
        self._value = "Basic " + _text(binascii.b2a_base64(f"{user}:{password}".encode())).strip()

    def header(self, method, path):
        return self._value


class Digest:
    """Log-in that shows a hash (RFC 7616), qop auth or none."""

    def __init__(self, fields, hash_of, user, password):
        self._fields = fields
        self._hash = hash_of
        self._user = user
        self._secret = hash_of(f"{user}:{fields['realm']}:{password}")
        self._count = 0

    def header(self, method, path):
        import os

        fields = self._fields
        self._count += 1
        count = f"{self._count:08x}"
        own = _text(binascii.hexlify(os.urandom(8)))
        request = self._hash(f"{method}:{path}")
        parts = [
            f'Digest username="{_quoted(self._user)}"',
            f'realm="{fields["realm"]}"',
            f'nonce="{fields["nonce"]}"',
            f'uri="{path}"',
        ]
        if "qop" in fields:
            middle = f"{fields['nonce']}:{count}:{own}:auth"
            parts.append(f'qop=auth, nc={count}, cnonce="{own}"')
        else:
            middle = fields["nonce"]
        parts.append('response="' + self._hash(f"{self._secret}:{middle}:{request}") + '"')
        if "algorithm" in fields:
            parts.append("algorithm=" + fields["algorithm"])
        if "opaque" in fields:
            parts.append(f'opaque="{fields["opaque"]}"')
        return ", ".join(parts)


def choose(challenge, user, password):
    """The log-in for a WWW-Authenticate header: the best that this board can; None if it asks for none.

    HttpError if it only asks for what cannot be done.
    """
    best = None
    unknown = ""
    for scheme, fields in challenges(challenge):
        if scheme == "basic" and best is None:
            best = (0, Basic(user, password))
        elif scheme == "digest":
            name = fields.get("algorithm", "MD5").upper()
            hash_of = _hashes(name)
            rank = 2 if name == "SHA-256" else 1
            if "nonce" not in fields or "realm" not in fields:
                continue
            if hash_of is None or ("qop" in fields and "auth" not in _words(fields["qop"])):
                unknown = name
            elif best is None or best[0] < rank:
                best = (rank, Digest(fields, hash_of, user, password))
    if best is None and unknown:
        raise HttpError(f"digest log-in with {unknown[:20]} is not possible on this board")
    return best[1] if best else None


def challenges(text):
    """[(scheme, {name: value})] of a WWW-Authenticate header, which lists them all; what is spoilt is left out."""
    found = []
    for part in _parts(text):
        name, equals, value = part.partition("=")
        name = name.strip()
        if " " in name or not equals:  # a scheme begins, with or without a first field
            scheme, _, name = part.strip().partition(" ")
            found.append((scheme.lower(), {}))
            name, equals, value = name.partition("=")
            name = name.strip()
        if equals and found:
            value = value.strip()
            if len(value) >= 2 and value[0] == '"' and value[-1] == '"':
                value = value[1:-1]
            found[-1][1][name.lower()] = value
    return found


def _parts(text):
    """Cut at the commas outside of quotes."""
    parts = []
    start = 0
    quoted = False
    for at in range(len(text)):
        if text[at] == '"':
            quoted = not quoted
        elif text[at] == "," and not quoted:
            parts.append(text[start:at])
            start = at + 1
    parts.append(text[start:])
    return parts


def _hashes(name):
    """Text -> hex with the algorithm of that name; None if the board has none."""
    import hashlib

    kind = {"MD5": "md5", "SHA-256": "sha256"}.get(name)
    make = getattr(hashlib, kind, None) if kind else None
    return (lambda text: _text(binascii.hexlify(make(text.encode()).digest()))) if make else None


def split(url):
    """(tls, host, port, path) of a URL; HttpError."""
    scheme, colon, rest = url.partition("://")
    if not colon or scheme not in ("http", "https"):
        raise HttpError("a URL must start with http:// or https://")
    end = len(rest)
    for mark in "/?":
        found = rest.find(mark)
        if 0 <= found < end:
            end = found
    place = rest[:end]
    path = rest[end:].partition("#")[0]
    if "@" in place:
        raise HttpError("a URL must not hold user and password: they are keys of their own")
    if place.startswith("["):
        host, _, port = place[1:].partition("]")
        port = port[1:]
    else:
        host, _, port = place.partition(":")
    tls = scheme == "https"
    if not host or (port and not (port.isdigit() and len(port) < 6 and 0 < int(port) < 65536)):
        raise HttpError("a URL needs a host, and a port within 1 and 65535 if any")
    _path_safe(host)
    _path_safe(path)
    return tls, host, int(port) if port else (443 if tls else 80), path if path.startswith("/") else "/" + path


def quote(text):
    """A text as part of a URL."""
    return "".join([chr(c) if _plain(c) else f"%{c:02X}" for c in text.encode()])


def _plain(code):
    return chr(code) in "-._~" or 48 <= code <= 57 or 65 <= code <= 90 or 97 <= code <= 122


def _path_safe(path):
    for char in path:
        if not "!" <= char <= "~":
            raise HttpError("a URL must hold neither blanks nor special characters: write them as %20 and so on")


def _line_safe(name, value):
    if not isinstance(name, str) or not isinstance(value, str):
        raise HttpError("headers must be texts")
    if not name or ":" in name or " " in name or "\n" in name + value or "\r" in name + value:
        raise HttpError("a header must be one line")


def _status(line):
    start, _, rest = line.partition(b" ")
    number = rest[:3]
    if not start.startswith(b"HTTP/1.") or not (len(number) == 3 and number.isdigit()) or rest[3:4] not in (b"", b" "):
        raise HttpError("the answer is not HTTP: " + _start(line))
    status = int(number)
    if status < 100:
        raise HttpError(f"a status that does not exist: {status}")
    return status


def _length(text, limit):
    if not text.isdigit():
        raise HttpError("a length that is none: " + text[:20])
    if len(text) > 9 or int(text) > limit:
        raise HttpError(f"the answer is longer than {limit} bytes")
    return int(text)


def _hex(digits, limit):
    if not digits:
        raise HttpError("a chunk without a size")
    for digit in digits:
        if digit not in b"0123456789abcdefABCDEF":
            raise HttpError("a chunk without a size")
    if len(digits) > 8 or int(digits, 16) > limit:
        raise HttpError("the answer is longer than allowed")
    return int(digits, 16)


def _meaning(status, user):
    if status == 401:
        return ": user or password is wrong" if user else ": it wants user and password"
    return {403: ": forbidden", 404: ": not found"}.get(status, "")


def _words(text):
    return [word.strip().lower() for word in text.split(",")]


def _text(data):
    """Bytes as a text, whatever they are."""
    return "".join([chr(byte) for byte in data])


def _start(data):
    """The beginning of bytes, for an error text."""
    return '"' + "".join([chr(byte) if 32 <= byte < 127 else "." for byte in data[:30]]) + '"'


def _quoted(text):
    return text.replace("\\", "\\\\").replace('"', '\\"')
