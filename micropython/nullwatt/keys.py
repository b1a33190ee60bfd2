"""Keys of a configuration: what they are called, what they may be, and one line for whoever gets it wrong."""


class ConfigError(Exception):
    """The configuration cannot be used. `str()` is one line: key, value, what is allowed, the nearest valid thing."""


class Key:
    """One key.

    kind: str, int, float, bool, list or dict. default: REQUIRED = must be given. low, high: bounds of a number, or of
    the length of a text. choices: the allowed texts.
    """

    def __init__(self, kind, default=None, low=None, high=None, choices=(), help="", secret=False):
        self.kind = kind
        self.default = default
        self.low = low
        self.high = high
        self.choices = choices
        self.help = help
        self.secret = secret  # never shown or logged


class _Required:
    def __repr__(self):
        return "required"


REQUIRED = _Required()
_NAMES = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    list: "a list",
    dict: "an object",
}


def check(section, keys, path):
    """The section as a dict with every key of the table; ConfigError. path: opens the error text, such as `meter`."""
    if not isinstance(section, dict):
        raise ConfigError(f"{path} = {show(section)}: must be an object")
    for key in section:
        if key not in keys:
            raise ConfigError(f"{path}.{key} = {show(section[key])}: unknown key{hint(key, keys)}")
    found = {}
    for name, key in keys.items():
        if name in section:
            found[name] = check_value(section[name], key, f"{path}.{name}")
        elif key.default is REQUIRED:
            raise ConfigError(f"{path}: needs the key {name}: {key.help or _NAMES[key.kind]}")
        else:
            found[name] = key.default
    return found


def check_value(value, key, path):
    """The value in the kind of its key; ConfigError."""
    if value is None and key.default is None:
        return None
    kind = key.kind
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    right = isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
    if right and kind is float:
        right = value - value == 0.0  # neither NaN nor infinite
    if not right:
        raise ConfigError("{} = {}: must be {}".format(path, "***" if key.secret else show(value), _NAMES[kind]))
    if key.choices and value not in key.choices:
        raise ConfigError(
            "{} = {}: must be one of {}{}".format(path, show(value), ", ".join(key.choices), hint(value, key.choices))
        )
    size = len(value) if kind in (str, list) else value
    if (key.low is not None and size < key.low) or (key.high is not None and size > key.high):
        what = "" if kind in (int, float) else "length "
        shown = "***" if key.secret else show(value)
        raise ConfigError(f"{path} = {shown}: {what}must be {bounds(key.low, key.high)}")
    return value


def bounds(low, high):
    """Words for what lies between them; None = no bound."""
    if high is None:
        return f"at least {low:g}"
    if low is None:
        return f"at most {high:g}"
    return f"within {low:g} and {high:g}"


def show(value):
    """A value as it may stand in an error text."""
    import json

    text = json.dumps(value)
    return text if len(text) <= 40 else text[:37] + "..."


def hint(word, choices):
    """`, did you mean "x"?` for the nearest of the choices, or what there is."""
    best, least = None, 3
    for choice in choices:
        far = distance(word, choice, least)
        if far < least:
            best, least = choice, far
    if best is not None:
        return f', did you mean "{best}"?'
    return "; there are " + ", ".join(sorted(choices)) if len(choices) <= 12 else ""


def distance(a, b, most):
    """Letters to change, add, drop or swap with their neighbour from a to b; `most` stands for that many or more."""
    if abs(len(a) - len(b)) >= most:
        return most
    before, row = [], list(range(len(b) + 1))
    for i in range(len(a)):
        older, before, row = before, row, [i + 1]
        for j in range(len(b)):
            cost = before[j] if a[i] == b[j] else 1 + min(before[j], before[j + 1], row[j])
            if i and j and a[i] == b[j - 1] and a[i - 1] == b[j]:
                cost = min(cost, 1 + older[j - 1])
            row.append(cost)
    return min(row[-1], most)
