"""JSON that is whole. MicroPython's own reader takes a document that was cut off for a complete one."""

import json

_DEEPEST = 16
#: Twice as many digits make no number: to read thousands of them stands still everything else for seconds.
_DIGITS = 64


def loads(data):
    """The document in these bytes; ValueError if it is cut off, nested too deep, no text or no JSON."""
    closing = []
    in_string = escaped = False
    for byte in data:
        if in_string:
            if escaped:
                escaped = False
            elif byte == 0x5C:
                escaped = True
            elif byte == 0x22:
                in_string = False
        elif byte == 0x22:
            in_string = True
        elif byte in (0x7B, 0x5B):  # { [
            if len(closing) == _DEEPEST:
                raise ValueError("nested too deep")
            closing.append(byte + 2)
        elif byte in (0x7D, 0x5D) and (not closing or closing.pop() != byte):
            raise ValueError("is not JSON")
    if closing or in_string:
        raise ValueError("is cut off")
    for at in range(0, len(data), _DIGITS):
        block = bytes(data[at : at + _DIGITS])
        if len(block) == _DIGITS and block.isdigit():
            raise ValueError("holds a number that is too long")
    return json.loads(str(data, "utf-8"))


def load(path):
    """The document in a file; OSError, ValueError."""
    with open(path, "rb") as file:
        return loads(file.read())
