"""The extra that everything with registers needs."""

from importlib.util import find_spec

from nullwatt.cli.errors import fail

_MODULES = {"pymodbus": "pymodbus", "serial": "pyserial"}


def require_modbus() -> None:
    """End the program, with the name of the extra, if a package is missing."""
    for module, package in _MODULES.items():
        if find_spec(module) is None:
            fail(f"Modbus needs the package {package}; install nullwatt[modbus]")
