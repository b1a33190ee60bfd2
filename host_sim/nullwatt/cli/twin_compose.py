"""A Docker Compose file for a site: its ports, its files, and a port instead of each serial device."""

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

import yaml

from nullwatt.cli.errors import fail
from nullwatt.home.der import AssetConfig, ModbusRtuConfig, ModbusTcpConfig, SiteConfig

#: Of the bridge of the first serial device.
FIRST_BRIDGE_PORT = 56001
#: Where the folders of the site are in the container, under their own paths, so that relative ones still lead there.
_ROOT = "/site"
_HEAD = "# Made by `nullwatt twin compose`. Start: docker compose up --build\n"
_DOCKERFILE = "FROM python:3.12\nRUN pip install --no-cache-dir 'nullwatt[modbus]'\n"


class _Block(str):
    """Text of several lines, to be read as such."""


class _Dumper(yaml.SafeDumper):
    """Knows blocks."""


_Dumper.add_representer(_Block, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|"))


def tcp_ports(site: SiteConfig) -> list[int]:
    """The TCP ports of the assets, sorted."""
    return sorted({protocol.port for protocol in _protocols(site) if isinstance(protocol, ModbusTcpConfig)})


def bridge_ports(site: SiteConfig, first: int = FIRST_BRIDGE_PORT) -> dict[str, int]:
    """The port of each serial device, in the order of the file; ports that assets have are left out."""
    devices = serial_devices(site.assets)
    ports = next_bridge_ports(devices, first, tcp_ports(site))
    if len(ports) < len(devices):
        fail(f"there are no {len(devices)} free ports from {first} up for the serial devices")
    return ports


def serial_devices(assets: Iterable[AssetConfig]) -> list[str]:
    """Each once, in their order."""
    lines = (protocol.port for asset in assets for protocol in asset.protocols if isinstance(protocol, ModbusRtuConfig))
    return list(dict.fromkeys(lines))


def next_bridge_ports(devices: Iterable[str], first: int, taken: Collection[int]) -> dict[str, int]:
    """A port for each device, from the first up without those that are taken; fewer if there are no more."""
    free = (port for port in range(first, 65536) if port not in taken)
    return dict(zip(devices, free, strict=False))


def compose_file(site: SiteConfig, config: Path) -> str:
    """The text of the Compose file. config: of the site, as given on the command line."""
    config = config.resolve()
    if 0 in tcp_ports(site):
        fail(f"{config}: port = 0: must be a port of its own, Docker cannot publish any free one")
    folders = {config.parent: f"{_ROOT}{config.parent}"}
    for asset in site.assets:
        for protocol in asset.protocols:
            path = site.register_map_path(asset.type, protocol)
            if path.is_file():
                wanted = Path(site.register_map_root or "", protocol.register_map or "").is_absolute()
                folder = Path(path).parent.resolve()
                folders.setdefault(folder, str(path.parent) if wanted else f"{_ROOT}{folder}")
    bridges = bridge_ports(site)
    command = ["nullwatt", "twin", "serve", "-c", f"{_ROOT}{config}", "--ip", "0.0.0.0"]
    if bridges:
        command += ["--rtu-over-tcp", str(FIRST_BRIDGE_PORT)]
    # Maps elsewhere may have been found from here.
    place = {"working_dir": f"{_ROOT}{Path.cwd()}"} if len(folders) > 1 else {}
    service: dict[str, Any] = {
        "build": {"context": ".", "dockerfile_inline": _Block(_DOCKERFILE)},
        "command": command,
        **place,
        "ports": [f"{port}:{port}" for port in [*tcp_ports(site), *bridges.values()]],
        "volumes": [
            {"type": "bind", "source": str(source), "target": target, "read_only": True}
            for source, target in folders.items()
        ],
        "restart": "unless-stopped",
        "stop_signal": "SIGINT",
    }
    notes = "".join(f"# {device}: RTU over TCP on port {port}\n" for device, port in bridges.items())
    document = {"services": {"twin": _escaped(service)}}
    text = yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1000)
    return _HEAD + notes + text


def _protocols(site: SiteConfig) -> list[ModbusTcpConfig | ModbusRtuConfig]:
    return [protocol for asset in site.assets for protocol in asset.protocols]


def _escaped(value: Any) -> Any:
    """Compose puts variables in for what begins with $."""
    if isinstance(value, dict):
        return {key: _escaped(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_escaped(each) for each in value]
    return type(value)(value.replace("$", "$$")) if isinstance(value, str) else value
