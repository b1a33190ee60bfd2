"""Stand-in for ESPHome's `http_request`, whose C++ needs libraries that a test machine may not have.

The services of ct002 take nothing of it but its settings, so on a computer they run with this one just the same.
"""

import esphome.codegen as cg
import esphome.config_validation as cv

CONF_HTTP_REQUEST_ID = "http_request_id"
HttpRequestComponent = cg.esphome_ns.namespace("http_request").class_("HttpRequestComponent")
CONFIG_SCHEMA = cv.Schema(
    {
        cv.GenerateID(): cv.declare_id(HttpRequestComponent),
        cv.Optional("timeout", default="4.5s"): cv.positive_time_period_milliseconds,
    }
)


async def to_code(config: object) -> None:
    pass
