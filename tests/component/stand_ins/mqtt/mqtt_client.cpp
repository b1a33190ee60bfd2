#include "mqtt_client.h"

#include <mosquitto.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "esphome/core/application.h"
#include "esphome/core/hal.h"
#include "esphome/core/log.h"

// While there is a file named `full` in the working directory, there is no memory for anything big.
extern "C" void *__real_malloc(size_t size);
extern "C" void *__wrap_malloc(size_t size) {
  constexpr size_t kBig = 4000;
  return size > kBig && access("full", F_OK) == 0 ? nullptr : __real_malloc(size);
}

namespace esphome::mqtt {

static const char *const TAG = "mqtt";
static constexpr uint32_t RETRY_MS = 200;
// ESPHome's client notices late that it is connected; meanwhile, messages of its old session arrive.
static constexpr uint32_t NOTICE_MS = 50;

MQTTClientComponent *global_mqtt_client = nullptr;

MQTTClientComponent::MQTTClientComponent() { global_mqtt_client = this; }

void MQTTClientComponent::setup() {
  mosquitto_lib_init();
  this->client_ = mosquitto_new(App.get_name().c_str(), this->clean_session_, this);
  mosquitto_connect_callback_set(this->client_, [](mosquitto *, void *self, int result) {
    auto *client = static_cast<MQTTClientComponent *>(self);
    client->accepted_ = result == 0;
    client->accepted_ms_ = millis();
  });
  mosquitto_message_callback_set(this->client_, [](mosquitto *, void *self, const mosquitto_message *message) {
    static_cast<MQTTClientComponent *>(self)->on_message_(
        message->topic, std::string(static_cast<const char *>(message->payload), message->payloadlen));
  });
  if (!this->will_.topic.empty()) {
    mosquitto_will_set(this->client_, this->will_.topic.c_str(), this->will_.payload.size(), this->will_.payload.data(),
                       this->will_.qos, this->will_.retain);
  }
}

void MQTTClientComponent::loop() {
  if (!this->begun_) {
    if (millis() - this->tried_ms_ >= RETRY_MS) this->connect_();
    return;
  }
  if (mosquitto_loop(this->client_, 0, 1) == MOSQ_ERR_SUCCESS) {
    if (this->accepted_ && !this->connected_ && millis() - this->accepted_ms_ >= NOTICE_MS) this->on_connected_();
    return;
  }
  ESP_LOGW(TAG, "Disconnected");
  this->begun_ = false;
  this->accepted_ = false;
  this->connected_ = false;
}

void MQTTClientComponent::connect_() {
  this->tried_ms_ = millis();
  const char *port = std::getenv("MQTT_BROKER_PORT");
  this->begun_ =
      mosquitto_connect(this->client_, "127.0.0.1", port != nullptr ? atoi(port) : 1883, 15) == MOSQ_ERR_SUCCESS;
}

void MQTTClientComponent::on_connected_() {
  ESP_LOGI(TAG, "Connected");
  this->connected_ = true;
  for (const Subscription &subscription : this->subscriptions_)
    mosquitto_subscribe(this->client_, nullptr, subscription.topic.c_str(), subscription.qos);
  if (!this->birth_.topic.empty()) this->publish(this->birth_);
}

void MQTTClientComponent::on_message_(const char *topic, const std::string &payload) {
  for (const Subscription &subscription : this->subscriptions_) {
    bool matches = false;
    if (mosquitto_topic_matches_sub(subscription.topic.c_str(), topic, &matches) == MOSQ_ERR_SUCCESS && matches)
      subscription.callback(topic, payload);
  }
}

void MQTTClientComponent::on_shutdown() {
  if (!this->shutdown_.topic.empty()) this->publish(this->shutdown_);
  // A last message of QoS 1 is on its way.
  mosquitto_loop(this->client_, 20, 1);
  mosquitto_disconnect(this->client_);
}

void MQTTClientComponent::subscribe(const std::string &topic, mqtt_callback_t callback, uint8_t qos) {
  this->subscriptions_.push_back({topic, qos, std::move(callback)});
  if (this->connected_) mosquitto_subscribe(this->client_, nullptr, topic.c_str(), qos);
}

void MQTTClientComponent::unsubscribe(const std::string &topic) {
  if (this->connected_) mosquitto_unsubscribe(this->client_, nullptr, topic.c_str());
  std::erase_if(this->subscriptions_, [&](const Subscription &subscription) { return subscription.topic == topic; });
}

bool MQTTClientComponent::publish(const MQTTMessage &message) {
  return this->publish(message.topic, message.payload, message.qos, message.retain);
}

bool MQTTClientComponent::publish(const std::string &topic, const std::string &payload, uint8_t qos, bool retain) {
  return this->publish(topic.c_str(), payload.data(), payload.size(), qos, retain);
}

bool MQTTClientComponent::publish(const std::string &topic, const char *payload, size_t payload_length, uint8_t qos,
                                  bool retain) {
  return this->publish(topic.c_str(), payload, payload_length, qos, retain);
}

bool MQTTClientComponent::publish(const char *topic, const char *payload, size_t payload_length, uint8_t qos,
                                  bool retain) {
  if (!this->connected_ || access("refuse", F_OK) == 0) return false;
  return mosquitto_publish(this->client_, nullptr, topic, payload_length, payload, qos, retain) == MOSQ_ERR_SUCCESS;
}

}  // namespace esphome::mqtt
