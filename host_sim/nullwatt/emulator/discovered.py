"""What Home Assistant makes of what a broker keeps: devices, entities and their values, and what is wrong with them.

Reads Home Assistant's device-based MQTT discovery with unabbreviated keys, as this program and AstraMeter write it.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from nullwatt.emulator.templates import TemplateError, Templates

#: Units that Home Assistant takes for a device class; other classes are not checked.
_UNITS: dict[str, tuple[str, ...]] = {
    "power": ("mW", "W", "kW", "MW", "GW", "TW"),
    "energy": ("mWh", "Wh", "kWh", "MWh", "GWh", "TWh"),
    "duration": ("d", "h", "min", "s", "ms", "µs"),
    "battery": ("%",),
    "current": ("A", "mA"),
    "voltage": ("µV", "mV", "V", "kV", "MV"),
    "frequency": ("Hz", "kHz", "MHz", "GHz"),
    "temperature": ("°C", "°F", "K"),
    "signal_strength": ("dB", "dBm"),
}
_WRITABLE = ("button", "number", "switch")
#: Home Assistant's word for a value that is null.
_UNKNOWN = "unknown"
#: Characters that Home Assistant takes as the state of an entity.
_LONGEST = 255


@dataclass
class Entity:
    """One entity. value: as shown, None = it has none. available: None = nobody tells."""

    key: str
    unique_id: str
    platform: str
    name: str | None
    device_class: str | None
    unit: str | None
    value: str | None
    available: bool | None
    command_topic: str | None


@dataclass
class Device:
    """One device. available: None = nobody tells."""

    node: str
    name: str
    identifiers: list[str]
    via_device: str | None
    model: str | None
    available: bool | None
    entities: list[Entity] = field(default_factory=list)


@dataclass
class Discovered:
    """All of it. problems: one line each."""

    devices: list[Device] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def examine(retained: Mapping[str, bytes], base_topic: str, prefix: str) -> Discovered:
    """Read what a broker keeps. Devices with other base topics are not looked at."""
    with Templates(_LONGEST) as templates:
        return _Examination(retained, base_topic, prefix, templates).result


class _Examination:
    def __init__(self, retained: Mapping[str, bytes], base_topic: str, prefix: str, templates: Templates) -> None:
        self.result = Discovered()
        self._templates = templates
        self._texts = {topic: payload.decode(errors="replace") for topic, payload in retained.items() if payload}
        self._base = base_topic + "/"
        self._states: dict[str, Any] = {}
        self._state_topics: set[str] = set()
        self._owners: dict[str, str] = {}
        documents = dict(self._documents(f"{prefix}/device/"))
        known = {each for document in documents.values() for each in _identifiers(document)}
        for node, document in documents.items():
            if any(topic.startswith(self._base) for topic in _topics(document)):
                self._device(node, document, known)
        if not self.result.devices:
            self._problem(
                f"{prefix}/device", f"announces nothing of {base_topic}; discovery is off, or under other names"
            )
        elif not any(topic.startswith(self._base) for topic in self._texts):
            self._problem(base_topic, "nothing is published there")
        else:
            self._unannounced()

    def _problem(self, where: str, what: str) -> None:
        line = f"{where}: {what}"
        if line not in self.result.problems:
            self.result.problems.append(line)

    def _documents(self, begin: str) -> Iterator[tuple[str, dict[str, Any]]]:
        for topic, text in sorted(self._texts.items()):
            if not (topic.startswith(begin) and topic.endswith("/config")):
                continue
            try:
                document = json.loads(text)
            except (ValueError, RecursionError):
                self._problem(topic, "invalid JSON")
                continue
            if isinstance(document, dict):
                yield topic.removeprefix(begin).removesuffix("/config"), document
            else:
                self._problem(topic, "must be a JSON object")

    def _device(self, node: str, document: dict[str, Any], known: set[str]) -> None:
        self._templates.next_document()
        described = _object(document, "device")
        via = _text(described, "via_device")
        name = _text(described, "name") or node
        available = self._available(node, document)
        device = Device(node, name, _identifiers(document), via, _text(described, "model_id"), available)
        self.result.devices.append(device)
        if not device.identifiers:
            self._problem(node, "device without identifiers")
        if via is not None and via not in known:
            self._problem(node, f"via_device {via} is unknown: no such device is announced")
        if not _object(document, "origin"):
            self._problem(node, "origin missing")
        components = document.get("components")
        if not isinstance(components, dict) or not components:
            self._problem(node, "no components")
            return
        for key, component in components.items():
            if isinstance(component, dict):
                device.entities.append(self._entity(device, key, component, document))
            else:
                self._problem(f"{node} {key}", "must be a JSON object")

    def _entity(self, device: Device, key: str, component: dict[str, Any], document: dict[str, Any]) -> Entity:
        where = f"{device.node} {key}"
        platform, unique_id = _text(component, "platform") or "", _text(component, "unique_id") or ""
        available = self._available(where, component) if "availability" in component else device.available
        entity = Entity(
            key,
            unique_id,
            platform,
            _text(component, "name"),
            _text(component, "device_class"),
            _text(component, "unit_of_measurement"),
            None if platform == "button" else self._value(where, component, document),
            available,
            _text(component, "command_topic"),
        )
        if not platform:
            self._problem(where, "platform missing")
        if not unique_id:
            self._problem(where, "unique_id missing")
        elif (owner := self._owners.setdefault(unique_id, where)) != where:
            self._problem(where, f"unique_id {unique_id} belongs to {owner} as well")
        if platform in _WRITABLE and entity.command_topic is None:
            self._problem(where, "command topic missing")
        # The entity that tells whether the program runs has to be there when nothing else is.
        if available is None and entity.device_class != "connectivity" and "availability" not in document:
            self._problem(where, "availability topic missing")
        units = _UNITS.get(entity.device_class or "")
        if units is not None and entity.unit not in units:
            rule = f"does not fit device class {entity.device_class} (allowed: {', '.join(units)})"
            self._problem(where, f"unit {entity.unit} {rule}")
        if entity.value not in (None, "", _UNKNOWN):
            self._check_value(where, entity, component)
        return entity

    def _value(self, where: str, component: dict[str, Any], document: dict[str, Any]) -> str | None:
        topic = _text(component, "state_topic") or _text(document, "state_topic")
        if topic is None:
            self._problem(where, "state topic missing")
            return None
        self._state_topics.add(topic)
        text = self._texts.get(topic)
        if text is None:
            self._problem(where, f"state missing: nothing is kept at {topic}")
            return None
        template = _text(component, "value_template")
        value = text if template is None else self._rendered(where, template, topic, text)
        if value is not None and len(value) > _LONGEST:
            self._problem(where, f"value is longer than {_LONGEST} characters, the most Home Assistant takes")
            return None
        return value

    def _rendered(self, where: str, template: str, topic: str, text: str) -> str | None:
        """The value a template makes of the text of a topic."""
        is_json = "value_json" in template
        if is_json:
            if topic not in self._states:
                try:
                    self._states[topic] = json.loads(text)
                except (ValueError, RecursionError):
                    self._problem(topic, "invalid JSON")
                    self._states[topic] = None
            if self._states[topic] is None:
                return None
        try:
            value = self._templates.render(template, text, is_json)
        except TemplateError as error:
            self._problem(where, f"value template {error}")
            return None
        return _UNKNOWN if value == "None" else value

    def _check_value(self, where: str, entity: Entity, component: dict[str, Any]) -> None:
        value = str(entity.value)
        if entity.device_class == "enum":
            options = component.get("options")
            if isinstance(options, list) and value not in options:
                self._problem(where, f"value {value} is none of the options {', '.join(map(str, options))}")
        if entity.platform in ("switch", "binary_sensor"):
            words = ("state_on", "state_off") if entity.platform == "switch" else ("payload_on", "payload_off")
            states = [_text(component, word) or default for word, default in zip(words, ("ON", "OFF"), strict=True)]
            if value not in states:
                self._problem(where, f"value {value} is neither {states[0]} nor {states[1]}")
        numeric = entity.platform == "number" or "state_class" in component
        if not numeric and (entity.platform != "sensor" or entity.unit is None):
            return
        try:
            number = float(value)
        except ValueError:
            self._problem(where, f"value {value} is not a number")
            return
        if entity.platform != "number":
            return
        low, high = component.get("min", 1), component.get("max", 100)
        if isinstance(low, int | float) and isinstance(high, int | float) and not low <= number <= high:
            self._problem(where, f"value {value} is not within {low} and {high}")

    def _available(self, where: str, holder: dict[str, Any]) -> bool | None:
        """Whether it can be used; None = nobody tells."""
        sources = holder.get("availability")
        found: list[bool] = []
        for source in sources if isinstance(sources, list) else []:
            topic = _text(source, "topic") if isinstance(source, dict) else None
            if topic is None:
                self._problem(where, "availability without a topic")
                continue
            self._state_topics.add(topic)
            text = self._texts.get(topic)
            online = _text(source, "payload_available") or "online"
            offline = _text(source, "payload_not_available") or "offline"
            if text is None:
                self._problem(where, f"availability missing: nothing is kept at {topic}")
            elif text not in (online, offline):
                self._problem(topic, f"{text} is neither {online} nor {offline}")
            found.append(text == online)
        if not found:
            return None
        return all(found) if holder.get("availability_mode") == "all" else found[-1]

    def _unannounced(self) -> None:
        """States that no device shows."""
        for topic in sorted(self._texts):
            levels = topic.removeprefix(self._base).split("/")
            is_state = levels[0] == "ct002" and (
                levels[2:] == ["status"] or (len(levels) == 4 and levels[2] == "consumer")
            )
            if topic.startswith(self._base) and is_state and topic not in self._state_topics:
                self._problem(topic, "node unknown: no device is announced for it")


def _text(holder: dict[str, Any], key: str) -> str | None:
    value = holder.get(key)
    return value if isinstance(value, str) else None


def _object(holder: dict[str, Any], key: str) -> dict[str, Any]:
    value = holder.get(key)
    return value if isinstance(value, dict) else {}


def _identifiers(document: dict[str, Any]) -> list[str]:
    found = _object(document, "device").get("identifiers")
    found = found if isinstance(found, list) else [found]
    return [each for each in found if isinstance(each, str)]


def _topics(document: dict[str, Any]) -> Iterator[str]:
    """Every topic a document names."""
    levels: list[Any] = [document]
    while levels:
        level = levels.pop()
        if isinstance(level, list):
            levels += level
        elif isinstance(level, dict):
            for key, value in level.items():
                if key.endswith("topic") and isinstance(value, str):
                    yield value
                else:
                    levels.append(value)
