"""What is told of the state, as plain dicts, for MQTT and for the page. What is not known is left out: it is not 0."""

import gc

_EMULATOR = (
    ("grid_total", "grid_total_w"),
    ("grid_age", "grid_age_s"),
    ("demand", "demand_w"),
    ("pool_output", "pool_output_w"),
    ("pool_size", "pool_size"),
    ("batteries", "consumers"),
    ("active_control", "active_control"),
    ("replies", "replies"),
    ("drops", "drops"),
)
_BATTERY = (
    ("mac", "mac"),
    ("type", "device_type"),
    ("phase", "phase"),
    ("online", "online"),
    ("in_pool", "in_pool"),
    ("power", "power_w"),
    ("target", "target_w"),
    ("reading", "reading_w"),
    ("saturation", "saturation"),
    ("confidence", "confidence"),
    ("law", "law"),
    ("parked", "parked"),
    ("poll_interval", "poll_interval_s"),
    ("age", "age_s"),
    ("polls", "polls"),
)


def state(app):
    """The whole: W, s, bytes."""
    found = {"uptime": app.ticks}
    if app.emulator is not None:
        whole = app.emulator.state()
        grid = whole.grid_w
        if grid:
            found["grid"] = [_number(value) for value in grid]
        _fill(found, whole, _EMULATOR)
    if app.meter is not None and getattr(app.meter, "error", ""):
        found["meter_error"] = app.meter.error
    if hasattr(gc, "mem_free"):
        found["heap_free"] = gc.mem_free()
    return found


def batteries(app):
    """A dict per battery, W and s."""
    if app.emulator is None:
        return []
    return [_fill({}, one, _BATTERY) for one in app.emulator.consumers()]


def topic_of(mac):
    """A battery's name as one level of a topic: what comes from the network must not reach others."""
    return "".join(c if c.isalpha() or c.isdigit() or c in ".:-" else "_" for c in mac[:32]) or "_"


def _fill(found, source, names):
    for name, attribute in names:
        value = _number(getattr(source, attribute, None))
        if value is not None:
            found[name] = value
    return found


def _number(value):
    """Rounded; None for what JSON has no number for."""
    if isinstance(value, float):
        if value - value != 0.0:
            return None
        return round(value, 1 if abs(value) >= 10 else 2)
    return value
