#pragma once
// What ESPHome's mqtt_client.h offers, as far as the component uses it, for the host.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "esphome/core/component.h"

struct mosquitto;

namespace esphome::mqtt {

using mqtt_callback_t = std::function<void(const std::string &, const std::string &)>;

struct MQTTMessage {
  std::string topic;
  std::string payload;
  uint8_t qos;
  bool retain;
};

class MQTTClientComponent final : public Component {
 public:
  MQTTClientComponent();

  void set_clean_session(bool clean) { this->clean_session_ = clean; }
  void set_birth_message(MQTTMessage &&message) { this->birth_ = std::move(message); }
  void set_last_will(MQTTMessage &&message) { this->will_ = std::move(message); }
  void set_shutdown_message(MQTTMessage &&message) { this->shutdown_ = std::move(message); }

  void setup() override;
  void loop() override;
  void on_shutdown() override;
  float get_setup_priority() const override { return setup_priority::AFTER_WIFI; }

  void subscribe(const std::string &topic, mqtt_callback_t callback, uint8_t qos = 0);
  void unsubscribe(const std::string &topic);
  bool publish(const MQTTMessage &message);
  bool publish(const std::string &topic, const std::string &payload, uint8_t qos = 0, bool retain = false);
  bool publish(const std::string &topic, const char *payload, size_t payload_length, uint8_t qos = 0,
               bool retain = false);
  /// Refuses while there is a file named `refuse` in the working directory.
  bool publish(const char *topic, const char *payload, size_t payload_length, uint8_t qos = 0, bool retain = false);
  bool is_connected() { return this->connected_; }

 protected:
  struct Subscription {
    std::string topic;
    uint8_t qos;
    mqtt_callback_t callback;
  };

  void connect_();
  void on_connected_();
  void on_message_(const char *topic, const std::string &payload);

  mosquitto *client_{nullptr};
  MQTTMessage birth_{};
  MQTTMessage will_{};
  MQTTMessage shutdown_{};
  std::vector<Subscription> subscriptions_;
  uint32_t tried_ms_{0};
  uint32_t accepted_ms_{0};
  bool clean_session_{false};
  bool begun_{false};
  bool accepted_{false};
  bool connected_{false};
};

extern MQTTClientComponent *global_mqtt_client;

/// Entities have their own MQTT topics in ESPHome. Here they have none.
class MQTTComponent : public Component {
 public:
  template<typename T>
  explicit MQTTComponent(T *entity) {}
};
using MQTTSensorComponent = MQTTComponent;
using MQTTNumberComponent = MQTTComponent;
using MQTTSwitchComponent = MQTTComponent;

}  // namespace esphome::mqtt
