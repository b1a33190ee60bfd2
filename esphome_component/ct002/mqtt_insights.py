"""The block `mqtt_insights:`: state, commands and Home Assistant discovery on the broker of the user's `mqtt:`.

What is told when is decided in ct002_core/insights.h.
"""

from collections.abc import Iterator
from typing import Any

import esphome.codegen as cg
import esphome.config_validation as cv
from esphome.const import CONF_BIRTH_MESSAGE, CONF_ID, CONF_PAYLOAD, CONF_RETAIN, CONF_TOPIC, CONF_WILL_MESSAGE
from esphome.core import CORE
from esphome.types import ConfigType

from .names import CT002Component, ct002_ns
from .tracked import tracked

KEY = "mqtt_insights"
AUTO_LOAD: list[str] = []
DEFINE = "USE_CT002_MQTT_INSIGHTS"
APP_DEFINE = "USE_CT002_MARSTEK_APP"
FILES = {"mqtt_insights.cpp": DEFINE, "marstek_app.cpp": APP_DEFINE}

MQTT = "mqtt"
CONF_BASE_TOPIC = "base_topic"
CONF_DEVICE_ID = "device_id"
CONF_HA_DISCOVERY = "ha_discovery"
CONF_HA_DISCOVERY_PREFIX = "ha_discovery_prefix"
CONF_STATE_INTERVAL = "state_interval"
CONF_APP_ID = "marstek_app_id"
CONF_MARSTEK_MQTT_ENABLED = "marstek_mqtt_enabled"
CONF_MARSTEK_MQTT_INTERVAL = "marstek_mqtt_interval"

# Of AstraMeter, so that Home Assistant finds the devices it knows.
DEFAULT_DEVICE_ID = "device-1"
# kInsightsNameSize of the core, without the zero byte; and the same for node_topic.
LONGEST_NAME = 63
LONGEST_NODE_TOPIC = 127
LONGEST_MS = 2**31 - 1
# Of ESPHome's MQTT client: without it, publishing waits for the network.
CONF_IDF_SEND_ASYNC = "idf_send_async"

MarstekApp = ct002_ns.class_("MarstekApp", cg.Component, cg.Parented.template(CT002Component))
MqttInsights = ct002_ns.class_("MqttInsights", cg.Component, cg.Parented.template(CT002Component))


def topic_part(value: str) -> str:
    """What the core accepts as a name (is_topic)."""
    wrong = any(letter in "+#\x7f" or letter < " " for letter in value)
    if wrong or not 1 <= len(value.encode()) <= LONGEST_NAME:
        raise cv.Invalid(
            f"{value!r} cannot be part of an MQTT topic; allowed: 1 to {LONGEST_NAME} bytes without + # and control "
            "characters"
        )
    return value


def device_id(value: Any) -> str:
    text: str = cv.string(value)
    return topic_part(text) if text.strip() else ""


SCHEMA = cv.All(
    cv.requires_component(MQTT),
    cv.Schema(
        {
            cv.GenerateID(): cv.declare_id(MqttInsights),
            cv.GenerateID(CONF_APP_ID): cv.declare_id(MarstekApp),
            cv.Optional(CONF_BASE_TOPIC, default="astrameter"): cv.All(cv.string_strict, topic_part),
            cv.Optional(CONF_DEVICE_ID, default=""): device_id,
            cv.Optional(CONF_HA_DISCOVERY, default=True): cv.boolean,
            cv.Optional(CONF_HA_DISCOVERY_PREFIX, default="homeassistant"): cv.All(cv.string_strict, topic_part),
            cv.Optional(CONF_STATE_INTERVAL, default="0s"): cv.positive_time_period_milliseconds,
            cv.Optional(CONF_MARSTEK_MQTT_ENABLED, default=True): cv.boolean,
            cv.Optional(CONF_MARSTEK_MQTT_INTERVAL, default="300s"): cv.positive_time_period_milliseconds,
        }
    ).extend(cv.COMPONENT_SCHEMA),
)


# -- who says that this device is gone -------------------------------------------------------


def tells_when_gone(message: ConfigType | None) -> bool:
    """Whether the broker tells it from this last will, also to those who ask later."""
    return bool(message) and message[CONF_PAYLOAD] == "offline" and message[CONF_RETAIN]


def will_is_status(block: ConfigType, mqtt: ConfigType) -> bool:
    """The status topic has a last will: the user gave it one, or the node is called like the base topic."""
    will = mqtt.get(CONF_WILL_MESSAGE)
    return tells_when_gone(will) and will[CONF_TOPIC] == f"{block[CONF_BASE_TOPIC]}/status"


def node_topic(mqtt: ConfigType) -> str:
    """Where ESPHome's MQTT client says that it is online and, by its last will, offline; "" = nowhere."""
    birth, will = mqtt.get(CONF_BIRTH_MESSAGE), mqtt.get(CONF_WILL_MESSAGE)
    if not tells_when_gone(will) or not birth or not birth[CONF_RETAIN] or birth[CONF_PAYLOAD] != "online":
        return ""
    topic: str = will[CONF_TOPIC]
    return topic if topic == birth[CONF_TOPIC] and len(topic.encode()) <= LONGEST_NODE_TOPIC else ""


def final_validate(config: ConfigType, whole: ConfigType) -> Iterator[str]:
    mqtt = whole[MQTT]
    if not will_is_status(config[KEY], mqtt) and not node_topic(mqtt):
        yield (
            f"{KEY}: Home Assistant will not see that this device is gone. For that, the will_message of 'mqtt' must "
            "say offline and its birth_message online, both retained on the same topic, as they do by default"
        )
    if mqtt.get(CONF_IDF_SEND_ASYNC) is False:
        yield (
            f"{KEY}: batteries wait for their answers, up to 10 s, while the broker is slow. Set "
            f"'{CONF_IDF_SEND_ASYNC}: true' under 'mqtt'"
        )


# -- code ------------------------------------------------------------------------------------


def milliseconds(block: ConfigType, key: str) -> int:
    return min(int(block[key].total_milliseconds), LONGEST_MS)


async def to_code(var: cg.MockObj, config: ConfigType) -> None:
    block = config[KEY]
    insights = cg.new_Pvariable(block[CONF_ID], var)
    await cg.register_component(insights, block)
    cg.add(insights.set_base_topic(block[CONF_BASE_TOPIC]))
    cg.add(insights.set_device_id(block[CONF_DEVICE_ID] or DEFAULT_DEVICE_ID))
    if block[CONF_HA_DISCOVERY]:
        cg.add(insights.set_discovery_prefix(block[CONF_HA_DISCOVERY_PREFIX]))
    if not will_is_status(block, CORE.config[MQTT]) and (topic := node_topic(CORE.config[MQTT])):
        cg.add(insights.set_node_topic(topic))
    cg.add(insights.set_state_interval(milliseconds(block, CONF_STATE_INTERVAL)))
    if block[CONF_MARSTEK_MQTT_ENABLED]:
        app = cg.new_Pvariable(block[CONF_APP_ID], var, milliseconds(block, CONF_MARSTEK_MQTT_INTERVAL))
        await cg.register_component(app, {})
        cg.add_define(APP_DEFINE)
    cg.add_define(DEFINE)
    # Commands change settings of any battery, and this one of the house.
    tracked().changes = True
    tracked().house_settings.add("active_control")
