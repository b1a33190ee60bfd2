"""Runs under MicroPython: the emulator behind a UDP socket, its time told with every datagram.

A request is one letter, the milliseconds in eight hex digits, and what belongs to it:
P source, newline, datagram (the reply is the answer, empty = none); G watts (text); X meter gone; T tick; M memory
taken; Q the end.
"""

import gc
import socket

from nullwatt.core import MAX_DATAGRAM, Config, Emulator

emulator = Emulator(Config())
reply = bytearray(MAX_DATAGRAM)
view = memoryview(reply)
link = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
link.bind(socket.getaddrinfo("127.0.0.1", 0)[0][-1])
# The port is told by a datagram to the tester, whose own stands in the environment: no way to ask for it here.
import sys  # noqa: E402

tester = socket.getaddrinfo("127.0.0.1", int(sys.argv[1]))[0][-1]
link.sendto(b"ready", tester)
while True:
    request, address = link.recvfrom(1024)
    what, at_ms = request[:1], int(request[1:9], 16)
    answer = b"."
    if what == b"P":
        source, _, datagram = request[9:].partition(b"\n")
        size = emulator.handle_into(datagram, source, at_ms, reply)
        answer = view[:size]
    elif what == b"G":
        emulator.update_grid([float(watts) for watts in request[9:].split()], at_ms=at_ms)
    elif what == b"X":
        emulator.invalidate_grid(at_ms=at_ms)
    elif what == b"T":
        emulator.tick(at_ms=at_ms)
    elif what == b"M":
        gc.collect()
        answer = str(gc.mem_alloc()).encode()
    elif what == b"Q":
        break
    link.sendto(answer, address)
