"""The CT002 frame codec of the core: fields to datagram and back."""

from collections.abc import Iterable

from nullwatt.core._core import ffi, lib

_MAX_FRAME = 9999


class FrameError(ValueError):
    """A datagram is not a valid frame, or fields do not make one. One line says why."""


def encode_frame(fields: Iterable[str]) -> bytes:
    """Frame with the given fields, at most 9999 bytes.

    Raises:
        FrameError: A field holds `|` or a character outside ASCII, or the frame is too long.
    """
    parts = list(fields)
    for part in parts:
        if "|" in part or not part.isascii():
            raise FrameError(f"field {part!r} holds a character that cannot be sent")
    body = "|".join(parts).encode()
    buffer = ffi.new("uint8_t[]", _MAX_FRAME)
    size = lib.ct002_encode_frame(body, len(body), buffer, _MAX_FRAME)
    if size == 0:
        raise FrameError(f"{len(body)} bytes of fields do not fit a frame of {_MAX_FRAME} bytes")
    return bytes(ffi.buffer(buffer, size))


def decode_frame(frame: bytes) -> list[str]:
    """Fields of a frame of any size.

    Raises:
        FrameError: The frame is damaged.
    """
    body = ffi.new("char **")
    size = ffi.new("size_t *")
    data = ffi.from_buffer(frame)
    reason = lib.ct002_decode_frame(ffi.cast("uint8_t *", data), len(frame), body, size)
    if reason != 0:
        raise FrameError(ffi.string(lib.ct002_drop_text(reason)).decode())
    return bytes(ffi.buffer(body[0], size[0])).decode().split("|")
