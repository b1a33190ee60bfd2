"""nullwatt on a MicroPython board: a smart meter that home batteries follow.

`from nullwatt.launch import main; main()` in main.py starts the newest version that works, `run()` this one. The
control is the same compiled core as everywhere else (`nullwatt.core`); this package reads a grid meter, answers the
batteries and shows what it does.
Signs: grid + = import, battery + = discharge. Powers W, times s unless a name says ms.
"""

__version__ = "0.1.0"


def run(path: str = "config.json", safe: str = "") -> None:
    """Read the configuration and serve until the board is reset. safe: why only network, page and updates shall run."""
    from nullwatt.start import start  # only now: a program that wants a part of the package loads no more

    start(path, safe)
