#include "marstek_app.h"
#ifdef USE_CT002_MARSTEK_APP

#include <cstring>

#include "esphome/components/mqtt/mqtt_client.h"
#include "esphome/core/hal.h"
#include "esphome/core/log.h"

namespace esphome::ct002 {

static const char *const TAG = "ct002.app";

static_assert(nullwatt::kSlaveListSize >= nullwatt::kRuntimeFrameSize, "one buffer for both answers");

void MarstekApp::loop() {
  const bool connected = mqtt::global_mqtt_client->is_connected();
  if (connected != this->connected_) {
    this->connected_ = connected;
    this->pacer_.set_connected(connected);
    this->answering_ = nullwatt::AppPoll::kNone;
  }
  if (strcmp(this->mac_, this->parent_->app_mac()) != 0)
    this->take_mac_();
  if (!connected)
    return;
  if (this->answering_ == nullwatt::AppPoll::kNone) {
    if (!this->pacer_.broadcast_due(this->mac_[0] != '\0', millis()))
      return;
    this->answering_ = nullwatt::AppPoll::kRuntime;
    this->told_ = 0;
  }
  this->publish_(this->told_++);
  if (this->told_ == nullwatt::kAppPrefixes) {
    this->answering_ = nullwatt::AppPoll::kNone;
    this->pacer_.finish();
  }
}

/// It may become known, or another one, while the node runs: by registration.
void MarstekApp::take_mac_() {
  char old[sizeof(this->mac_)];
  memcpy(old, this->mac_, sizeof(old));
  if (!nullwatt::normalize_ct_mac(nullwatt::text_of(this->parent_->app_mac()), this->mac_))
    this->mac_[0] = '\0';
  for (uint8_t prefix = 0; prefix < nullwatt::kAppPrefixes; prefix++) {
    char topic[nullwatt::kAppTopicSize];
    if (old[0] != '\0' && nullwatt::write_app_topic(nullwatt::AppTopic::kPoll, prefix, this->ct_type_(),
                                                    nullwatt::text_of(old), topic, sizeof(topic)) > 0)
      mqtt::global_mqtt_client->unsubscribe(topic);
    if (this->mac_[0] != '\0' && nullwatt::write_app_topic(nullwatt::AppTopic::kPoll, prefix, this->ct_type_(),
                                                           nullwatt::text_of(this->mac_), topic, sizeof(topic)) > 0) {
      mqtt::global_mqtt_client->subscribe(
          topic, [this](const std::string &topic, const std::string &payload) { this->on_poll_(topic, payload); }, 0);
    }
  }
}

void MarstekApp::on_poll_(const std::string &topic, const std::string &payload) {
  if (!nullwatt::is_app_poll({topic.data(), topic.size()}, this->ct_type_(), nullwatt::text_of(this->mac_)))
    return;
  const nullwatt::AppPoll poll = nullwatt::parse_app_poll({payload.data(), payload.size()});
  if (!this->pacer_.accept(poll))
    return;
  this->answering_ = poll;
  this->told_ = 0;
}

size_t MarstekApp::write_answer_(char *out, size_t capacity) const {
  nullwatt::Emulator &emulator = this->parent_->emulator();
  if (this->answering_ == nullwatt::AppPoll::kSlaves)
    return nullwatt::write_slave_list(emulator, out, capacity);
  nullwatt::AppReadings readings;
  this->parent_->measured_power(readings.power_w);
  readings.rssi_dbm = emulator.config().wifi_rssi;
  ct002_state state;
  emulator.state(&state);
  readings.slaves = state.consumers;
  return nullwatt::write_runtime_frame(readings, out, capacity);
}

void MarstekApp::publish_(uint8_t prefix) {
  char topic[nullwatt::kAppTopicSize];
  char answer[nullwatt::kSlaveListSize];
  if (nullwatt::write_app_topic(nullwatt::AppTopic::kAnswer, prefix, this->ct_type_(), nullwatt::text_of(this->mac_),
                                topic, sizeof(topic)) == 0)
    return;
  // What the client does not take is lost: the app asks again.
  mqtt::global_mqtt_client->publish(topic, answer, this->write_answer_(answer, sizeof(answer)), 0, false);
}

void MarstekApp::dump_config() {
  ESP_LOGCONFIG(TAG, "Marstek app over MQTT: %s", this->mac_[0] != '\0' ? this->mac_ : "waits for a CT MAC");
}

}  // namespace esphome::ct002

#endif
