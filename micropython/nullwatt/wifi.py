"""Wi-Fi: stays connected to a network; offers one of its own for setting up while there is none."""

import asyncio
import time

from nullwatt import log

#: s without a connection after power-up until the access point opens.
SETUP_AFTER = 300
#: s that one attempt to connect may take.
_ATTEMPT = 20
_BACK_OFF_MS = (1000, 60000)
_LOOK_MS = 500
_RSSI_MS = 10000


class Wifi:
    """The station, and the access point for setting up.

    Attributes:
        address: Own address in the network; empty while not connected.
        setup_address: Own address in the network for setting up; empty while it is off.
        rssi: dBm, None while not connected or not known.
        connects: Counts connections.
    """

    def __init__(self, options, network, protect="", setup_after=SETUP_AFTER):
        """network: the module `network` of the board. protect: password of the page, for who may set up."""
        self.address = ""
        self.setup_address = ""
        self.rssi = None
        self.connects = 0
        self._options = options
        self._network = network
        self._password = protect
        self._setup_after_ms = int(setup_after * 1000)
        self._station = None
        self._point = None

    async def run(self):
        """For ever."""
        options, network = self._options, self._network
        for name in ("country", "hostname"):
            if options[name]:
                _try(name, getattr(network, name, None), options[name])
        station = self._station = network.WLAN(network.STA_IF)
        self._point = network.WLAN(network.AP_IF)
        try:
            _try("access point", self._point.active, False)
            station.active(True)
            quiet = getattr(network.WLAN, "PM_NONE", None)
            if quiet is not None:
                # Sleeping between beacons delays the answers to the batteries by up to 300 ms.
                _try("power save", station.config, pm=quiet)
            if not options["ssid"]:
                self.open_setup()
                while True:
                    await asyncio.sleep_ms(60000)
            await self._stay()
        finally:
            self.address = ""
            self.close_setup()
            _try("station", station.disconnect)

    async def _stay(self):
        began = time.ticks_ms()
        pause_ms, longest_ms = _BACK_OFF_MS
        said = ""
        while True:
            problem = await self._attempt()
            if problem is None:
                said = ""
                pause_ms = _BACK_OFF_MS[0]
                self.close_setup()
                began = None
                self.connects += 1
                self.address = self._station.ifconfig()[0]
                log.info("wifi: connected to %s as %s", self._options["ssid"], self.address)
                await self._while_connected()
                self.address = ""
                self.rssi = None
                log.warning("wifi: connection lost")
                continue
            if problem != said:
                said = problem
                log.warning("wifi: %s: %s", self._options["ssid"], problem)
            if began is not None and time.ticks_diff(time.ticks_ms(), began) >= self._setup_after_ms:
                began = None
                if self._options["setup"]:
                    self.open_setup()
            # An attempt changes the channel, which throws out who is setting up.
            await asyncio.sleep_ms(pause_ms)
            while self.setup_address and self._has_guests():
                await asyncio.sleep_ms(_LOOK_MS)
            pause_ms = min(pause_ms * 2, longest_ms)
            if began is not None:
                left = self._setup_after_ms - time.ticks_diff(time.ticks_ms(), began)
                pause_ms = max(_BACK_OFF_MS[0], min(pause_ms, left))

    async def _attempt(self):
        """None once connected, or what is in the way."""
        station, options = self._station, self._options
        try:
            station.disconnect()
        except OSError:
            pass  # it was not connected
        try:
            if not station.active():
                station.active(True)
            if options["password"]:
                station.connect(options["ssid"], options["password"])
            else:
                station.connect(options["ssid"])
            for _ in range(_ATTEMPT * 1000 // _LOOK_MS):
                if station.isconnected():
                    return None
                await asyncio.sleep_ms(_LOOK_MS)
        except OSError as error:
            return f"cannot connect (error {error})"
        return f"does not let us in: {self._why()}"

    def _why(self):
        try:
            status = self._station.status()
        except OSError:
            return "no reason known"
        for name, words in (
            ("STAT_WRONG_PASSWORD", "wrong password"),
            ("STAT_NO_AP_FOUND", "no such network in reach"),
            ("STAT_ASSOC_FAIL", "refused"),
            ("STAT_HANDSHAKE_TIMEOUT", "wrong password, or too far away"),
            ("STAT_BEACON_TIMEOUT", "too far away"),
            ("STAT_CONNECT_FAIL", "failed"),
        ):
            if status == getattr(self._network, name, None):
                return words
        return "status %s" % status

    async def _while_connected(self):
        looks = 0
        while True:
            try:
                if not self._station.isconnected():
                    return
                if looks % (_RSSI_MS // _LOOK_MS) == 0:
                    self.rssi = self._read_rssi()
            except OSError as error:
                log.warning("wifi: %s", error)
                return
            looks += 1
            await asyncio.sleep_ms(_LOOK_MS)

    def _read_rssi(self):
        try:
            return self._station.status("rssi")
        except (OSError, ValueError, TypeError):
            return None

    def scan(self):
        """Networks in reach, strongest first: (name, dBm, open). The board does nothing else for some seconds."""
        found = {}
        try:
            seen = self._station.scan() if self._station is not None else []
        except OSError as error:
            log.warning("wifi: cannot look for networks (error %s)", error)
            seen = []
        for ssid, _bssid, _channel, rssi, security, *_rest in seen:
            try:
                name = str(ssid, "utf-8")
            except UnicodeError:
                continue
            if name and (name not in found or found[name][1] < rssi):
                found[name] = (name, rssi, security == 0)
        return sorted(found.values(), key=lambda one: -one[1])[:20]

    # -- the access point

    def open_setup(self):
        """Open the network for setting up."""
        if not self._options["setup"] or self.setup_address:
            return
        point = self._point
        import binascii

        try:
            mac = point.config("mac")
            name = "nullwatt-" + binascii.hexlify(mac[-2:]).decode().upper()
            if len(self._password) >= 8:
                secure = getattr(self._network, "AUTH_WPA2_PSK", getattr(self._network.WLAN, "SEC_WPA2", 3))
                wanted = (name, secure, self._password)
            else:
                wanted = (name, getattr(self._network, "AUTH_OPEN", 0), None)
                if self._password:
                    log.warning("wifi: web.password has less than 8 characters, the network for setting up is open")
            # Pico W takes the name before the start, ESP32 after it.
            before = _configure(point, *wanted)
            point.active(True)
            if not _configure(point, *wanted) and not before:
                raise OSError("no such options")
            self.setup_address = point.ifconfig()[0]
            log.info("wifi: open http://%s in the network %s to set up", self.setup_address, name)
        except OSError as error:
            log.error("wifi: no access point for setting up (error %s)", error)

    def close_setup(self):
        """Close it."""
        if self.setup_address:
            log.info("wifi: the network for setting up is closed")
        self.setup_address = ""
        if self._point is not None:
            _try("access point", self._point.active, False)

    def _has_guests(self):
        try:
            return bool(self._point.status("stations"))
        except (OSError, ValueError, TypeError):
            return False


def _configure(point, name, security, password):
    """Whether the board took it; boards call it security or authmode, key or password."""
    for kind, key in (("security", "key"), ("authmode", "password")):
        options = {"ssid": name, kind: security}
        if password is not None:
            options[key] = password
        try:
            point.config(**options)
            return True
        except (OSError, ValueError, TypeError):
            pass
    return False


def _try(name, call, *values, **named):
    """What a board may lack."""
    try:
        if call is not None:
            call(*values, **named)
    except (OSError, ValueError, TypeError) as error:
        log.debug("wifi: %s: %s", name, error)
