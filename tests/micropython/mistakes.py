"""Makes every mistake there is at the door and prints what it says, under MicroPython and CPython alike."""

from nullwatt.core import Config, Emulator, decode_frame, encode_frame, options

emulator = Emulator()


def short(value):
    return f"{value:.6g}" if isinstance(value, float) else value  # the last digits are not the same everywhere


ALLOWED = {
    "short": short,
    "Config": Config,
    "Emulator": Emulator,
    "emulator": emulator,
    "decode_frame": decode_frame,
    "encode_frame": encode_frame,
    "options": options,
    "nan": float("nan"),
    "fill": lambda: [emulator.set_override(f"60f1a2b3d{number:03}", weight=2) for number in range(64)],
}
MISTAKES = """
Config(wifi_rsi=-50)
Config(gridtarget=1)
Config(x=1)
Config(steerin="gentle")
Config(consumer_ttll=1)
Config(Wifi=1)
Config(wifi_rssi=3)
Config(wifi_rssi=-128)
Config(wifi_rssi=-50.5)
Config(wifi_rssi="-50")
Config(wifi_rssi=None)
Config(wifi_rssi=nan)
Config(udp_port=True)
Config(udp_port=0)
Config(active_control=1)
Config(active_control="yes")
Config(active_control=None)
Config(ct_type="HME-9")
Config(ct_type=4)
Config(ct_type=None)
Config(ct_mac=123456789012)
Config(ct_mac="12345")
Config(ct_mac=True)
Config(grid_target=1e9)
Config(grid_target=nan)
Config(max_sensor_age=-1)
Config(max_sensor_age=None)
Config(consumer_ttl=-1)
Config(consumer_ttl="adaptive")
Config(steering="harsh")
Config().no_such_option
emulator.tune(ct_type="HME-3")
emulator.tune(grid_targe=1)
emulator.tune(grid_target="x")
emulator.tune(grid_target=1e30)
emulator.update_grid_phase(3, 3, 1.0)
emulator.update_grid_phase(0, 4, 1.0)
emulator.update_grid_phase(-1, 3, 1.0)
emulator.set_override("60f1a2b3c401", weight=11, active=True)
emulator.set_override("60f1a2b3c401", weight=nan)
emulator.set_override("60f1a2b3c401", manual_target=200000.5, manual=True)
emulator.set_override("60f1a2b3c401", max_charge=-2, charge_order=3)
emulator.set_override("60f1a2b3c401", charge_order=16)
emulator.set_override("60f1a2b3c401", charge_order=999, weight=1.5)
emulator.set_override("60f1a2b3c401", discharge_order=-1)
fill()
decode_frame(b"short")
decode_frame(b"no frame at all")
encode_frame(["a|b"])
encode_frame(["x" * 9990])
Config(wifi_rssi=-61, ct_type="hme-3", consumer_ttl=None)
[(o.key, o.group, o.kind, o.unit, short(o.default), short(o.low), short(o.high), o.choices) for o in options().values()]
[o.help for o in options().values()]
emulator.config
list(emulator.config)[:9]
"""

for mistake in MISTAKES.strip().splitlines():
    try:
        print(mistake, "->", eval(mistake, dict(ALLOWED)))
    except Exception as error:
        print(mistake, "->", type(error).__name__, error)
