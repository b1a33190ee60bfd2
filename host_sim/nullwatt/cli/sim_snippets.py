"""Configurations that make an emulator read the meter of the simulated house."""

from collections.abc import Callable


def astrameter(http_port: int, ct_port: int, phases: int) -> str:
    """AstraMeter's config.ini."""
    paths = ", ".join(f"$.phase_{phase}" for phase in "abc"[:phases])
    return (
        "[GENERAL]\nDEVICE_TYPE = ct002\n\n"
        f"[CT002]\nUDP_PORT = {ct_port}\nACTIVE_CONTROL = True\n\n"
        f"[JSON_HTTP]\nURL = http://localhost:{http_port}/power\nJSON_PATHS = {paths}\n"
    )


def esphome(http_port: int, ct_port: int, phases: int) -> str:
    """A YAML for our component; the board must reach this machine."""
    kind = "1phase" if phases == 1 else "3phase"
    keys = ["power"] if phases == 1 else ["power_l1", "power_l2", "power_l3"]
    powers = "".join(
        f"""      {key}: number(root["phase_{phase}"])\n""" for key, phase in zip(keys, "abc", strict=False)
    )
    return (
        "# Start the simulation with http: {host: 0.0.0.0} in its file, and put this machine's address here.\n"
        f"packages:\n  meter: !include\n    file: esphome_component/packages/meter-http-json-{kind}.yaml\n"
        f"    vars:\n      url: http://192.168.1.2:{http_port}/power\n{powers}"
        f"ct002:\n  udp_port: {ct_port}\n"
    )


def nullwatt(http_port: int, ct_port: int, phases: int) -> str:
    """A shell line for our emulator."""
    values = ", ".join(f".phase_{phase}" for phase in "abc"[:phases])
    return (
        f"while curl -sf http://localhost:{http_port}/power | jq -c '[{values}]'; do sleep 1; done |\n"
        f"  nullwatt emulator --port {ct_port}\n"
    )


SNIPPETS: dict[str, Callable[[int, int, int], str]] = {
    "astrameter": astrameter,
    "esphome": esphome,
    "nullwatt": nullwatt,
}
