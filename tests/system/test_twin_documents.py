"""What describes a spread house to others: the AsyncAPI document, and Kubernetes manifests against their schemas."""

import json
import re
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from jsonschema import Draft7Validator
from typer.testing import CliRunner

from nullwatt.cli.main import app
from nullwatt.home import Surroundings
from nullwatt.home.bus_messages import (
    Books,
    BusMessage,
    Bye,
    Command,
    Hello,
    Joules,
    Order,
    Setting,
    Telemetry,
    Terms,
    Tick,
)

VECTORS = Path(__file__).parents[1] / "vectors"
MACS = ("02B250000001", "02B250000002")
HOUSE: dict[str, Any] = {
    "powermeter": {
        "loads": [{"name": "Küche: 2nd / pump!", "power": 10, "phase": "A"}, {"name": "sun", "power": 1, "phase": "B"}],
        "appliances": [
            {"name": "evening", "kind": "replay", "phase": "D", "file": "data/e v.csv", "column": "w"},
        ],
    },
    "tariff": {"kind": "dynamic", "file": "p.csv"},
    "weather": {"latitude": 48, "longitude": 11, "start": "2026-06-21T11:00", "file": "data/sky.csv"},
    "pv": [{"name": "garage", "phase": "C", "strings": [{"tilt": 20, "azimuth": 90, "peak_w": 1800}]}],
    "hybrid": [{"name": "cellar", "ac_max_w": 800, "battery": {"capacity_wh": 2000}}],
    "mqtt_insights": {"broker": "mqtt://me:s3cret@h"},
    "batteries": [{"mac": mac, "phase": "A"} for mac in MACS],
}


@pytest.fixture
def house(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "e v.csv").write_text("time,w\n0,1\n1,2\n")
    (tmp_path / "p.csv").write_text("time,price\n2026-01-05T00:00,1\n2026-01-05T01:00,2\n")
    (tmp_path / "data" / "sky.csv").write_text("time,ghi\n2026-06-21T00:00,0\n2026-06-21T12:00,700\n")
    path = tmp_path / "home.yaml"
    path.write_text(yaml.safe_dump(HOUSE))
    return path


def nullwatt(*arguments: object) -> str:
    result = CliRunner().invoke(app, list(map(str, arguments)))
    assert result.exit_code == 0, result.output
    return str(result.stdout)


# -- AsyncAPI -----------------------------------------------------------------------------------


def find(document: Any, reference: str) -> Any:
    assert reference.startswith("#/")
    for part in reference.removeprefix("#/").split("/"):
        document = document[part]
    return document


def references(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [found for value in node.values() for found in references(value)]
    return [found for value in node for found in references(value)] if isinstance(node, list) else []


def test_the_asyncapi_document_fits_the_schema_of_asyncapi_3() -> None:
    schema = Draft7Validator(json.loads((VECTORS / "asyncapi" / "3.0.0.json").read_text()))
    text = nullwatt("twin", "asyncapi", "--topic", "my/home")
    document = json.loads(text)
    schema.validate(document)
    for path, value in (  # what only looks like one
        (("asyncapi",), "2.6.0"),
        (("info", "titel"), "x"),
        (("servers", "broker", "host"), None),
        (("channels", "tick", "adress"), "a"),
        (("operations", "sendTick", "action"), "publish"),
        (("components", "messages", "Tick", "payloads"), {}),
    ):
        wrong = json.loads(text)
        parent = wrong
        for part in path[:-1]:
            parent = parent[part]
        parent[path[-1]] = value
        assert not schema.is_valid(wrong), path


def test_what_the_schema_of_asyncapi_cannot_say() -> None:
    document = json.loads(nullwatt("twin", "asyncapi", "--topic", "my/home"))
    for server in document["servers"].values():
        assert "://" not in server["host"]
    for reference in references(document):
        find(document, reference)
    for channel in document["channels"].values():
        assert channel["address"].startswith("my/home/") and channel["messages"]
        assert set(re.findall(r"\{(\w+)\}", channel["address"])) == set(channel.get("parameters", {}))
    for operation in document["operations"].values():
        for message in operation["messages"]:  # of this very channel, as the specification demands
            assert message["$ref"].startswith(f"{operation['channel']['$ref']}/messages/")
    Draft7Validator.check_schema({"definitions": document["components"]["schemas"]})


def test_every_message_fits_its_schema_and_a_wrong_one_does_not() -> None:
    document = json.loads(nullwatt("twin", "asyncapi"))
    order = Order(settings=[Setting(name="soc", value=0.5)], replies=["00ff"], dt_s=1.0, poll=True, book=True)
    messages: list[BusMessage] = [
        Tick(run="r", number=1, time_s=1.0, dt_s=1.0, surroundings=Surroundings(grid_w=(1.0,)), orders={"a": order}),
        Joules(run="r", device="a", tick=1, power_w=1.0, terms=Terms(source_j=1.0), telemetry={"soc": None}),
        Telemetry(device="a", tick=1, time_s=1.0, values={"soc": 0.5}),
        Hello(device="a", phase="D", units={"soc": ""}, commands=["soc"]),
        Bye(device="a"),
        Command(name="soc", value=True),
        Books(run="r", tick=1, time_s=1.0, grid_w=[1.0], import_j=1.0, export_j=0.0, leak_j=0.0),
    ]
    assert {type(message).__name__ for message in messages} == set(document["components"]["messages"])
    for message in messages:
        schema = {**document, "$ref": f"#/components/schemas/{type(message).__name__}"}
        written = json.loads(message.to_json())
        Draft7Validator(schema).validate(written)
        assert not Draft7Validator(schema).is_valid({**written, "version": 2})


# -- Kubernetes ---------------------------------------------------------------------------------


def objects(house: Path, *more: object) -> list[Any]:
    return list(yaml.safe_load_all(nullwatt("twin", "kubernetes", house, *more)))


def test_the_manifests_fit_the_schemas_of_kubernetes(house: Path) -> None:
    for version in ("1.28", kubernetes_validate.latest_version()):
        for each in objects(house, "--namespace", "energy"):
            kubernetes_validate.validate(each, version, strict=True)
    wrong = objects(house)[2]
    wrong["spec"]["replica"] = 1
    with pytest.raises(Exception, match="replica"):
        kubernetes_validate.validate(wrong, "1.28", strict=True)


def test_a_deployment_per_device_the_conductor_the_broker_and_annotations(house: Path) -> None:
    found = objects(house, "--image", "registry.example/nullwatt:1")
    names = [(each["kind"], each["metadata"]["name"]) for each in found]
    assert len(set(names)) == len(names)
    deployments = {each["metadata"]["name"]: each for each in found if each["kind"] == "Deployment"}
    devices = {}
    for name, each in deployments.items():
        template = each["spec"]["template"]
        assert re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", name)
        assert each["spec"]["selector"]["matchLabels"].items() <= template["metadata"]["labels"].items()
        (container,) = template["spec"]["containers"]
        if name != "nullwatt-broker":
            notes = template["metadata"]["annotations"]
            assert notes["prometheus.io/scrape"] == "true"
            assert int(notes["prometheus.io/port"]) == container["ports"][0]["containerPort"]
            assert container["image"] == "registry.example/nullwatt:1"
            if "nullwatt/device" in notes:
                devices[notes["nullwatt/device"]] = container["command"]
        for volume in template["spec"]["volumes"]:
            assert ("ConfigMap", volume["configMap"]["name"]) in names
    assert set(devices) == {*MACS, "house: sun", "Küche: 2nd / pump!", "sun", "evening", "garage", "cellar"}
    assert all(command[:2] == ["nullwatt", "node"] and name in command for name, command in devices.items())
    limits = {
        name: each["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["memory"]
        for name, each in deployments.items()
    }
    assert limits["nullwatt-garage"] == limits["nullwatt-conductor"] == "512Mi"  # pandas alone takes 200 MB
    assert limits["nullwatt-cellar"] == limits["nullwatt-sun"] == "256Mi"
    (service,) = (each for each in found if each["kind"] == "Service")
    broker = deployments["nullwatt-broker"]["spec"]["template"]["metadata"]["labels"]
    assert service["spec"]["selector"].items() <= broker.items()


def test_the_config_map_is_a_house_file_without_secrets(house: Path, tmp_path: Path) -> None:
    from nullwatt.home import load_house_file

    folder = tmp_path / "out"
    result = CliRunner().invoke(app, ["twin", "kubernetes", str(house), "-o", str(folder)])
    assert result.exit_code == 0, result.output
    written = [yaml.safe_load(path.read_text()) for path in folder.iterdir()]
    assert len(written) == len(objects(house)) and "s3cret" not in json.dumps(written)
    (config,) = (each for each in written if each["metadata"]["name"] == "nullwatt-house")
    mounted = tmp_path / "mounted"
    mounted.mkdir()
    for name, text in config["data"].items():
        assert re.fullmatch(r"[-._a-zA-Z0-9]+", name)
        (mounted / name).write_text(text)
    ours, there = load_house_file(house), load_house_file(mounted / "house.yaml")
    assert there.batteries == ours.batteries and there.tariff is not None


def test_the_commands_of_the_manifests_are_ours(house: Path) -> None:
    """Each starts as far as the missing broker."""
    for each in objects(house):
        if each["kind"] == "Deployment" and each["metadata"]["name"] != "nullwatt-broker":
            (container,) = each["spec"]["template"]["spec"]["containers"]
            arguments = [str(house) if a.endswith("house.yaml") else a for a in container["command"][1:]]
            result = CliRunner().invoke(app, arguments, env={"NULLWATT_BUS": ""})
            assert result.exit_code == 2, result.output
