"""Plays a recorded session through `nullwatt.core`, under MicroPython and CPython alike.

    replay.py SESSION ANSWERS

A line of SESSION is a step, its fields separated by tabs; ANSWERS gets a line for each poll and each look.
"""

import gc
import struct
import sys

from nullwatt.core import MAX_DATAGRAM, Config, Emulator

ON_BOARD = sys.implementation.name == "micropython"


def unhex(text):
    return bytes(int(text[at : at + 2], 16) for at in range(0, len(text), 2))


def time(ms):
    # Not masked: both doors take a time that no 32 bits hold.
    return {"at_ms": ms} if ON_BOARD else {"at": ms / 1000.0}


def told(value):
    """The same text for the same value; repr writes floats with 15 digits here and 17 there."""
    if isinstance(value, float):
        return "".join(f"{byte:02x}" for byte in struct.pack("<f", value))
    if isinstance(value, tuple):
        return "/".join(told(part) for part in value)
    return str(value)


def record(view):
    values = view._values if ON_BOARD else {name: getattr(view, name) for name in view.__slots__}
    return " ".join(name + "=" + told(values[name]) for name in sorted(values))


def value_of(text):
    if text in ("True", "False", "None"):
        return {"True": True, "False": False}.get(text)
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return text


def pairs(fields):
    return {key: value_of(value) for key, _, value in (field.partition("=") for field in fields)}


def play(lines, write):
    emulator = None
    reply = bytearray(MAX_DATAGRAM)
    for line in lines:
        step, *fields = line.rstrip("\n").split("\t")
        if step == "options":
            emulator = None  # on a board there is no room for two
            gc.collect()
            emulator = Emulator(Config(**pairs(fields)))
        elif step == "poll":
            ms, source, datagram = int(fields[0]), fields[1], unhex(fields[2])
            if ON_BOARD:
                size = emulator.handle_into(datagram, source.encode(), ms, reply)
                answer = bytes(reply[:size])
            else:
                answer = emulator.handle(datagram, source, ms / 1000.0) or b""
            write("".join(f"{byte:02x}" for byte in answer) or "- " + str(emulator.last_drop))
        elif step == "grid":
            emulator.update_grid([value_of(field) for field in fields[1:]], **time(int(fields[0])))
        elif step == "phase":
            emulator.update_grid_phase(int(fields[1]), int(fields[2]), value_of(fields[3]), **time(int(fields[0])))
        elif step == "lost":
            emulator.invalidate_grid(**time(int(fields[0])))
        elif step == "unassign":
            emulator.unassign_grid()
        elif step == "tick":
            emulator.tick(**time(int(fields[0])))
        elif step == "override":
            emulator.set_override(fields[0], **pairs(fields[1:]))
        elif step == "tune":
            emulator.tune(**pairs(fields))
        elif step == "rotate":
            emulator.force_rotation()
        elif step == "active":
            emulator.set_active_control(value_of(fields[0]))
        elif step == "look":
            write(record(emulator.state()))
            for consumer in emulator.consumers():
                write(record(consumer))
        else:
            raise ValueError("unknown step " + step)


def main():
    with open(sys.argv[1]) as session, open(sys.argv[2], "w") as answers:  # noqa: PTH123 - MicroPython has no pathlib
        play(session, lambda text: answers.write(text + "\n"))


if __name__ == "__main__":
    main()
