"""A full house file, and mistakes that can be made in it: (place, value, what the line must say)."""

import copy
import math
from typing import Any

#: A file that uses every section.
FULL: dict[str, Any] = {
    "ct": {"mac": "112233445566", "host": "127.0.0.1", "port": 12345},
    "mqtt_insights": {
        "broker": "mqtt://me:secret@192.0.2.1:1884",
        "base_topic": "home/nullwatt",
        "device_id": "cellar",
        "ha_discovery": True,
        "ha_discovery_prefix": "ha",
        "state_interval": 5,
    },
    "powermeter": {
        "phases": 3,
        "base_load": [100, 50, 20],
        "base_noise": 5,
        "noise_tau": 3,
        "loads": [{"name": "lamp", "power": 40, "phase": "A", "active": True, "on_s": 5, "off_s": 6}],
        "appliances": [
            {"name": "tea", "kind": "kettle", "phase": "B", "power": 1800, "duration_s": 120, "spread": 0.1},
            {"name": "oven", "kind": "oven", "phase": "C", "target_c": 200, "rise_k": 500, "cooling_s": 1800},
            {
                "name": "cold",
                "kind": "fridge",
                "phase": "A",
                "on_s": 600,
                "off_s": 900,
                "start_power": 500,
                "active": True,
            },
            {"name": "wash", "kind": "washing_machine", "phase": "B", "steps": [{"power": 500, "duration_s": 60}]},
            {"name": "hob", "kind": "induction_hob", "phase": "C", "level": 3, "duty": [0.1, 0.5, 1], "period_s": 10},
            {"name": "heat", "kind": "heat_pump", "phase": "D", "min_power": 500, "warmest_h": 14, "mean_c": -3},
            {"name": "car", "kind": "ev_charger", "phase": "D", "energy_wh": 9000, "taper_from": 0.8},
        ],
        "events": [{"time": 3, "load": "tea", "active": True}],
        "solar_max": 900,
        "solar_phases": ["A", "C"],
        "sun": {"mode": "clear_sky", "sunrise": 5, "sunset": 21, "clouds": 0.2},
    },
    "meter": {"refresh_s": 2, "latency_s": 0.25, "resolution": 1, "noise": 2},
    "batteries": [{"mac": "02B250000001", "phase": "A", "initial_soc": 0.4, "ratio": 50, "participates": True}],
    "weather": {
        "latitude": 52.5,
        "longitude": 13.4,
        "altitude": 34,
        "timezone": "Europe/Berlin",
        "start": "2026-06-21T09:00",
        "clouds": 0.4,
        "transparency": 0.25,
        "persistence_h": 6,
        "cloud_s": 300,
        "turbidity": 3.5,
        "mean_c": 10,
        "season_k": 20,
        "day_k": 9,
        "wander_k": 2,
        "wind_m_s": 3,
        "raster_s": 30,
    },
    "pv": [
        {
            "name": "garage",
            "phase": "B",
            "strings": [{"tilt": 20, "azimuth": 90, "peak_w": 1200, "mounting": "roof"}],
            "ac_max_w": 800,
            "night_w": 1,
        }
    ],
    "hybrid": [
        {
            "name": "cellar",
            "phase": "D",
            "ac_max_w": 8000,
            "island": True,
            "mppts": [{"strings": [{"area_m2": 20, "efficiency": 0.21}], "max_w": 4000, "min_w": 40}],
            "battery": {"capacity_wh": 9000, "initial_soc": 0.3},
            "settings": {
                "mode": "time_of_use",
                "reserve_soc": 0.2,
                "feed_in_limit_percent": 60,
                "windows": [{"action": "charge", "from_h": 1, "to_h": 5, "power_w": 3000, "soc": 0.8}],
            },
        }
    ],
    "step_s": 1,
    "log_interval": 5,
    "time_scale": 2,
    "seed": 3,
    "layout": {"02B250000001": [20, 330], "house: sun": [400, 230], "tea": [180.5, 230]},
}

Place = tuple[str | int, ...]


def at(document: Any, place: Place) -> Any:
    for part in place:
        document = document[part]
    return document


def changed(place: Place, value: object) -> dict[str, Any]:
    document = copy.deepcopy(FULL)
    at(document, place[:-1])[place[-1]] = value
    return document


WRITTEN = "broker: mqtt://user:password@host:port"
P = ("powermeter",)
A = ("powermeter", "appliances")
HAND_WRITTEN = [
    (("ct", "port"), -1, "ct.port = -1: must be greater than or equal to 0"),
    (("ct", "port"), "80", 'ct.port = "80": must be a whole number'),
    (("ct", "mac"), "11:22:33:44:55:66", "12 hexadecimal digits"),
    (("ct", "hots"), "x", 'ct.hots = "x": unknown key, did you mean "host"?'),
    (("ct",), [], "ct = []: must be an object with keys"),
    (("mqtt_insights", "base_topic"), "a/#", 'mqtt_insights.base_topic = "a/#": must be 1 to 63 bytes without the'),
    (("mqtt_insights", "device_id"), "ä" * 32, "mqtt_insights.device_id = "),
    (("mqtt_insights", "ha_discovry"), True, 'unknown key, did you mean "ha_discovery"?'),
    (("mqtt_insights", "state_interval"), -1, "mqtt_insights.state_interval = -1: must be greater than or equal to 0"),
    (("mqtt_insights", "broker"), "http://x", 'mqtt_insights.broker = "***": must begin with mqtt:// or mqtts://'),
    *(
        ((*place,), value, f'mqtt_insights{"".join(f".{key}" for key in place[1:])} = "***": {rule}')
        for place, value, rule in (
            (("mqtt_insights", "password"), "hunter2", f"unknown key, write it as {WRITTEN}"),
            (("mqtt_insights", "broker"), {"host": "h", "password": "hunter2"}, f"must be text: {WRITTEN}"),
            (("mqtt_insights", "uri"), "u:hunter2@host", f"unknown key, write it as {WRITTEN}"),
            (("mqtt_insights",), "u:hunter2@h", f"must be an object with keys, such as {WRITTEN}"),
            (("mqtt_insights", "broker"), ["u", "hunter2"], f"must be text: {WRITTEN}"),
            (("mqtt_insights", "base_topic"), ["hunter2"], "must be text in quotes"),
            (("mqtt_insights", "Username"), "hunter2", f"unknown key, write it as {WRITTEN}"),
            (("mqtt_insights", "brokr"), "u:hunter2@h", 'unknown key, did you mean "broker"?'),
        )
    ),
    (("mqtt_insights", "u:hunter2@h"), None, 'mqtt_insights.*** = "***": unknown key'),
    (("mqtt_insight",), {"password": "hunter2"}, 'mqtt_insight = "***": unknown key, did you mean "mqtt_insights"?'),
    (("broker",), "u:hunter2@h", 'broker = "***": unknown key'),
    (("ct", "extra"), {"mqtt": {"host": "hunter2"}}, 'ct.extra = {"mqtt": "***"}: unknown key'),
    (("batteries",), {"password": "hunter2"}, 'batteries = {"password": "***"}: must be a list'),
    (("meter", "refresh_s"), 0, "meter.refresh_s = 0: must be greater than or equal to 0.01"),
    (("meter", "latency"), 1, 'meter.latency = 1: unknown key, did you mean "latency_s"?'),
    (("meter", "noise"), None, "meter.noise = null: must be a number"),
    (("seed",), 1.5, "seed = 1.5: must be a whole number"),
    (("seed",), True, "seed = true: must be a whole number"),
    (("time_scale",), math.inf, "time_scale = Infinity: must be a finite number"),
    (("time_scal",), 2, 'time_scal = 2: unknown key, did you mean "time_scale"?'),
    (("batteries",), {}, "batteries = {}: must be a list"),
    (("batteries", 0, "ratio"), 20, "batteries[0].ratio = 20: must be greater than or equal to 30"),
    (("batteries", 0, "initial_sco"), 0.5, 'unknown key, did you mean "initial_soc"?'),
    (("batteries", 0), "A", 'batteries[0] = "A": must be an object with keys'),
    ((*P, "base_load", 0), 1e300, "powermeter.base_load[0] = 1e+300: must be less than or equal to 1000000000000"),
    ((*P, "phases"), 2, "powermeter.phases = 2: must be 1 or 3"),
    ((*P, "phases"), 1, "powermeter.base_load = [100.0, 50.0, 20.0]: this house has only phase A"),
    ((*P, "solar_phases"), [], "powermeter.solar_phases = []: must not be empty"),
    ((*P, "solar_phases"), ["D"], "powermeter.solar_phases[0] = \"D\": must be 'A', 'B' or 'C'"),
    ((*P, "sun", "mode"), "cloudy", "powermeter.sun.mode = \"cloudy\": must be 'fixed' or 'clear_sky'"),
    ((*P, "sun", "clouds"), 2, "powermeter.sun.clouds = 2: must be less than or equal to 1"),
    ((*P, "loads", 0, "power"), math.nan, "powermeter.loads[0].power = NaN: must be a finite number"),
    ((*P, "loads", 0, "nam"), "x", 'powermeter.loads[0].nam = "x": unknown key, did you mean "name"?'),
    ((*P, "events", 0, "load"), "te", 'powermeter.events[0].load = "te": no such load, did you mean "tea"?'),
    ((*P, "events", 0, "time"), -1, "powermeter.events[0].time = -1: must be greater than or equal to 0"),
    ((*P, "appliance"), [], 'powermeter.appliance = []: unknown key, did you mean "appliances"?'),
    (A, "kettle", 'powermeter.appliances = "kettle": must be a list'),
    ((*A, 0), "kettle", 'powermeter.appliances[0] = "kettle": must be an object with keys'),
    ((*A, 0, "kind"), "ketle", 'powermeter.appliances[0].kind = "ketle": no such appliance, did you mean "kettle"?'),
    ((*A, 0, "kind"), None, "powermeter.appliances[0].kind = null: no such appliance (allowed: kettle, "),
    ((*A, 0, "kind"), "oven", "powermeter.appliances[0].duration_s = 120: unknown key (allowed: kind, name, phase"),
    ((*A, 0, "powr"), 5, 'powermeter.appliances[0].powr = 5: unknown key, did you mean "power"?'),
    ((*A, 0, "power"), 0, "powermeter.appliances[0].power = 0: must be greater than 0"),
    ((*A, 0, "phase"), "L1", "powermeter.appliances[0].phase = \"L1\": must be 'A', 'B', 'C' or 'D'"),
    ((*A, 0, "name"), "lamp", 'powermeter.appliances[0].name = "lamp": must be unique, another load has this name'),
    ((*A, 0, "name"), "oven", 'powermeter.appliances[1].name = "oven": must be unique, another load has this name'),
    ((*A, 0, "name"), "", 'powermeter.appliances[0].name = "": must not be empty'),
    ((*A, 1, "target_c"), 900, "powermeter.appliances[1].target_c = 900: must be within 31 and 509, from room_c"),
    ((*A, 1, "rise_k"), 20, "powermeter.appliances[1].target_c = 200: must be within 31 and 29, from room_c"),
    ((*A, 3, "steps"), [], "powermeter.appliances[3].steps = []: must not be empty"),
    ((*A, 3, "steps", 0, "on_s"), 2, "powermeter.appliances[3].steps[0].on_s = 2: on_s and off_s must both be above 0"),
    ((*A, 3, "steps", 0, "watts"), 2, "powermeter.appliances[3].steps[0].watts = 2: unknown key (allowed: power, "),
    ((*A, 4, "level"), 4, "powermeter.appliances[4].level = 4: must be within 1 and 3, as many as duty has entries"),
    ((*A, 4, "duty", 1), 1.5, "powermeter.appliances[4].duty[1] = 1.5: must be less than or equal to 1"),
    ((*A, 5, "min_power"), 9000, "powermeter.appliances[5].min_power = 9000: must not be above power (3000)"),
    ((*A, 6, "energy"), 9, 'powermeter.appliances[6].energy = 9: unknown key, did you mean "energy_wh"?'),
    (("step_s",), 0, "step_s = 0: must be greater than or equal to 0.1"),
    (("weather", "latitude"), 91, "weather.latitude = 91: must be less than or equal to 90"),
    (("weather", "timezone"), "Berlin", 'weather.timezone = "Berlin": must be a name of the IANA database'),
    (("weather", "timezone"), "../etc", 'weather.timezone = "../etc": must be a name of the IANA database'),
    (("weather", "start"), "noon", 'weather.start = "noon": must be a date and time such as "2026-06-21T00:00"'),
    (("weather", "start"), 7, "weather.start = 7: must be text in quotes"),
    (("weather", "raster_s"), 7, "weather.raster_s = 7: must divide a day of 86400 s"),
    (("weather", "file"), "no.csv", 'weather.file = "no.csv": cannot be read: No such file'),
    (("weather", "cloud"), 1, 'weather.cloud = 1: unknown key, did you mean "clouds"?'),
    (("weather",), None, "weather = null: the panels of pv[0] need a place and its weather"),
    (("powermeter", "sun", "start"), 9, "powermeter.sun.start = 9.0: weather.start says when it starts"),
    (("pv", 0, "name"), "tea", 'pv[0].name = "tea": must be another name'),
    (("pv", 0, "strings"), [], "pv[0].strings = []: must not be empty"),
    (("pv", 0, "strings", 0, "tlt"), 5, 'pv[0].strings[0].tlt = 5: unknown key, did you mean "tilt"?'),
    (("pv", 0, "strings", 0, "area_m2"), 5, "pv[0].strings[0].peak_w = 1200: needs either peak_w or area_m2"),
    (("hybrid", 0, "name"), "garage", 'hybrid[0].name = "garage": must be another name'),
    (("hybrid", 0, "settings", "mode"), "self", "hybrid[0].settings.mode = \"self\": must be 'self_use', 'time_of"),
    (("hybrid", 0, "settings", "reserve"), 0.1, 'reserve = 0.1: unknown key, did you mean "reserve_soc"?'),
    (
        ("hybrid", 0, "settings", "windows", 0, "power"),
        1,
        'hybrid[0].settings.windows[0].power = 1: unknown key, did you mean "power_w"?',
    ),
    (
        ("hybrid", 0, "battery", "capacity"),
        1,
        'hybrid[0].battery.capacity = 1: unknown key, did you mean "capacity_wh"',
    ),
    (("hybrid", 0, "mppts", 0, "strings", 0, "efficiency"), 2, "efficiency = 2: must be less than or equal to 0.5"),
    ((*A, 6, "power"), 1000, "powermeter.appliances[6].min_power = 4140.0: must not be above power (1000)"),
    (("layout", "tea"), [1], "layout.tea = [1]: must have 2 entries"),
    (("layout", "tea"), [-1, 0], "layout.tea[0] = -1: must be greater than or equal to 0"),
    (("layout", "tae"), [1, 2], 'layout.tae = [1.0, 2.0]: nothing is called so, did you mean "tea"?'),
]
