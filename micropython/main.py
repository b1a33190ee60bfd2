"""Starts nullwatt when the board starts. No update changes this file; `nullwatt/boot.py` says what happens."""

import os
import sys


def _start():
    here = os.getcwd().rstrip("/")
    # What came with the board decides what runs. Where it is broken, such as by half a copy, a slot does.
    for place in (None, here + "/slots/a", here + "/slots/b"):
        if place:
            sys.path.insert(0, place)
        try:
            __import__("nullwatt.boot")
            from nullwatt.launch import main
        except Exception as error:
            sys.print_exception(error)
            for name in [name for name in sys.modules if name.split(".")[0] == "nullwatt"]:
                del sys.modules[name]
            if place:
                sys.path.remove(place)
            continue
        main()
        return
    print("nullwatt: no version on this board can be started; install one")


_start()
