#include "insights_topics.h"

namespace nullwatt {
namespace {

bool is_plain(char byte) {
  return (lower(byte) >= 'a' && lower(byte) <= 'z') || (byte >= '0' && byte <= '9') || byte == '_' || byte == '-';
}

void write_meter(const InsightsConfig &config, Writer *out) {
  out->put(config.base_topic);
  out->put("/ct002/");
  out->put(config.device_id);
}

}  // namespace

bool is_topic(Text topic) {
  if (topic.size == 0 || topic.size >= kInsightsNameSize) return false;
  for (size_t i = 0; i < topic.size; i++) {
    const auto byte = static_cast<uint8_t>(topic[i]);
    if (byte < 0x20 || byte == 0x7F || byte == '+' || byte == '#') return false;
  }
  return true;
}

void write_sanitized(Text text, Writer *out) {
  for (size_t i = 0; i < text.size; i++) out->put(is_plain(text[i]) ? text[i] : '_');
}

void write_cid(Text key, Writer *out) {
  for (size_t i = 0; i < key.size; i++) {
    const bool kept = is_plain(key[i]) || key[i] == '.' || key[i] == ':';
    out->put(kept ? key[i] : '_');
  }
}

void write_slug(Text key, Writer *out) {
  for (size_t i = 0; i < key.size; i++) {
    if (is_plain(key[i]) && key[i] != '_' && key[i] != '-') out->put(lower(key[i]));
  }
}

void write_status_topic(const InsightsConfig &config, Writer *out) {
  out->put(config.base_topic);
  out->put("/status");
}

void write_bridge_topic(const InsightsConfig &config, Writer *out) {
  out->put(config.base_topic);
  out->put("/bridge");
}

void write_device_topic(const InsightsConfig &config, Writer *out) {
  write_meter(config, out);
  out->put("/status");
}

void write_device_command_topic(const InsightsConfig &config, Writer *out) {
  write_meter(config, out);
  out->put("/set");
}

void write_battery_topic(const InsightsConfig &config, Text key, Writer *out) {
  write_meter(config, out);
  out->put("/consumer/");
  write_cid(key, out);
}

void write_hub_id(const InsightsConfig &config, Writer *out) {
  out->put("astrameter_");
  write_sanitized(text_of(config.base_topic), out);
}

void write_hub_node(const InsightsConfig &config, Writer *out) {
  out->put("astrameter_addon_");
  write_hub_id(config, out);
}

void write_device_node(const InsightsConfig &config, Writer *out) {
  out->put("astrameter_ct002_");
  write_sanitized(text_of(config.device_id), out);
}

void write_battery_node(const InsightsConfig &config, Text key, Writer *out) {
  write_device_node(config, out);
  out->put('_');
  write_sanitized(key, out);
}

void write_subscription(const InsightsConfig &config, uint8_t index, Writer *out) {
  write_meter(config, out);
  out->put(index == 0 ? "/consumer/+/+/set" : index == 1 ? "/set" : "/consumer/+/availability");
}

}  // namespace nullwatt
