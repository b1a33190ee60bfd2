"""What the services share that make HTTP requests."""

import re
from pathlib import Path
from typing import Any

import esphome.codegen as cg
import esphome.config_validation as cv
from esphome.components.http_request import CONF_HTTP_REQUEST_ID, HttpRequestComponent
from esphome.core import CORE
from esphome.types import ConfigType

KEY_HTTP_REQUEST = "http_request"
CONF_VERIFY_SSL = "verify_ssl"
CONF_CA_CERTIFICATE_PATH = "ca_certificate_path"
SHORTEST_INTERVAL = cv.TimePeriod(seconds=5)
# The services keep times in 32 bit.
LONGEST_MS = 2**31 - 1

# The client's C++ is not used (see web.h), but its certificates, and the parts of the framework that it asks for.
FILES = {"web.cpp": "USE_CT002_WEB", "web_esp32.cpp": "USE_CT002_WEB", "web_host.cpp": "USE_CT002_WEB"}

needs_client = cv.requires_component(KEY_HTTP_REQUEST)
CLIENT_SCHEMA = cv.Schema({cv.GenerateID(CONF_HTTP_REQUEST_ID): cv.use_id(HttpRequestComponent)})
interval = cv.All(cv.positive_time_period_milliseconds, cv.Range(min=SHORTEST_INTERVAL))


def milliseconds(period: cv.TimePeriod) -> int:
    return min(int(period.total_milliseconds), LONGEST_MS)


def filled(longest: int) -> Any:
    """A text that says something."""

    def validate(value: Any) -> str:
        text = str(cv.string_strict(value))
        if not text.strip():
            raise cv.Invalid("must not be empty")
        if len(text.encode()) > longest:
            raise cv.Invalid(f"must be at most {longest} bytes long")
        return text

    return validate


def is_host(text: str) -> bool:
    """A name or an IPv4 address, maybe with a port. What the chip's client cannot read it would log as a whole."""
    found = re.fullmatch(r"[A-Za-z0-9._-]+(?::([0-9]{1,5}))?", text)
    return found is not None and 0 < int(found[1] or 80) < 65536


def add_web() -> None:
    cg.add_define("USE_CT002_WEB")


def client_of(config: ConfigType) -> ConfigType:
    """The block of `http_request:` that a service names."""
    blocks = CORE.config[KEY_HTTP_REQUEST]
    wanted = config[CONF_HTTP_REQUEST_ID].id
    for block in blocks if isinstance(blocks, list) else [blocks]:
        if block["id"].id == wanted:
            return block
    return {}


def ca_certificate(client: ConfigType) -> str | None:
    path = client.get(CONF_CA_CERTIFICATE_PATH)
    return Path(path).read_text(encoding="utf-8") if path else None


def verifies(client: ConfigType) -> bool:
    return bool(client.get(CONF_VERIFY_SSL, True))
