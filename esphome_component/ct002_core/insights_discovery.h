#pragma once
// MQTT insights: Home Assistant's device-based discovery (2024.11 and later), one document per device. Ids, names and
// topics are those of AstraMeter, so that its entities, their history and the dashboards on them go on.

#include "insights_topics.h"

namespace nullwatt {

/// Topic of a document: <prefix>/device/<node>/config.
void write_hub_discovery_topic(const InsightsConfig &config, Writer *out);
void write_device_discovery_topic(const InsightsConfig &config, Writer *out);
void write_battery_discovery_topic(const InsightsConfig &config, Text key, Writer *out);

void write_hub_discovery(const InsightsConfig &config, Writer *out);
void write_device_discovery(const InsightsConfig &config, Writer *out);
void write_battery_discovery(const InsightsConfig &config, Text key, Text device_type, Writer *out);

}  // namespace nullwatt
