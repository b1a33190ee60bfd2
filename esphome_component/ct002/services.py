"""The services beside the meter, each a block of `ct002:` with a module of its own.

A module says: KEY (its block), SCHEMA, AUTO_LOAD (components it brings along), FILES (its C++ sources -> the define
that builds them), final_validate(config, whole) -> warnings, raising cv.Invalid, and to_code(var, config). `config` is
the whole of `ct002:`. A block that is not configured costs nothing: neither its files nor those of the core are built.
A SCHEMA may take booleans as a short form of the block; then one that is false, validated or as it was written, is a
block that is not there.
"""

from collections.abc import Iterator
from types import ModuleType
from typing import Any

import esphome.codegen as cg
import esphome.config_validation as cv
from esphome.types import ConfigType

from . import bluetooth, cloud_reporting, marstek_registration, mqtt_insights

SERVICES: tuple[ModuleType, ...] = (mqtt_insights, marstek_registration, cloud_reporting, bluetooth)


def is_off(block: Any) -> bool:
    """The value of a block says that it is not wanted. Substitutions make texts of booleans."""
    if not isinstance(block, (bool, str)):
        return False
    try:
        return not cv.boolean(block)
    except cv.Invalid:
        return False  # for the schema to refuse


def asked_for(config: Any) -> Iterator[ModuleType]:
    """Those that the configuration of `ct002:`, validated or not, has a block for."""
    if not isinstance(config, dict):
        return
    for service in SERVICES:
        if service.KEY in config and not is_off(config[service.KEY]):
            yield service


def service_schema() -> dict[cv.Optional, Any]:
    return {cv.Optional(service.KEY): service.SCHEMA for service in SERVICES}


def auto_load(config: Any) -> list[str]:
    return [component for service in asked_for(config) for component in service.AUTO_LOAD]


def files() -> dict[str, str]:
    return {file: define for service in SERVICES for file, define in service.FILES.items()}


def warnings(config: ConfigType, whole: ConfigType) -> Iterator[str]:
    """What the user should know; an error of a block stands where the block does."""
    for service in asked_for(config):
        with cv.prepend_path(service.KEY):
            yield from service.final_validate(config, whole)


async def to_code_of_services(var: cg.MockObj, config: ConfigType) -> None:
    for service in asked_for(config):
        await service.to_code(var, config)
