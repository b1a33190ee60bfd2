"""Kubernetes manifests of a spread house: broker, conductor, and a deployment per device.

Scaling a device's deployment to zero takes it out of the house; scaling it to one brings it back.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from nullwatt.home import HouseFile, read_document

from .solo import solos

_BROKER = "nullwatt-broker"
_HOUSE = "nullwatt-house"
_MQTT_PORT = 1883
_METRICS_PORT = 9100
_FOLDER = "/etc/nullwatt"
_MOST_BYTES = 1_000_000  # of a ConfigMap
_LONGEST_NAME = 63
_MOSQUITTO = f"listener {_MQTT_PORT}\nallow_anonymous true\npersistence false\nset_tcp_nodelay true\n"
_PART_OF = {"app.kubernetes.io/part-of": "nullwatt"}


class ManifestError(ValueError):
    """A house that cannot be written down so. `str()` is one line."""


def manifests(
    file: HouseFile, path: Path, image: str = "nullwatt:latest", namespace: str | None = None, time_scale: float = 1.0
) -> list[dict[str, Any]]:
    """All objects, in an order in which they can be applied.

    path: of the house file, which goes into a ConfigMap with the CSV files it names; its `mqtt_insights` does not, as
    it may hold a password. Raises ManifestError, ConfigError.
    """
    objects = [_config_map(_HOUSE, _house_data(file, path)), *_broker()]
    taken = {_BROKER, _HOUSE, "nullwatt-conductor"}
    command = ["nullwatt", "twin", "conduct", "--config", f"{_FOLDER}/house.yaml", "--time-scale", f"{time_scale:g}"]
    sky = file.weather is not None
    objects.append(_deployment("nullwatt-conductor", "conductor", image, command, sky=sky))
    under_sky = {each.name for each in file.pv} | {each.name for each in file.hybrid if each.mppts}
    for device in solos(file, str(path)):
        name = _name_of(device, taken)
        command = ["nullwatt", "node", "--config", f"{_FOLDER}/house.yaml", "--device", device]
        notes = {"nullwatt/device": device}
        objects.append(_deployment(name, "node", image, command, notes, sky=device in under_sky))
    if namespace is not None:
        for each in objects:
            each["metadata"]["namespace"] = namespace
    return objects


def _name_of(device: str, taken: set[str]) -> str:
    """A name Kubernetes takes: that of the device as far as it goes, unique."""
    core = re.sub(r"[^a-z0-9]+", "-", device.lower().removeprefix("house: ")).strip("-") or "device"
    stem = f"nullwatt-{core}"[: _LONGEST_NAME - 4].strip("-")
    name, number = stem, 2
    while name in taken:
        name, number = f"{stem}-{number}", number + 1
    taken.add(name)
    return name


def _house_data(file: HouseFile, path: Path) -> dict[str, str]:
    document = read_document(path)
    assert isinstance(document, dict)
    document = {key: value for key, value in document.items() if key != "mqtt_insights"}
    data: dict[str, str] = {}
    sections: list[dict[str, Any]] = [
        *document.get("powermeter", {}).get("appliances", []),
        document.get("tariff", {}),
        document.get("weather", {}),
    ]
    for section in sections:
        if section and section.get("file") is not None:
            source = path.parent / section["file"]
            key = re.sub(r"[^-._a-zA-Z0-9]", "_", source.name)
            text = source.read_text(encoding="utf-8-sig")
            if data.setdefault(key, text) != text:
                raise ManifestError(f"{path}: two files are called {key}")
            section["file"] = key
    data["house.yaml"] = yaml.safe_dump(document, sort_keys=False, allow_unicode=True)
    if sum(len(text.encode()) for text in data.values()) > _MOST_BYTES:
        raise ManifestError(f"{path}: with the files it names it is larger than a ConfigMap may be, 1 MB")
    return data


def _config_map(name: str, data: dict[str, str]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "labels": {**_PART_OF}}, "data": data}


def _broker() -> list[dict[str, Any]]:
    labels = _labels(_BROKER, "broker")
    select = {"app.kubernetes.io/name": _BROKER}
    container = {
        "name": "mosquitto",
        "image": "eclipse-mosquitto:2",
        "ports": [{"name": "mqtt", "containerPort": _MQTT_PORT}],
        "readinessProbe": {"tcpSocket": {"port": "mqtt"}, "periodSeconds": 2},
        "resources": _resources("10m", "32Mi", "128Mi"),
        "securityContext": _container_security(),
        "volumeMounts": [{"name": "config", "mountPath": "/mosquitto/config", "readOnly": True}],
    }
    pod = {
        "automountServiceAccountToken": False,
        "securityContext": _pod_security(1883),
        "containers": [container],
        "volumes": [{"name": "config", "configMap": {"name": _BROKER}}],
    }
    return [
        _config_map(_BROKER, {"mosquitto.conf": _MOSQUITTO}),
        _apps_deployment(_BROKER, labels, {}, pod),
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": _BROKER, "labels": labels},
            "spec": {"selector": select, "ports": [{"name": "mqtt", "port": _MQTT_PORT, "targetPort": "mqtt"}]},
        },
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": _BROKER, "labels": labels},
            "spec": {
                "podSelector": {"matchLabels": select},
                "policyTypes": ["Ingress"],
                "ingress": [
                    {
                        "from": [{"podSelector": {"matchLabels": {**_PART_OF}}}],
                        "ports": [{"protocol": "TCP", "port": _MQTT_PORT}],
                    }
                ],
            },
        },
    ]


def _deployment(
    name: str,
    component: str,
    image: str,
    command: Sequence[str],
    annotations: dict[str, str] | None = None,
    *,
    sky: bool = False,
) -> dict[str, Any]:
    """sky: it computes the weather, for which pvlib, pandas and scipy take 200 MB."""
    container = {
        "name": component,
        "image": image,
        "command": [*command, "--metrics-port", str(_METRICS_PORT)],
        "env": [{"name": "NULLWATT_BUS", "value": f"mqtt://{_BROKER}:{_MQTT_PORT}"}],
        "ports": [{"name": "metrics", "containerPort": _METRICS_PORT}],
        "livenessProbe": {"httpGet": {"path": "/metrics", "port": "metrics"}, "initialDelaySeconds": 10},
        "resources": _resources("20m", "256Mi", "512Mi") if sky else _resources("20m", "96Mi", "256Mi"),
        "securityContext": _container_security(),
        "volumeMounts": [{"name": "house", "mountPath": _FOLDER, "readOnly": True}],
    }
    pod = {
        "automountServiceAccountToken": False,
        "securityContext": _pod_security(10001),
        "terminationGracePeriodSeconds": 5,
        "containers": [container],
        "volumes": [{"name": "house", "configMap": {"name": _HOUSE}}],
    }
    scrape = {
        "prometheus.io/scrape": "true",
        "prometheus.io/port": str(_METRICS_PORT),
        "prometheus.io/path": "/metrics",
    }
    return _apps_deployment(name, _labels(name, component), {**scrape, **(annotations or {})}, pod)


def _apps_deployment(
    name: str, labels: dict[str, str], annotations: dict[str, str], pod: dict[str, Any]
) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "labels": labels},
        "spec": {
            "replicas": 1,
            "strategy": {"type": "Recreate"},  # two of the same device would answer twice
            "selector": {"matchLabels": {"app.kubernetes.io/name": name}},
            "template": {"metadata": {"labels": {**labels}, "annotations": annotations}, "spec": pod},
        },
    }


def _labels(name: str, component: str) -> dict[str, str]:
    return {"app.kubernetes.io/name": name, "app.kubernetes.io/component": component, **_PART_OF}


def _resources(cpu: str, memory: str, most: str) -> dict[str, Any]:
    return {"requests": {"cpu": cpu, "memory": memory}, "limits": {"memory": most}}


def _pod_security(user: int) -> dict[str, Any]:
    return {"runAsNonRoot": True, "runAsUser": user, "seccompProfile": {"type": "RuntimeDefault"}}


def _container_security() -> dict[str, Any]:
    return {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
