"""JSON of the side protocols: what a library reads, ours reads too; what comes out is always JSON."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nullwatt.core._core import ffi, lib

KINDS = ("none", "object", "array", "string", "number", "true", "false", "null")
DEPTH = 16

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**40), 2**40)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)


def kind_of(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    names = {dict: "object", list: "array", str: "string", int: "number", float: "number", type(None): "null"}
    return names[type(value)]


def look(document: bytes, name: str | None = None) -> tuple[str, bytes]:
    raw, size = ffi.new("const char **"), ffi.new("size_t *")
    buffer = ffi.from_buffer(document)
    member = ffi.NULL if name is None else ffi.new("char[]", name.encode())
    kind = lib.ct002_json_look(buffer, len(document), member, raw, size)
    return KINDS[kind], bytes(ffi.buffer(raw[0], size[0])) if kind else b""


def item(document: bytes, index: int) -> tuple[str, bytes]:
    raw, size = ffi.new("const char **"), ffi.new("size_t *")
    buffer = ffi.from_buffer(document)
    kind = lib.ct002_json_item(buffer, len(document), index, raw, size)
    return KINDS[kind], bytes(ffi.buffer(raw[0], size[0])) if kind else b""


def text(document: bytes, capacity: int = 4096) -> str | None:
    out = ffi.new("char[]", capacity)
    fits = lib.ct002_json_text(ffi.from_buffer(document), len(document), out, capacity)
    return ffi.string(out).decode("utf-8") if fits else None


def quoted(content: bytes) -> bytes:
    needed = lib.ct002_json_quote(content, len(content), ffi.NULL, 0)
    out = ffi.new("char[]", needed)
    assert lib.ct002_json_quote(content, len(content), out, needed) == needed
    return bytes(ffi.buffer(out, needed))


def fixed(value: float, decimals: int) -> str:
    out = ffi.new("char[]", 32)
    return bytes(ffi.buffer(out, lib.ct002_put_fixed(value, decimals, out, 32))).decode()


@given(VALUES, st.sampled_from([None, 2]), st.booleans())
def test_what_a_library_writes_is_read(value: Any, indent: int | None, ascii_only: bool) -> None:
    document = json.dumps(value, indent=indent, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    assert look(document)[0] == kind_of(value)
    if isinstance(value, dict):
        for name, member in value.items():
            if "\0" not in name and all(not 0xD800 <= ord(c) < 0xE000 for c in name):
                kind, raw = look(document, name)
                assert kind == kind_of(member)
                assert json.loads(raw.decode("utf-8", "surrogatepass")) == member
        assert look(document, "no such member \x01")[0] == "none"
    if isinstance(value, list):
        for index, member in enumerate(value):
            kind, raw = item(document, index)
            assert (kind, json.loads(raw.decode("utf-8", "surrogatepass"))) == (kind_of(member), member)
        assert item(document, len(value))[0] == "none"


@given(VALUES, st.data())
def test_a_cut_or_changed_document_is_judged_as_a_library_judges_it(value: Any, data: st.DataObject) -> None:
    document = bytearray(json.dumps(value).encode())
    at = data.draw(st.integers(0, len(document) - 1))
    if data.draw(st.booleans()):
        del document[at:]
    else:
        document[at] = data.draw(st.sampled_from(b'{}[]",:0123456789.eE+-tfn\\u \t\n\x00'))
    try:
        json.loads(document.decode("ascii"), parse_constant=lambda name: 1 / 0)
        valid = True
    except (ValueError, ZeroDivisionError):
        valid = False
    assert (look(bytes(document))[0] != "none") == valid


@given(st.binary(max_size=60))
def test_hostile_bytes_are_no_document_or_a_correct_one(document: bytes) -> None:
    kind, raw = look(document)
    if kind != "none":
        assert raw in document


@pytest.mark.parametrize("depth", [1, DEPTH - 1, DEPTH, DEPTH + 1, 5000])
def test_nesting_is_bounded(depth: int) -> None:
    assert look(b"[" * depth + b"]" * depth)[0] == ("array" if depth <= DEPTH else "none")
    assert look(b'{"a":' * depth + b"1" + b"}" * depth)[0] == ("object" if depth <= DEPTH else "none")


def test_of_members_with_one_name_the_last_counts() -> None:
    assert look(b'{"a": 1, "b": 2, "a": [3]}', "a") == ("array", b"[3]")


def test_a_name_may_be_written_with_escapes() -> None:
    assert look(rb'{"\u0061\/": 1}', "a/") == ("number", b"1")
    assert look(rb'{"a\u0000": 1}', "a")[0] == "none"


@given(st.text())
def test_strings_lose_their_escapes(content: str) -> None:
    content = content.replace("\0", "")
    assert text(json.dumps(content).encode()) == content
    assert text(json.dumps(content, ensure_ascii=False).encode()) == content


def test_a_string_that_does_not_fit_is_refused_whole() -> None:
    assert text(b'"12345"', 6) == "12345"
    assert text(b'"12345"', 5) is None
    assert text(rb'"\u20ac"', 4) == "€"
    assert text(rb'"\u20ac"', 3) is None
    assert text(rb'"\ud83d x"') == "? x"  # half a pair is no character


@pytest.mark.parametrize(
    ("document", "value"),
    [
        (b"121", 121),
        (b"121.0", 121),
        (b"-7.000", -7),
        (b"0", 0),
        (b"100", 100),
        (b"2147483647", 2**31 - 1),
        (b"2147483648", None),
        (b"121.5", None),
        (b"1e2", None),
        (b'"121"', None),
        (b"true", None),
    ],
)
def test_integers(document: bytes, value: int | None) -> None:
    out = ffi.new("int32_t *")
    found = lib.ct002_json_int(document, len(document), out)
    assert (out[0] if found else None) == value


@given(st.text())
def test_text_is_quoted_so_that_a_library_reads_it_back(content: str) -> None:
    assert json.loads(quoted(content.encode("utf-8", "replace"))) == content.encode("utf-8", "replace").decode()


@given(st.binary())
def test_whatever_bytes_come_the_string_is_json(content: bytes) -> None:
    json.loads(quoted(content).decode("utf-8"))


@given(st.floats(-1e6, 1e6, width=32), st.integers(0, 3))
def test_fixed_point(value: float, decimals: int) -> None:
    written = fixed(value, decimals)
    assert len(written.partition(".")[2]) == decimals
    assert math.isclose(float(written), value, abs_tol=0.5 * 10**-decimals, rel_tol=1e-6)
    assert not written.startswith("-0") or float(written) != 0


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_no_number_is_written_as_zero(value: float) -> None:
    assert fixed(value, 1) == "0.0"


def test_numbers_beyond_32_bit_are_clamped() -> None:
    assert fixed(1e30, 2) == "21474835.20"
    assert fixed(-1e30, 0) == "-2147483520"
