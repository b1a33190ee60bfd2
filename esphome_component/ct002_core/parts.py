"""Files of the core that are built only where somebody asks for them, and who does.

Standard library only, so that tools can load this file by its path alone.
"""

# Doors for other hosts. The ESPHome build sets its options at compile time, so it has no use for access by name; only
# the test channel does. No define ever asks for the C doors.
DOORS = {
    "config_access.cpp": "USE_CT002_TEST_CONTROL",
    "c_api.cpp": "USE_CT002_C_API",
    "c_json.cpp": "USE_CT002_C_API",
    "c_insights.cpp": "USE_CT002_C_API",
    "c_ble.cpp": "USE_CT002_C_API",
    "c_cloud.cpp": "USE_CT002_C_API",
}
# The services beside the meter: block of the YAML -> its define.
SERVICES = {
    "mqtt_insights": "USE_CT002_MQTT_INSIGHTS",
    "marstek_registration": "USE_CT002_REGISTRATION",
    "cloud_reporting": "USE_CT002_REPORTING",
    "bluetooth": "USE_CT002_BLUETOOTH",
}
# Their codecs: file -> the services any of which builds it.
SERVICE_FILES: dict[str, tuple[str, ...]] = {
    "writer.cpp": ("mqtt_insights", "marstek_registration", "cloud_reporting", "bluetooth"),
    "json_writer.cpp": ("mqtt_insights",),
    "json_reader.cpp": ("mqtt_insights", "marstek_registration"),
    "utc_time.cpp": ("mqtt_insights", "cloud_reporting"),
    "insights.cpp": ("mqtt_insights",),
    "insights_command.cpp": ("mqtt_insights",),
    "insights_discovery.cpp": ("mqtt_insights",),
    "insights_state.cpp": ("mqtt_insights",),
    "insights_topics.cpp": ("mqtt_insights",),
    "ble_identity.cpp": ("bluetooth",),
    "ble_frame.cpp": ("bluetooth",),
    "ble_pairing.cpp": ("bluetooth",),
    "ble_wifi_trial.cpp": ("bluetooth",),
    "ble_battery_selection.cpp": ("bluetooth",),
    "utf8.cpp": ("mqtt_insights",),
    "ct_mac.cpp": ("mqtt_insights", "marstek_registration"),
    "app_responder.cpp": ("mqtt_insights",),
    "cloud_url.cpp": ("marstek_registration",),
    "cloud_devices.cpp": ("marstek_registration",),
    "registration.cpp": ("marstek_registration",),
    "cloud_report.cpp": ("cloud_reporting",),
}
