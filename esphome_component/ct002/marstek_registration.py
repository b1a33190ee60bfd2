"""`marstek_registration:` makes the meter appear in the user's Marstek account."""

import hashlib
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import esphome.codegen as cg
import esphome.config_validation as cv
from esphome.const import CONF_FRAMEWORK, CONF_ID, CONF_LOG_LEVEL, CONF_PASSWORD, CONF_TIMEOUT, CONF_TIMEZONE
from esphome.types import ConfigType

from . import web
from .names import ct002_ns

MarstekRegistration = ct002_ns.class_("MarstekRegistration", cg.Component)

KEY = "marstek_registration"
# Not md5: the password is hashed here, so that it is not in the firmware.
AUTO_LOAD: list[str] = []
FILES = {"marstek_registration.cpp": "USE_CT002_REGISTRATION", **web.FILES}

CONF_BASE_URL = "base_url"
CONF_MAILBOX = "mailbox"
CONF_DEVICE_TYPE = "device_type"
CONF_RETRY_INTERVAL = "retry_interval"
CONF_FORCE_REREGISTER = "force_reregister"

DEVICE_TYPES = {"ct002": "HME-4", "ct003": "HME-3"}
LEAST_TIMEOUT_MS = 20000


def validate_base_url(value: Any) -> str:
    url = str(cv.url(value))
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https"):
        raise cv.Invalid("Expected a URL scheme with host: http:// or https://")
    plain = web.is_host(parts.netloc) and re.fullmatch(r"[A-Za-z0-9/._~-]*", parts.path)
    if not plain or parts.query or parts.fragment:
        raise cv.Invalid("must be scheme and host alone, for example https://eu.hamedata.com")
    return str(web.filled(200)(url))


SCHEMA = cv.All(
    web.needs_client,
    cv.Schema(
        {
            cv.GenerateID(): cv.declare_id(MarstekRegistration),
            cv.Required(CONF_BASE_URL): validate_base_url,
            cv.Required(CONF_MAILBOX): cv.sensitive(web.filled(254)),
            cv.Required(CONF_PASSWORD): cv.sensitive(web.filled(1000)),
            cv.Optional(CONF_TIMEZONE, default="Europe/Berlin"): web.filled(64),
            # Without it: as ct_type says.
            cv.Optional(CONF_DEVICE_TYPE): cv.one_of(*DEVICE_TYPES, lower=True),
            cv.Optional(CONF_RETRY_INTERVAL, default="60s"): web.interval,
            cv.Optional(CONF_FORCE_REREGISTER, default=False): cv.boolean,
        }
    )
    .extend(web.CLIENT_SCHEMA)
    .extend(cv.COMPONENT_SCHEMA),
)


def final_validate(config: ConfigType, whole: ConfigType) -> Iterator[str]:
    block, ct_type = config[KEY], config["ct_type"]
    fitting = next(name for name, cloud_type in DEVICE_TYPES.items() if cloud_type == ct_type)
    if block.setdefault(CONF_DEVICE_TYPE, fitting) != fitting:
        wanted = DEVICE_TYPES[block[CONF_DEVICE_TYPE]]
        raise cv.Invalid(
            f"{block[CONF_DEVICE_TYPE]} does not go with ct_type {ct_type}. "
            f"Remove {CONF_DEVICE_TYPE}, or write ct_type: {wanted}",
            path=[CONF_DEVICE_TYPE],
        )
    if config["ct_mac"]:
        yield f"{KEY}: the registered MAC takes the place of ct_mac {config['ct_mac']}; remove one of them"
    # ESPHome fixes this level when it builds; web_esp32.cpp cannot lower it later.
    level = whole.get("esp32", {}).get(CONF_FRAMEWORK, {}).get(CONF_LOG_LEVEL)
    if level in ("DEBUG", "VERBOSE"):
        yield (
            f"{KEY}: the framework's log then holds mailbox, password hash and token; "
            f"remove {CONF_LOG_LEVEL}: {level} from esp32: framework: once you have seen what you look for"
        )


async def to_code(meter: cg.MockObj, config: ConfigType) -> None:
    block = config[KEY]
    cg.add_define("USE_CT002_REGISTRATION")
    web.add_web()
    var = cg.new_Pvariable(block[CONF_ID], meter)
    await cg.register_component(var, block)
    cg.add(var.set_base_url(block[CONF_BASE_URL]))
    password_md5 = hashlib.md5(block[CONF_PASSWORD].encode(), usedforsecurity=False).hexdigest()
    cg.add(var.set_account(block[CONF_MAILBOX], password_md5))
    cg.add(var.set_timezone(block[CONF_TIMEZONE]))
    cg.add(var.set_ct_type(DEVICE_TYPES[block[CONF_DEVICE_TYPE]]))
    cg.add(var.set_retry_interval(web.milliseconds(block[CONF_RETRY_INTERVAL])))
    cg.add(var.set_force_reregister(block[CONF_FORCE_REREGISTER]))
    client = web.client_of(block)
    if not web.verifies(client):
        cg.add(var.set_verify_ssl(False))
    elif pem := web.ca_certificate(client):
        cg.add(var.set_ca_certificate(pem))
    # Longer than ours, the client's timeout is what the user wants.
    cg.add(var.set_timeout(max(LEAST_TIMEOUT_MS, web.milliseconds(client[CONF_TIMEOUT]))))
