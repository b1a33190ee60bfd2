#pragma once
// MQTT insights: what is told of the emulator and of a battery, as JSON. Watts, + = import, battery + = discharge.

#include "emulator.h"
#include "insights_topics.h"

namespace nullwatt {

/// {"version", "consumer_count"}
void write_bridge_state(const InsightsConfig &config, const ct002_state &state, Writer *out);

/// {"smooth_target", "active_control", "consumer_count"}
void write_device_state(const ct002_state &state, Writer *out);

/// State of one battery; `unix_s` 0 = the time of day is not known.
void write_battery_state(const Emulator &emulator, const ct002_consumer &battery, uint32_t unix_s, Writer *out);

}  // namespace nullwatt
