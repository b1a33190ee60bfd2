"""The AsyncAPI 3 document of the bus, made of the messages' own models. It describes the conductor."""

from typing import Any

from pydantic.json_schema import models_json_schema

import nullwatt
from nullwatt.home.bus_messages import Books, Bye, Command, Hello, Joules, Telemetry, Tick, Topics

#: Channel, its messages, and what the conductor does there.
_CHANNELS = (
    ("tick", (Tick,), "send", "The conductor's call to its nodes"),
    ("joules", (Joules,), "receive", "What a device took and gave; the conductor speaks for those it has itself"),
    ("telemetry", (Telemetry,), None, "What a device shows, for everybody; retained"),
    ("presence", (Hello, Bye), "receive", "A node comes or goes; retained, and its last will"),
    ("command", (Command,), "receive", "Anybody tells a device something"),
    ("books", (Books,), "send", "The ledger's line, once per simulated second"),
)
_MODELS = (Tick, Joules, Telemetry, Hello, Bye, Command, Books)


def document(topics: Topics | None = None) -> dict[str, Any]:
    """The document as plain JSON."""
    topics = topics or Topics()
    _, schemas = models_json_schema(
        [(model, "validation") for model in _MODELS], ref_template="#/components/schemas/{model}"
    )
    channels: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    for name, models, action, text in _CHANNELS:
        shared = name in ("tick", "books")
        channel: dict[str, Any] = {
            "address": f"{topics.base}/{name}" + ("" if shared else "/{device}"),
            "description": f"{text}.",
            "messages": {each.__name__: {"$ref": f"#/components/messages/{each.__name__}"} for each in models},
        }
        if not shared:
            channel["parameters"] = {"device": {"description": "Name of the device, escaped as in a URL."}}
        channels[name] = channel
        if action is not None:
            operations[f"{action}{name.capitalize()}"] = {
                "action": action,
                "channel": {"$ref": f"#/channels/{name}"},
                "summary": text,
                "messages": [{"$ref": f"#/channels/{name}/messages/{each.__name__}"} for each in models],
            }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "nullwatt: joules on a bus",
            "version": nullwatt.__version__,
            "description": "A simulated house that is spread over processes, seen from its conductor.",
            "license": {"name": "MIT"},
        },
        "defaultContentType": "application/json",
        "servers": {"broker": {"host": "localhost:1883", "protocol": "mqtt", "protocolVersion": "3.1.1"}},
        "channels": channels,
        "operations": operations,
        "components": {
            "messages": {
                model.__name__: {
                    "name": model.__name__,
                    "summary": (model.__doc__ or "").partition(".")[0],
                    "payload": {"$ref": f"#/components/schemas/{model.__name__}"},
                }
                for model in _MODELS
            },
            "schemas": schemas["$defs"],
        },
    }
