"""Which version starts: one of two slots, which updates are written to, or what came with the board (frozen or /lib).

    slots/state                  which slot runs, for good or on trial, and where to go back to; replaced by one rename
    slots/starts                 how many starts on end did not last
    slots/a/manifest.json        written last: a slot that has it is complete
    slots/a/nullwatt/...

`launch` calls `begin` of the version that came with the board, at every start, before anything of a slot is loaded. No
update reaches it, so it is short, and the two files keep their form: every later version writes what this one reads.
"""

import binascii
import json
import os
import sys

from nullwatt.launch import forget

SLOTS = ("a", "b")
#: A version on trial that was started so often and has not reported health is left.
MOST_TRIALS = 3
#: After so many starts on end that did not last the next one is in safe mode,
MOST_CRASHES = 5
#: and after so many, safe mode included, goes back to the version before.
GIVE_UP = 8
_FOLDER = "slots"
_REASON = 100


def begin(config: str) -> str:
    """From now on `import nullwatt` is the version to run; why it has to run in safe mode, "" = normally."""
    slot, safe = choose(config)
    use(slot)
    return safe


def choose(config: str) -> tuple:
    """The slot to run, "" = what came with the board, and why it has to run in safe mode, "" = normally."""
    base = _base()
    state = read_state()
    if state is None:
        state = _recovered(base)
        if state["slot"]:
            write_state(state)
    elif base and state["base"] != base:
        # Somebody has installed anew what comes with the board, and wants that.
        if state["slot"]:
            print("nullwatt: %s came with the board anew, it runs instead of slot %s" % (base, state["slot"]))
        state = _state(base=base)
        write_state(state)
    elif state["slot"] and not version_in(state["slot"]):
        state = _back(state, "its files are not complete")
    if state["trial"] is not None:
        if state["trial"] >= MOST_TRIALS:
            state = _back(state, "%d starts without health, the last: %s" % (state["trial"], _starts()[2] or _cause()))
        else:
            state["trial"] += 1
            write_state(state)
    count, seen, reason = _starts()
    now = _fingerprint(config)
    if seen != now:
        count, reason = 0, ""
    count += 1
    if count > GIVE_UP and state["slot"]:
        state = _back(state, "crashes in safe mode, the last: " + (reason or _cause()))
        count, reason = 1, ""
    # More than this tells nothing new, and is not worth a write.
    if count <= GIVE_UP + 1:
        _write_starts(count, now, reason if count > MOST_CRASHES else "")
    safe = ""
    if count > MOST_CRASHES and state["trial"] is None:
        safe = "%d starts on end did not last, the last: %s" % (count - 1, reason or _cause())
    return state["slot"], safe


def use(slot: str) -> None:
    """From now on `import nullwatt` loads that of the slot; what is loaded is forgotten."""
    forget()
    for other in SLOTS:
        while _path(other) in sys.path:
            sys.path.remove(_path(other))
    if slot:
        sys.path.insert(0, _path(slot))


def running() -> str:
    """The slot that this code is in; "" = it came with the board."""
    for slot in SLOTS:
        if ("/" + __file__).find("/%s/%s/nullwatt/" % (_FOLDER, slot)) >= 0:
            return slot
    return ""


def on_trial() -> bool:
    """Whether the version to run has not reported health yet."""
    state = read_state()
    return state is not None and state["trial"] is not None


# -- what the running version reports ---------------------------------------------------------


def confirm() -> None:
    """The version on trial is healthy: it runs for good."""
    state = read_state()
    if state is not None and state["trial"] is not None:
        state["trial"] = None
        if state["bad"] == version_in(state["slot"]):
            state["bad"] = ""
        write_state(state)


def roll_back(why: str, failed: bool = True) -> None:
    """The version in the slot of the state is of no use: the next start is that of the one before.

    failed: so that no update brings it again.
    """
    state = read_state()
    if state is not None and state["slot"]:
        _back(state, why, failed)


def survived() -> None:
    """This start has lasted: the next crash counts as the first. Safe mode stays until `forgive`."""
    count, seen, _ = _starts()
    left = MOST_CRASHES if count > MOST_CRASHES else 0
    if count != left:
        _write_starts(left, seen, _starts()[2])


def forgive() -> None:
    """The next start is a normal one, whatever has happened before."""
    try:
        os.remove(_path("starts"))
    except OSError:
        pass


def note(reason: str) -> None:
    """Keep why this start ended, for the log of the next."""
    count, seen, _ = _starts()
    _write_starts(count, seen, reason)


def interrupted() -> None:
    """Somebody pressed Ctrl-C: this start does not count."""
    count, seen, reason = _starts()
    if 0 < count <= MOST_CRASHES:
        _write_starts(count - 1, seen, reason)
    state = read_state()
    if state is not None and state["trial"]:
        state["trial"] -= 1
        write_state(state)


def reset() -> None:
    """Start anew."""
    import machine

    if hasattr(machine, "reset"):
        machine.reset()
    raise SystemExit  # where there is no board: ends the program


# -- for updates ------------------------------------------------------------------------------


def target() -> str:
    """The slot an update may be written to: neither the one that runs nor the only one known to be good."""
    state = read_state() or _recovered(_base())
    if state["slot"]:
        return "b" if state["slot"] == "a" else "a"
    a, b = (release(version_in(slot)) for slot in SLOTS)
    return "b" if running() == "a" or (running() == "" and a > b) else "a"


def activate(slot: str) -> None:
    """The next start is that of this slot, on trial. One rename: until then the old version starts."""
    state = read_state()
    back = running() if state is None else state["slot"]
    base = _base() or (state["base"] if state else "")
    write_state(_state(slot, back, 0, state["bad"] if state else "", base))
    forgive()


def read_state() -> dict | None:
    """The state: slot, back (slots, "" = what came with the board), trial (starts so far; None = it runs for good), bad
    (version that failed its trial), base (version that came with the board). None if there is none that can be read.
    """
    try:
        with open(_path("state"), "rb") as file:
            text, _, check = file.read(400).partition(b"\n")
        if int(str(check, "ascii"), 16) != binascii.crc32(text):
            return None
        found = json.loads(str(text, "utf-8"))
        for key in ("slot", "back"):
            if found[key] not in ("", "a", "b"):
                return None
        if found["trial"] is not None and not isinstance(found["trial"], int):
            return None
        return {key: found[key] for key in ("slot", "back", "trial", "bad", "base")}
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_state(state: dict) -> None:
    """All of it or nothing."""
    text = json.dumps(state).encode()
    _make(_path(""))
    write_whole(_path("state"), text + b"\n%08x\n" % binascii.crc32(text))


def version_in(slot: str) -> str:
    """The version in a slot; "" if it is not complete."""
    try:
        with open(_path(slot) + "/manifest.json") as file:
            manifest = json.load(file)
        for name, size, _ in manifest["files"]:
            if os.stat(_path(slot) + "/" + name)[6] != size:
                return ""
        return manifest["version"] if release(manifest["version"]) else ""
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def release(version: str) -> tuple:
    """A version such as "1.2.3" as numbers to compare; () for what is none."""
    try:
        numbers = tuple([int(part) for part in version.split(".") if part.isdigit() and len(part) < 6])
    except (AttributeError, ValueError):
        return ()
    return numbers if len(numbers) == 3 == len(version.split(".")) else ()


def write_whole(path: str, data: bytes) -> None:
    """Replace a file by a rename; a power cut leaves the old one or the new one."""
    with open(path + ".new", "wb") as file:
        file.write(data)
    sync()
    try:
        os.rename(path + ".new", path)
    except OSError:
        # FAT does not replace. A power cut here leaves no file, which every reader of one takes into account.
        os.remove(path)
        os.rename(path + ".new", path)
    sync()


def sync() -> None:
    """Have everything written, on ports that put it off."""
    if hasattr(os, "sync"):
        os.sync()


# -- inside -----------------------------------------------------------------------------------


def _path(name: str) -> str:
    return os.getcwd().rstrip("/") + "/" + _FOLDER + ("/" + name if name else "")


def _base() -> str:
    """The version that came with the board; "" when that is not what asks."""
    from nullwatt import __version__

    return "" if running() else __version__


def _state(slot: str = "", back: str = "", trial: int | None = None, bad: str = "", base: str = "") -> dict:
    return {"slot": slot, "back": back, "trial": trial, "bad": bad, "base": base}


def _recovered(base: str) -> dict:
    """The state where there is none: the newest that is complete, on trial."""
    versions = [(release(version_in(slot)), slot) for slot in SLOTS]
    versions.sort()
    (older, back), (newest, slot) = versions
    if not newest or (base and newest <= release(base)):
        return _state(base=base)
    return _state(slot, back if older else "", 0, "", base)


def _back(state: dict, why: str, failed: bool = True) -> dict:
    """Leave the slot of the state for the one before, or for what came with the board; the new state."""
    left, back = state["slot"], state["back"]
    version = version_in(left)
    bad = version if failed and version else state["bad"]
    if back == left or not version_in(back):
        back = ""
    print("nullwatt: %s in slot %s: %s; slot %s runs" % (version or "what is", left, why, back or "-"))
    state = _state(back, "", None, bad, state["base"])
    write_state(state)
    forgive()
    try:
        os.remove(_path(left) + "/manifest.json")  # never to be chosen again
    except OSError:
        pass
    return state


def _starts() -> tuple:
    """Starts on end that did not last, the configuration they had, and why the last one ended."""
    try:
        with open(_path("starts")) as file:
            count, seen, reason = file.read(200).split(" ", 2)
        return max(0, int(count)), seen, reason
    except (OSError, ValueError):
        return 0, "", ""


def _cause() -> str:
    """What ended the start before that left no word."""
    import machine

    try:
        return "watchdog" if machine.reset_cause() == machine.WDT_RESET else "reset"
    except AttributeError:
        return "reset"


def _write_starts(count: int, seen: str, reason: str) -> None:
    reason = "".join([c if " " <= c <= "~" else "?" for c in reason[:_REASON]])
    try:
        _make(_path(""))
        with open(_path("starts"), "w") as file:
            file.write("%d %s %s" % (count, seen or "-", reason))
    except OSError:
        pass  # a full file system must not keep anything from starting


def _fingerprint(path: str) -> str:
    """Of a file; "-" if there is none."""
    crc = 0
    block = bytearray(256)
    try:
        with open(path, "rb") as file:
            while True:
                count = file.readinto(block)
                if not count:
                    return "%08x" % crc
                crc = binascii.crc32(memoryview(block)[:count], crc)
    except OSError:
        return "-"


def _make(folder: str) -> None:
    try:
        os.mkdir(folder)
    except OSError:
        pass  # it is there, or what comes next says why not
