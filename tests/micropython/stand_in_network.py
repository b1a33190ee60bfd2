"""Runs under MicroPython in place of its module `network`: behaves like that of an ESP32, without a radio.

The file `air` in the working directory says what is in the air, one JSON object: `password` of the network "home",
`up`: whether it is there, `error`: whether the driver fails, `guests` in the network of the board itself.
"""

import json

STA_IF, AP_IF = 0, 1
AUTH_OPEN, AUTH_WPA2_PSK = 0, 3
STAT_WRONG_PASSWORD, STAT_NO_AP_FOUND, STAT_GOT_IP, STAT_IDLE = 202, 201, 1010, 1000
named = {}


def air():
    try:
        with open("air") as file:  # noqa: PTH123
            return json.load(file)
    except (OSError, ValueError):
        return {}


def hostname(name):
    named["hostname"] = name


def country(name):
    if len(name) != 2:
        raise ValueError("country")
    named["country"] = name


class WLAN:
    PM_NONE = 0
    _all = {}  # noqa: RUF012 -- no typing here

    def __new__(cls, interface):
        if interface not in cls._all:
            one = cls._all[interface] = object.__new__(cls)
            one.interface, one.on, one.given, one.options = interface, False, None, {}
        return cls._all[interface]

    def active(self, on=None):
        if on is None:
            return self.on
        self.on = on
        if not on:
            self.given = None
        return None

    def config(self, name=None, **options):
        if name == "mac":
            return b"\x24\x0a\xc4\x00\xbe\xef"
        if name is not None:
            return self.options[name]
        for key in options:
            if key not in ("ssid", "security", "key", "pm", "authmode", "password"):
                raise ValueError("unknown config param")
        if self.interface == AP_IF and not self.on:
            raise OSError("Wifi Not Started")
        self.options.update(options)
        print("radio", self.interface, sorted(options.items()))
        return None

    def connect(self, ssid, password=None):
        if air().get("error"):
            raise OSError("Wifi Internal State Error")
        if not self.on:
            raise OSError("Wifi Not Started")
        self.given = (ssid, password)

    def disconnect(self):
        if not self.on:
            raise OSError("Wifi Not Started")
        self.given = None

    def isconnected(self):
        return self.given is not None and self.status() == STAT_GOT_IP

    def status(self, what=None):
        now = air()
        if what == "rssi":
            return -61
        if what == "stations":
            return [(b"guest",)] * now.get("guests", 0)
        if what is not None:
            raise ValueError("unknown status param")
        if self.given is None:
            return STAT_IDLE
        if not now.get("up", True) or self.given[0] != "home":
            return STAT_NO_AP_FOUND
        return STAT_GOT_IP if self.given[1] == now.get("password") else STAT_WRONG_PASSWORD

    def ifconfig(self):
        return ("127.0.0.1", "255.0.0.0", "127.0.0.1", "127.0.0.1")

    def scan(self):
        if air().get("error"):
            raise OSError("Wifi Internal Error")
        return [
            (b"home", b"\1\2\3\4\5\6", 6, -61, 3, False),
            (b"home", b"\1\2\3\4\5\7", 11, -80, 3, False),
            (b"<b>caf\xc3\xa9 & co</b>", b"\1\2\3\4\5\10", 1, -75, 0, False),
            (b"\xff\xfe", b"\1\2\3\4\5\11", 1, -40, 0, False),
            (b"", b"\1\2\3\4\5\0", 1, -30, 3, True),
        ]
