"""Floods a UDP port on loopback: flood.py PORT DATAGRAMS_PER_S SECONDS. Prints how many datagrams went out.

A process of its own, so that the test that listens meanwhile is not slowed down.
"""

import random
import socket
import sys
import time
from collections.abc import Callable

from nullwatt.battery import encode_frame

PAUSE_S = 0.002
# Answers to valid frames go to these and are never read.
SOURCES = 8


def stranger(rng: random.Random) -> bytes:
    """A valid poll of a battery nobody knows."""
    kind = rng.choice(("HMG-50", "VNSE3-0", "HMA-1", "XYZ-9"))
    mac = f"{rng.getrandbits(48):012x}"
    return encode_frame([kind, mac, "HME-4", "112233445566", rng.choice("ABCD0"), str(rng.randint(-2500, 2500))])


def noise(rng: random.Random) -> bytes:
    return rng.randbytes(rng.randrange(600))


def damaged(rng: random.Random) -> bytes:
    """A valid poll with its end cut off, a byte changed or something put in."""
    frame = stranger(rng)
    at = rng.randrange(len(frame))
    return frame[:at] + rng.choice((b"", rng.randbytes(1) + frame[at + 1 :], rng.randbytes(8) + frame[at:]))


KINDS: tuple[Callable[[random.Random], bytes], ...] = (noise, damaged, stranger)


def main(port: int, rate: int, seconds: float) -> int:
    rng = random.Random(1)
    sources = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(SOURCES)]
    start, sent = time.monotonic(), 0
    while (now := time.monotonic() - start) < seconds:
        while sent < now * rate:
            sources[sent % SOURCES].sendto(rng.choice(KINDS)(rng), ("127.0.0.1", port))
            sent += 1
        time.sleep(PAUSE_S)
    return sent


if __name__ == "__main__":
    print(main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
