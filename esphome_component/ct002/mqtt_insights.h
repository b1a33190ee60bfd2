#pragma once
// MQTT insights: messages out and commands in through ESPHome's MQTT client, on the user's broker. What is told when,
// and what a message asks for, is decided in ct002_core/insights.h.

#include "esphome/core/defines.h"
#ifdef USE_CT002_MQTT_INSIGHTS

#include <memory>
#include <string>

#include "ct002.h"
#include "esphome/components/ct002_core/insights.h"
#include "esphome/core/component.h"
#include "esphome/core/helpers.h"

namespace esphome::ct002 {

class MqttInsights final : public Component, public Parented<CT002Component> {
 public:
  explicit MqttInsights(CT002Component *parent) : Parented(parent) {}

  // Names: what the schema accepts, alive for ever. They act at setup().
  void set_base_topic(const char *topic) { this->base_topic_ = topic; }
  void set_device_id(const char *name) { this->device_id_ = name; }
  /// Without a prefix there is no discovery.
  void set_discovery_prefix(const char *prefix) { this->discovery_prefix_ = prefix; }
  /// Where the MQTT client itself tells online and, by its last will, offline.
  void set_node_topic(const char *topic) { this->node_topic_ = topic; }
  void set_state_interval(uint32_t interval_ms) { this->state_interval_ms_ = interval_ms; }

  void setup() override;
  /// At most one message per pass: batteries come first.
  void loop() override;
  void dump_config() override;
  void on_shutdown() override;
  // After the MQTT client, so that on_shutdown() comes before its.
  float get_setup_priority() const override { return setup_priority::AFTER_CONNECTION; }

 protected:
  nullwatt::InsightsConfig config_() const;
  void watch_connection_(uint32_t now_ms);
  /// Returns the size of the message, 0 = not taken.
  size_t publish_(const nullwatt::InsightsMessage &message);
  void log_no_memory_(size_t size);
  void pause_(uint32_t now_ms, uint32_t pause_ms);
  void on_message_(const std::string &topic, const std::string &payload);
  void change_battery_(nullwatt::InsightsCommand *command);
  void change_house_(const nullwatt::InsightsCommand &command);

  std::unique_ptr<nullwatt::Insights> insights_;
  const char *base_topic_{""};
  const char *device_id_{""};
  const char *discovery_prefix_{""};
  const char *node_topic_{""};
  uint32_t state_interval_ms_{0};
  uint32_t paused_ms_{0};
  uint32_t pause_ms_{0};
  bool connected_{false};
  bool no_memory_told_{false};
};

}  // namespace esphome::ct002

#endif
