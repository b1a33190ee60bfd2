"""What is loaded for what: a site behind Modbus and a node start without the web server."""

import subprocess
import sys

import pytest

import nullwatt.serve

HEAVY = ("fastapi", "uvicorn", "starlette", "pandas", "pvlib", "nicegui", "textual", "plotly")


def loaded(*modules: str) -> set[str]:
    code = f"import sys, {', '.join(modules)}; print(*sys.modules)"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


@pytest.mark.parametrize(
    "modules, without",
    [
        (("nullwatt.cli.twin_run", "nullwatt.cli.node", "nullwatt.lab.bus_mqtt", "nullwatt.lab.solo"), HEAVY),
        (("nullwatt.cli.main",), (*HEAVY, "numpy", "nullwatt.home", "pymodbus", "aiomqtt")),
    ],
)
def test_what_is_not_needed_is_not_loaded(modules: tuple[str, ...], without: tuple[str, ...]) -> None:
    assert not loaded(*modules) & set(without)


def test_every_name_of_the_door_is_there() -> None:
    for name in nullwatt.serve.__all__:
        assert getattr(nullwatt.serve, name) is not None and name in dir(nullwatt.serve)
    with pytest.raises(AttributeError, match=r"nullwatt\.serve.*Sever"):
        nullwatt.serve.Sever  # type: ignore[attr-defined]  # noqa: B018
