#pragma once
// MQTT insights: names and topics. Those of AstraMeter, so that what Home Assistant knows of its devices goes on.
//
// `cid` of a battery is its key, with everything but letters, digits and `_ - . :` as `_`: a MAC stays as it is, and
// what a stranger sends cannot reach other topics.

#include "overrides.h"
#include "writer.h"

namespace nullwatt {

inline constexpr size_t kInsightsNameSize = 64;
/// Room for every topic and its zero byte.
inline constexpr size_t kInsightsTopicSize = 256;
static_assert(2 * kInsightsNameSize + kKeySize + 64 <= kInsightsTopicSize, "the longest topic must fit");

/// The texts belong to the host, which sets every one of them; they outlive whoever holds this.
struct InsightsConfig {
  const char *base_topic = nullptr;        ///< "astrameter"
  const char *device_id = nullptr;         ///< "device-1"
  const char *discovery_prefix = nullptr;  ///< "homeassistant"
  const char *version = nullptr;           ///< of the program, for people
  /// Another topic that says whether this device is there, with the payloads "online" and "offline"; the last will of
  /// an MQTT client that others use too. Empty: the status topic has a last will of its own.
  const char *node_topic = nullptr;
  uint32_t state_interval_ms = 0;  ///< at most one state per battery and interval; 0 = with every poll
  bool discovery = true;
  bool hub = false;             ///< a device for the program itself, above the meter
  bool rotation = false;        ///< efficiency mode is configured
  bool tells_retained = false;  ///< the client says of every message whether the broker had kept it
};

/// False for what MQTT forbids in a topic, or what does not fit: empty, wildcards, control characters.
bool is_topic(Text topic);

/// Everything but A-Z a-z 0-9 _ - as '_'.
void write_sanitized(Text text, Writer *out);
/// The level of topics that names a battery.
void write_cid(Text key, Writer *out);

void write_status_topic(const InsightsConfig &config, Writer *out);
void write_bridge_topic(const InsightsConfig &config, Writer *out);
/// State of the emulator.
void write_device_topic(const InsightsConfig &config, Writer *out);
/// Commands to the emulator.
void write_device_command_topic(const InsightsConfig &config, Writer *out);
/// State of a battery. Below it: /availability, and /<setting>/set.
void write_battery_topic(const InsightsConfig &config, Text key, Writer *out);

// Names of devices in Home Assistant: nodes, from which the ids of entities are made.
void write_hub_id(const InsightsConfig &config, Writer *out);
void write_hub_node(const InsightsConfig &config, Writer *out);
void write_device_node(const InsightsConfig &config, Writer *out);
void write_battery_node(const InsightsConfig &config, Text key, Writer *out);
/// Of a MAC, its digits.
void write_slug(Text key, Writer *out);

/// Subscriptions, counted from 0: commands to batteries, commands to the emulator, availabilities.
inline constexpr uint8_t kInsightsSubscriptions = 3;
void write_subscription(const InsightsConfig &config, uint8_t index, Writer *out);

}  // namespace nullwatt
