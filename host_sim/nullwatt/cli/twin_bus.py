"""`nullwatt twin`: a house that is spread over processes, and what describes it to other programs."""

import csv
import json
import math
import signal
import sys
import uuid
from pathlib import Path
from typing import Annotated

import typer

from nullwatt.cli.bus_options import BASE_TOPIC, BaseTopic, BusUri, House, MetricsPort, bus_of, house_of, serve_metrics
from nullwatt.cli.errors import fail


def conduct(
    config: House,
    bus: BusUri = None,
    topic: BaseTopic = BASE_TOPIC,
    node: Annotated[
        list[str] | None, typer.Option(help="A device that is elsewhere; give it once for each. Default: all.")
    ] = None,
    local: Annotated[bool, typer.Option("--local", help="Run every device in here, without a bus.")] = False,
    wait: Annotated[float, typer.Option(min=0, help="Wait so long for the nodes at the start, s.")] = 30.0,
    patience: Annotated[
        float, typer.Option(min=0.05, max=60, help="Wait so long for the answers to a tick, s of real time.")
    ] = 1.0,
    duration: Annotated[float, typer.Option(min=0, help="Simulated seconds; 0 = until Ctrl-C.")] = 0.0,
    time_scale: Annotated[
        float, typer.Option(min=0, help="Simulated seconds per second; 0 = as fast as it goes.")
    ] = 1.0,
    trace: Annotated[Path | None, typer.Option(help="Write a CSV row per simulated second, at the end.")] = None,
    metrics_port: MetricsPort = None,
) -> None:
    """Run the house whose devices are nodes (`nullwatt node`) on the same bus."""
    from prometheus_client import CollectorRegistry, Counter, Gauge

    from nullwatt.home import PHASES, ConfigError
    from nullwatt.lab.conductor import Conductor
    from nullwatt.lab.solo import find_solo, solos

    file, name = house_of(config), str(config)
    exchange = None
    if not local:
        broker, topics = bus_of(bus, topic)
        from nullwatt.lab.bus_mqtt import MqttExchange  # only here: aiomqtt may be missing

        exchange = MqttExchange(broker, topics, patience)
    registry = CollectorRegistry()
    grid = Gauge("nullwatt_grid_watts", "True grid power, + = import", ["phase"], registry=registry)
    present = Gauge("nullwatt_device_present", "1 while its node takes part", ["device"], registry=registry)
    ticks = Counter("nullwatt_bus_ticks", "Ticks sent to the nodes", registry=registry)
    joules = Gauge("nullwatt_grid_joules", "Energy through the grid connection", ["direction"], registry=registry)
    said = counted = 0

    def second(conductor: Conductor) -> None:
        nonlocal said, counted
        for phase, watts in zip(PHASES, conductor.loop.house.grid_w(), strict=False):
            grid.labels(phase).set(watts)
        joules.labels("import").set(conductor.ledger.import_j)
        joules.labels("export").set(conductor.ledger.export_j)
        if conductor.bus is not None:
            ticks.inc(conductor.bus.number - counted)
            counted = conductor.bus.number
            for device, line in conductor.bus.lines.items():
                present.labels(device).set(line.present)
            for time_s, text in conductor.bus.log[said:]:
                _say(f"{time_s:g} s: {text}")
            said = len(conductor.bus.log)

    serve_metrics(metrics_port, registry, _say)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        known = solos(file, name)
        names = list(known) if not node else [find_solo(known, each) for each in node]
        if exchange is not None:
            exchange.open()
            _say(f"waiting for {', '.join(names) or 'nobody'} on {broker}")
            missing = exchange.gather(names, wait)
            if missing:
                _say(f"without {', '.join(missing)}")
        conductor = Conductor(file, name, exchange, names, uuid.uuid4().hex, second, trace is not None)
        try:
            conductor.run(duration or math.inf, time_scale or None)
        except KeyboardInterrupt:
            _say("stopped")
        if trace is not None:
            _write(trace, conductor)
        ledger = conductor.ledger
        _say(
            f"{conductor.loop.now_s:g} s, import {ledger.import_j / 3.6e6:.3f} kWh, export"
            f" {ledger.export_j / 3.6e6:.3f} kWh, unexplained {ledger.leak_j:.3g} J"
        )
        if (bill := conductor.loop.house.bill) is not None:
            _say(f"cost {bill.cost_ct / 100:.2f}, earned {bill.earned_ct / 100:.2f}, peak {bill.peak_w:.0f} W")
    except (ConfigError, ConnectionError) as error:
        fail(str(error))
    except LookupError as error:
        fail(f"--node: {error.args[0]}")
    except KeyboardInterrupt:
        fail("stopped", 130)
    finally:
        if exchange is not None:
            exchange.close()


def asyncapi(topic: BaseTopic = BASE_TOPIC) -> None:
    """Print the AsyncAPI 3 document of the bus."""
    from nullwatt.home.bus_messages import Topics
    from nullwatt.serve.asyncapi import document

    try:
        print(json.dumps(document(Topics(topic)), indent=2))
    except ValueError as error:
        fail(f"--topic {topic}: {error}")


def kubernetes(
    config: Annotated[Path, typer.Argument(help="House file, JSON or YAML.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder for one file per object. Default: print them.")
    ] = None,
    image: Annotated[str, typer.Option(help="Container image with nullwatt[services] in it.")] = "nullwatt:latest",
    namespace: Annotated[str | None, typer.Option(help="Namespace of everything. Default: that of kubectl.")] = None,
    time_scale: Annotated[float, typer.Option(min=0, help="Of the conductor.")] = 1.0,
) -> None:
    """Write Kubernetes manifests: a deployment per device, one for the conductor, the broker, ConfigMaps."""
    import yaml

    from nullwatt.home import ConfigError
    from nullwatt.lab.kubernetes import ManifestError, manifests

    file = house_of(config)
    try:
        objects = manifests(file, config, image, namespace, time_scale)
    except (ManifestError, ConfigError) as error:
        fail(str(error))
    if output is None:
        print(yaml.safe_dump_all(objects, sort_keys=False, explicit_start=True), end="")
        return
    try:
        output.mkdir(parents=True, exist_ok=True)
        for each in objects:
            path = output / f"{each['metadata']['name']}-{each['kind'].lower()}.yaml"
            path.write_text(yaml.safe_dump(each, sort_keys=False))
    except OSError as error:
        fail(f"{output}: cannot be written: {error.strerror or error}")
    _say(f"{len(objects)} objects in {output}; kubectl apply -f {output}")


def _write(path: Path, conductor: object) -> None:
    from nullwatt.home import PHASES
    from nullwatt.lab.conductor import Conductor

    assert isinstance(conductor, Conductor) and conductor.trace is not None
    loop = conductor.loop
    head = ["time_s", *(f"grid_{phase.lower()}_w" for phase in PHASES[: loop.house.phases]), "solar_w"]
    head += [f"battery_{battery.mac}_w" for battery in loop.batteries]
    try:
        with path.open("w", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(head)
            writer.writerows([repr(value) for value in row] for row in conductor.trace)
    except OSError as error:
        fail(f"--trace {path}: cannot be written: {error.strerror or error}")


def _say(text: str) -> None:
    print(f"nullwatt twin: {text}", file=sys.stderr, flush=True)
