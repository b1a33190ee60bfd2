"""From the start of a board to the version that is to run. It stays in memory, so it is short; `boot` does not stay."""

import sys


def main(config: str = "config.json") -> None:
    """Run the version to run until the board is reset; back to the REPL if its configuration cannot be used."""
    paths = list(sys.path)
    safe = _boot(paths).begin(config)
    import gc

    gc.collect()
    why = ""
    try:
        from nullwatt import run  # of the version that was chosen

        run(config, safe)
    except KeyboardInterrupt:
        _boot(paths).interrupted()
        raise
    except Exception as error:
        sys.print_exception(error)
        why = "%s: %s" % (type(error).__name__, error)
    boot = _boot(paths)
    if not why and not boot.on_trial():
        return  # it has said what is wrong with the configuration
    boot.note(why or "ended")
    import time

    time.sleep(2)  # for Ctrl-C, and for who reads
    boot.reset()


def _boot(paths: list):
    """`nullwatt.boot` of what came with the board: nothing of a slot is needed to leave it."""
    sys.path[:] = paths
    forget()
    from nullwatt import boot

    return boot


def forget() -> None:
    """Let go of all that is loaded of nullwatt; it is loaded anew when it is wanted."""
    for name in [name for name in sys.modules if name.split(".")[0] == "nullwatt"]:
        del sys.modules[name]


def unload(name: str) -> None:
    """Let go of one module, which is not needed for now."""
    sys.modules.pop("nullwatt." + name, None)
    package = sys.modules.get("nullwatt")
    if hasattr(package, name):
        delattr(package, name)
