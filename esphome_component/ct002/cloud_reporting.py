"""`cloud_reporting:` tells the Marstek cloud what the meter measures."""

from collections.abc import Iterator
from typing import Any

import esphome.codegen as cg
import esphome.config_validation as cv
from esphome.const import CONF_ID, CONF_INTERVAL
from esphome.types import ConfigType

from . import web
from .names import ct002_ns

CloudReporting = ct002_ns.class_("CloudReporting", cg.Component)

KEY = "cloud_reporting"
AUTO_LOAD: list[str] = []
FILES = {"cloud_reporting.cpp": "USE_CT002_REPORTING", **web.FILES}

CONF_HOST = "host"
CONF_FCV = "fcv"
CONF_SV = "sv"


def validate_host(value: Any) -> str:
    host = web.filled(200)(value)
    if not web.is_host(host):
        raise cv.Invalid(f"'{host}' is no host name; write the name alone, for example eu.hamedata.com")
    return str(host)


SCHEMA = cv.All(
    web.needs_client,
    cv.Schema(
        {
            cv.GenerateID(): cv.declare_id(CloudReporting),
            cv.Optional(CONF_HOST, default="eu.hamedata.com"): validate_host,
            cv.Optional(CONF_FCV, default="202409090159"): web.filled(64),
            cv.Optional(CONF_SV, default=121): cv.int_range(min=-(2**31), max=2**31 - 1),
            cv.Optional(CONF_INTERVAL, default="60s"): web.interval,
        }
    )
    .extend(web.CLIENT_SCHEMA)
    .extend(cv.COMPONENT_SCHEMA),
)


def final_validate(config: ConfigType, whole: ConfigType) -> Iterator[str]:
    if not config["ct_mac"] and "marstek_registration" not in config:
        yield f"{KEY}: nothing is reported without a MAC; set ct_mac, or add marstek_registration"
    if "time" not in whole:
        yield f"{KEY}: nothing is reported before the time is known; add a time component, for example sntp"


async def to_code(meter: cg.MockObj, config: ConfigType) -> None:
    block = config[KEY]
    cg.add_define("USE_CT002_REPORTING")
    web.add_web()
    var = cg.new_Pvariable(block[CONF_ID], meter, web.milliseconds(block[CONF_INTERVAL]))
    await cg.register_component(var, block)
    cg.add(var.set_host(block[CONF_HOST]))
    cg.add(var.set_fcv(block[CONF_FCV]))
    cg.add(var.set_sv(block[CONF_SV]))
