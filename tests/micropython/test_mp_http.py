"""The HTTP client of the MicroPython application, against servers that answer right and wrong."""

import base64
import hashlib
import re
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import counterparts
import pytest
from counterparts import Answer, Program, Request, Web, reply, reset, web
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

MD5 = '''
"""MD5 for a MicroPython that was built without."""
from uhashlib import sha256
import binascii, math

class md5:
    def __init__(self, data=b""):
        self._data = data

    def digest(self):
        turn = ([7, 12, 17, 22] * 4) + ([5, 9, 14, 20] * 4) + ([4, 11, 16, 23] * 4) + ([6, 10, 15, 21] * 4)
        size = len(self._data) * 8
        data = self._data + b"\\x80"
        while len(data) % 64 != 56:
            data += b"\\x00"
        data += size.to_bytes(8, "little")
        state = [0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476]
        for at in range(0, len(data), 64):
            words = [int.from_bytes(data[at + 4 * i : at + 4 * i + 4], "little") for i in range(16)]
            a, b, c, d = state
            for i in range(64):
                if i < 16:
                    f, g = (b & c) | (~b & d), i
                elif i < 32:
                    f, g = (d & b) | (~d & c), (5 * i + 1) % 16
                elif i < 48:
                    f, g = b ^ c ^ d, (3 * i + 5) % 16
                else:
                    f, g = c ^ (b | (~d & 0xFFFFFFFF)), 7 * i % 16
                f = (f + a + int(abs(math.sin(i + 1)) * 4294967296) + words[g]) & 0xFFFFFFFF
                a, d, c = d, c, b
                b = (b + (f << turn[i] | f >> (32 - turn[i]))) & 0xFFFFFFFF
            state = [(x + y) & 0xFFFFFFFF for x, y in zip(state, (a, b, c, d))]
        return b"".join([x.to_bytes(4, "little") for x in state])
'''


@pytest.fixture(scope="module")
def client(micropython: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """One program for all tests of this file: what one leaves open, another would find."""
    with counterparts.program(micropython, "run_http.py", folder=tmp_path_factory.mktemp("http")) as started:
        yield started


@pytest.fixture
def serve() -> Iterator[Callable[[Answer | Callable[[Request], Answer]], Web]]:
    """A server that always gives one answer, or what a function of the request makes."""
    made = []

    def start(answer: Answer | Callable[[Request], Answer]) -> Web:
        of_request = (lambda _: answer) if isinstance(answer, bytes) else answer
        made.append(Web(of_request))
        return made[-1]

    yield start
    for served in made:
        served.close()


type Serve = Callable[[Answer | Callable[[Request], Answer]], Web]


def test_what_is_asked(client: Program, serve: Serve) -> None:
    server = serve(reply(b"\x00yes\xff", headers="X-A: 1\r\nx-a:  2 \r\n"))
    found = client.ask(url=server.url + "/a/b?c=%20d#e", method="POST", body="ab\nc", headers={"X-Key": "v"})
    assert found["replies"] == [
        {"status": 200, "body": b"\x00yes\xff".hex(), "headers": {"x-a": "1, 2", "content-length": "5"}}
    ]
    (asked,) = server.requests
    assert (asked.method, asked.path, asked.body) == ("POST", "/a/b?c=%20d", b"ab\nc")
    assert asked.headers == {"host": server.host, "connection": "close", "content-length": "4", "x-key": "v"}


@pytest.mark.parametrize(
    ("answer", "status", "body"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabcd", 200, b"ab"),
        (b"HTTP/1.0 200 OK\r\n\r\nuntil the end", 200, b"until the end"),
        (b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", 200, b""),
        (b"HTTP/1.1 200 OK\nContent-Length: 2\n\nab", 200, b"ab"),
        (b"HTTP/1.1 204 None\r\n\r\n", 204, b""),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Made\r\n\r\nx", 201, b"x"),
        (b"HTTP/1.1 404 No\r\nContent-Length: 1\r\n\r\nx", 404, b"x"),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n2;a=b\r\nab\r\nA\r\n0123456789\r\n0\r\nT: 1\r\n\r\n",
            200,
            b"ab0123456789",
        ),
    ],
)
def test_replies(client: Program, serve: Serve, answer: bytes, status: int, body: bytes) -> None:
    (found,) = client.ask(url=serve(answer).url)["replies"]
    assert (found["status"], bytes.fromhex(found["body"])) == (status, body)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"", "cut off"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabcd", "cut off"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcd", "cut off"),
        (b"HTTP/1.1 200 OK\r\nX", "cut off"),
        (b"SSH-2.0-x\r\n", 'not HTTP: "SSH-2.0-x"'),
        (b"HTTP/1.1 abc\r\n\r\n", "not HTTP"),
        (b"HTTP/1.1 099 x\r\n\r\n", "status"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", "length that is none"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n", "longer than 16384"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", "two lengths"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", "gzip"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n", "without a size"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffff\r\n", "longer than"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3fff\r\n" + b"x" * 16383 + b"\r\n2\r\n", "longer than"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n", "longer than it says"),
        (b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", "colon"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 9999, "too long"),
        (b"HTTP/1.1 " + b"2" * 9999, "too long"),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 16385, "longer than 16384"),
    ],
)
def test_replies_that_are_none(client: Program, serve: Serve, answer: bytes, words: str) -> None:
    assert words in client.ask(url=serve(answer).url)["error"]


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        (reset, "reset"),
        (counterparts.endless, "longer than"),
        (counterparts.endless_headers, "too long"),
        (counterparts.endless_interim, "interim"),
    ],
)
def test_connections_that_are_broken(
    client: Program, serve: Serve, behaviour: Callable[[socket.socket], None], words: str
) -> None:
    assert words in client.ask(url=serve(lambda _: behaviour).url)["error"]


@pytest.mark.parametrize("behaviour", [counterparts.silence, counterparts.drop_by_drop])
def test_a_server_that_is_too_slow_is_given_up(
    client: Program, serve: Serve, behaviour: Callable[[socket.socket], None]
) -> None:
    assert client.ask(url=serve(lambda _: behaviour).url, timeout=0.3) == {"unexpected": "TimeoutError()"}
    assert client.sockets() == 0


def test_no_connection(client: Program) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert client.ask(url=f"http://127.0.0.1:{port}/") == {"error": "127.0.0.1: connection refused"}
    # an address that nobody answers from: the connection is given up while it is being made
    full = socket.create_server(("127.0.0.1", 0), backlog=0)
    waiting = [socket.socket() for _ in range(3)]
    for one in waiting:
        one.setblocking(False)
        one.connect_ex(full.getsockname())
    assert client.ask(url=f"http://127.0.0.1:{full.getsockname()[1]}/", timeout=0.3) == {"unexpected": "TimeoutError()"}
    assert client.sockets() == 0
    for one in (*waiting, full):
        one.close()


def test_a_name_without_an_address_is_not_looked_up_again_and_again(client: Program) -> None:
    for _ in range(2):
        assert client.ask(url="http://nobody.invalid/") == {
            "error": "nobody.invalid: no address for the name nobody.invalid"
        }


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("ftp://a", "start with http"),
        ("a", "start with http"),
        ("http://", "needs a host"),
        ("http://a:0/", "port"),
        ("http://a:99999/", "port"),
        ("http://a/b c", "blanks"),
        ("http://a/\r\nX: y", "blanks"),
        ("http://u:geheim@a/", "keys of their own"),
    ],
)
def test_urls_that_cannot_be_used(client: Program, url: str, words: str) -> None:
    error = client.ask(url=url)["error"]
    assert words in error
    assert "geheim" not in error


def test_https_without_tls_is_one_line(client: Program) -> None:
    found = client.ask(url="https://127.0.0.1:1/")
    assert found["error"] in (
        "127.0.0.1: https is not possible on this board, use http",
        "127.0.0.1: connection refused",  # of a MicroPython that has it
    )


def test_headers_of_one_line_only(client: Program, serve: Serve) -> None:
    server = serve(reply(b""))
    assert "one line" in client.ask(url=server.url, headers={"X": "a\r\nY: b"})["error"]
    assert not server.requests


# -- log-in


def basic(request: Request) -> bytes:
    right = "Basic " + base64.b64encode(b"me:secr\xc3\xa4t").decode()
    if request.headers.get("authorization") == right:
        return reply(b"in")
    return reply(b"", 401, 'WWW-Authenticate: Basic realm="x"\r\n')


def test_basic_login(client: Program, serve: Serve) -> None:
    server = serve(basic)
    found = client.ask(url=server.url, user="me", password="secrät", times=3)["replies"]
    assert [one["status"] for one in found] == [200, 200, 200]
    # sent only once it was asked for, and then at once
    assert ["authorization" in request.headers for request in server.requests] == [False, True, True, True]
    (wrong,) = client.ask(url=server.url, user="me", password="other")["replies"]
    assert wrong["status"] == 401
    (without,) = client.ask(url=server.url)["replies"]
    assert without["status"] == 401


class Guard:
    """Digest log-in from the server's side (RFC 7616)."""

    def __init__(self, algorithm: str, challenge: str = "", qop: bool = True, uses: int = 99) -> None:
        """uses: so many times a nonce counts."""
        self.hash = hashlib.md5 if algorithm.startswith("MD5") else hashlib.sha256
        self.algorithm = algorithm
        self.challenge = challenge
        self.qop = qop
        self.uses = uses
        self.nonce = 0
        self.count = 0

    def __call__(self, request: Request) -> bytes:
        given = dict(re.findall(r'(\w+)="?([^",]*)"?', request.headers.get("authorization", "")))
        if given and given["nonce"] == str(self.nonce) and self.count < self.uses:
            assert given["uri"] == request.path
            middle = given["nonce"]
            if self.qop:
                assert int(given["nc"], 16) == self.count + 1, "a count used twice"
                middle += f":{given['nc']}:{given['cnonce']}:auth"
            first, last = self.hashed("admin:my, realm:geheim"), self.hashed(f"{request.method}:{request.path}")
            if given["response"] == self.hashed(f"{first}:{middle}:{last}"):
                self.count += 1
                return reply(b"in")
        self.nonce += 1
        self.count = 0
        qop = 'qop="auth,auth-int", ' if self.qop else ""
        own = f'Digest {qop}realm="my, realm", nonce="{self.nonce}", algorithm={self.algorithm}, opaque="o"'
        return reply(b"", 401, f"WWW-Authenticate: {self.challenge}{own}\r\n")

    def hashed(self, text: str) -> str:
        return self.hash(text.encode()).hexdigest()


@pytest.mark.parametrize("qop", [True, False])
def test_digest_login(client: Program, serve: Serve, qop: bool) -> None:
    server = serve(Guard("SHA-256", qop=qop))
    found = client.ask(url=server.url + "/rpc/EM.GetStatus?id=0", user="admin", password="geheim", times=3)["replies"]
    assert [one["status"] for one in found] == [200, 200, 200]
    assert len(server.requests) == 4
    assert client.ask(url=server.url, user="admin", password="other")["replies"][0]["status"] == 401
    assert len(server.requests) == 6


def test_digest_login_goes_on_when_the_nonce_is_used_up(client: Program, serve: Serve) -> None:
    server = serve(Guard("SHA-256", uses=2))
    found = client.ask(url=server.url, user="admin", password="geheim", times=5)["replies"]
    assert [one["status"] for one in found] == [200] * 5
    assert len(server.requests) == 8


def test_digest_is_preferred_to_basic(client: Program, serve: Serve) -> None:
    server = serve(Guard("SHA-256", 'Basic realm="x", Digest realm="x", nonce="1", algorithm=MD5-sess, '))
    assert client.ask(url=server.url, user="admin", password="geheim")["replies"][0]["status"] == 200
    assert not any(request.headers.get("authorization", "").startswith("Basic") for request in server.requests)


def test_digest_with_md5(micropython: Path, tmp_path: Path, client: Program, serve: Serve) -> None:
    found = client.ask(url=serve(Guard("MD5")).url, user="admin", password="geheim")
    assert "error" not in found or found["error"] == "digest log-in with MD5 is not possible on this board"
    # a module of this name in the file system is what MicroPython takes instead of its own
    (tmp_path / "hashlib.py").write_text(MD5)
    with counterparts.program(micropython, "run_http.py", folder=tmp_path) as started:
        assert started.ask(url=serve(Guard("MD5")).url, user="admin", password="geheim")["replies"][0]["status"] == 200
        assert started.ask(url=serve(Guard("MD5")).url, user="admin", password="gehei")["replies"][0]["status"] == 401


@pytest.mark.parametrize(
    "challenge",
    ["", ",,,", "Digest", 'Digest nonce="1"', 'Digest realm="a', "Basic", "Negotiate abc==", '="', "Digest =,=,=", '"'],
)
def test_challenges_that_make_no_sense(client: Program, serve: Serve, challenge: str) -> None:
    server = serve(reply(b"", 401, f"WWW-Authenticate: {challenge}\r\n"))
    assert client.ask(url=server.url, user="a", password="b")["replies"][0]["status"] == 401


# -- anything

TOKENS = st.sampled_from(
    [
        *(
            b"HTTP/1.1 200 OK",
            b"HTTP/1.1 401 No",
            b"HTTP/1.1 100 C\r\n\r\n",
            b"\r\n",
            b"\n",
            b"\r\n\r\n",
            b":",
            b" ",
            b", ",
        ),
        *(b"Content-Length: ", b"Transfer-Encoding: chunked", b"5", b"0", b"ff", b"99999999999"),
        *(b"WWW-Authenticate: Digest ", b'realm="a"', b'nonce="b"', b"algorithm=SHA-256"),
    ]
)
HOSTILE = st.lists(TOKENS | st.binary(max_size=20), max_size=25).map(b"".join)


@st.composite
def correct(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """A reply as servers make them, and its body."""
    parts = draw(st.lists(st.binary(min_size=1, max_size=1500), max_size=5))
    body = b"".join(parts)
    names = draw(st.lists(st.sampled_from(["Date", "Server", "Vary", "Set-Cookie"]), max_size=4))
    values = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40)
    head = "HTTP/1.1 200 OK\r\n" + "".join(f"{name}: {draw(values)}\r\n" for name in names)
    kind = draw(st.sampled_from(["length", "chunked", "close"]))
    if kind == "length":
        return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body, body
    if kind == "close":
        return f"{head}\r\n".encode() + body, body
    chunks = b"".join(f"{len(part):x}\r\n".encode() + part + b"\r\n" for part in parts)
    return f"{head}transfer-encoding: chunked\r\n\r\n".encode() + chunks + b"0\r\n\r\n", body


def test_any_reply_is_a_reply_or_an_error(client: Program) -> None:
    now = b""
    with web(lambda _: now) as server:

        @settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
        @given(HOSTILE)
        def check(answer: bytes) -> None:
            nonlocal now
            now = answer
            found = client.ask(url=server.url, user="a", password="b")
            assert "unexpected" not in found, found

        check()
    assert client.sockets() == 0


def test_every_correct_reply_is_read(client: Program) -> None:
    now = b""
    with web(lambda _: now) as server:

        @settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
        @given(correct())
        def check(answer: tuple[bytes, bytes]) -> None:
            nonlocal now
            now, body = answer
            (found,) = client.ask(url=server.url)["replies"]
            assert bytes.fromhex(found["body"]) == body

        check()
    assert client.sockets() == 0
