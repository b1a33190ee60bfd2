"""The C++ names that the schema, the entity platforms and the automations share."""

import esphome.codegen as cg
import esphome.config_validation as cv

ct002_ns = cg.esphome_ns.namespace("ct002")
CT002Component = ct002_ns.class_("CT002Component", cg.Component)
Setting = ct002_ns.enum("Setting", is_class=True)

CONF_CT002_ID = "ct002_id"
CONF_BATTERY = "battery"

# On the first page of visual editors. ESPHome knows that word since 2026.7; before, what says nothing is there anyway.
ON_FIRST_PAGE = getattr(cv.Visibility, "UI", None)
