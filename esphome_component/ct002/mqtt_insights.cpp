#include "mqtt_insights.h"
#ifdef USE_CT002_MQTT_INSIGHTS

#include <cinttypes>
#include <ctime>

#include "esphome/components/mqtt/mqtt_client.h"
#include "esphome/core/hal.h"
#include "esphome/core/log.h"
#include "esphome/core/version.h"
#include "mac.h"

namespace esphome::ct002 {

static const char *const TAG = "ct002.mqtt";

// Commands are not to be lost.
static constexpr uint8_t SUBSCRIPTION_QOS = 1;
static constexpr size_t TOPIC_SIZE = nullwatt::kInsightsTopicSize;
// When there was nothing to tell; and when a message was not taken, or there was no memory for it.
static constexpr uint32_t IDLE_PAUSE_MS = 20;
static constexpr uint32_t RETRY_PAUSE_MS = 1000;
// A client that sends in the background keeps copies. A network that is a little slow must not fill the memory.
static constexpr uint32_t MOST_BYTES_PER_MS = 50;
// What must be left of it, in one piece, when the client has made its copy.
static constexpr size_t MEMORY_RESERVE = 16384;

namespace {

/// Bytes for one message; discovery takes about 7.5 kB, from external memory where there is some.
class Buffer {
 public:
  explicit Buffer(size_t size) : data(RAMAllocator<char>().allocate(size)), size(size) {}
  ~Buffer() {
    if (this->data != nullptr)
      RAMAllocator<char>().deallocate(this->data, this->size);
  }
  Buffer(const Buffer &) = delete;
  Buffer &operator=(const Buffer &) = delete;

  char *const data;
  const size_t size;
};

nullwatt::Text text_of(const std::string &text) { return {text.data(), text.size()}; }

/// The system's clock, which a `time:` component sets. Before that it is near 1970, which the core does not believe.
uint32_t unix_time_s() { return static_cast<uint32_t>(::time(nullptr)); }

/// The setting that a command is about. Its value as people see it goes to `value`.
bool setting_of(const nullwatt::InsightsCommand &command, Setting *setting, float *value) {
  *value = command.value;
  switch (command.setting) {
    case nullwatt::kSetActive:
      *setting = Setting::ACTIVE;
      return true;
    case nullwatt::kSetManual:
      *setting = Setting::AUTOMATIC;
      *value = command.value > 0.5f ? 0.0f : 1.0f;
      return true;
    case nullwatt::kSetManualTarget:
      *setting = Setting::MANUAL_TARGET;
      return true;
    case nullwatt::kSetWeight:
      *setting = Setting::WEIGHT;
      return true;
    case nullwatt::kSetWindowWeight:
      *setting = Setting::WINDOW_WEIGHT;
      *value = command.value * 100.0f;
      return true;
    case nullwatt::kSetMinDcOutput:
      *setting = Setting::MIN_DC_OUTPUT;
      return true;
    case nullwatt::kSetMaxCharge:
      *setting = Setting::MAX_CHARGE;
      return true;
    case nullwatt::kSetMaxDischarge:
      *setting = Setting::MAX_DISCHARGE;
      return true;
    default:
      return false;
  }
}

}  // namespace

void MqttInsights::setup() {
  this->insights_ = std::make_unique<nullwatt::Insights>(this->config_());
  for (uint8_t i = 0; i < nullwatt::kInsightsSubscriptions; i++) {
    char topic[TOPIC_SIZE];
    nullwatt::Writer out(topic, sizeof(topic));
    nullwatt::write_subscription(this->insights_->config(), i, &out);
    out.terminate();
    // The client subscribes again by itself after every connection.
    mqtt::global_mqtt_client->subscribe(
        topic, [this](const std::string &topic, const std::string &payload) { this->on_message_(topic, payload); },
        SUBSCRIPTION_QOS);
  }
}

nullwatt::InsightsConfig MqttInsights::config_() const {
  nullwatt::InsightsConfig config;
  config.base_topic = this->base_topic_;
  config.device_id = this->device_id_;
  config.discovery_prefix = this->discovery_prefix_;
  config.node_topic = this->node_topic_;
  config.version = "ESPHome " ESPHOME_VERSION;
  config.discovery = this->discovery_prefix_[0] != '\0';
  config.state_interval_ms = this->state_interval_ms_;
#ifndef CT002_NO_EFFICIENCY
  config.rotation = true;
#endif
  return config;
}

void MqttInsights::dump_config() {
  ESP_LOGCONFIG(TAG,
                "MQTT insights:\n"
                "  Base topic: %s\n"
                "  Device ID: %s\n"
                "  Discovery: %s\n"
                "  Availability of this device: %s\n"
                "  State interval: %" PRIu32 " ms",
                this->base_topic_, this->device_id_,
                this->discovery_prefix_[0] != '\0' ? this->discovery_prefix_ : "off",
                this->node_topic_[0] != '\0' ? this->node_topic_ : "(status topic)", this->state_interval_ms_);
}

// -- messages out --------------------------------------------------------------------------

void MqttInsights::loop() {
  const uint32_t now_ms = millis();
  this->watch_connection_(now_ms);
  if (!this->connected_ || now_ms - this->paused_ms_ < this->pause_ms_)
    return;
  this->pause_ms_ = 0;
  nullwatt::InsightsMessage message;
  if (!this->insights_->next(this->parent_->emulator(), now_ms, &message)) {
    this->pause_(now_ms, IDLE_PAUSE_MS);
    return;
  }
  const size_t size = this->publish_(message);
  if (size == 0) {
    this->pause_(now_ms, RETRY_PAUSE_MS);
    return;
  }
  this->insights_->sent(message, now_ms);
  this->pause_(now_ms, size / MOST_BYTES_PER_MS);
}

void MqttInsights::watch_connection_(uint32_t now_ms) {
  const bool connected = mqtt::global_mqtt_client->is_connected();
  if (connected == this->connected_)
    return;
  this->connected_ = connected;
  this->pause_ms_ = 0;
  if (connected) {
    this->insights_->connected(now_ms);
  } else {
    this->insights_->disconnected();
  }
}

size_t MqttInsights::publish_(const nullwatt::InsightsMessage &message) {
  const nullwatt::Emulator &emulator = this->parent_->emulator();
  char topic[TOPIC_SIZE];
  nullwatt::Writer topic_out(topic, sizeof(topic));
  this->insights_->write_topic(message, &topic_out);
  topic_out.terminate();

  const uint32_t now_s = unix_time_s();
  nullwatt::Writer count(nullptr, 0);
  this->insights_->write_payload(message, emulator, now_s, &count);
  // A link that stands still keeps what was sent before: then its memory comes first.
  if (RAMAllocator<char>().get_max_free_block_size() < 2 * count.size() + MEMORY_RESERVE) {
    this->log_no_memory_(count.size());
    return 0;
  }
  const Buffer payload(count.size());
  if (payload.data == nullptr) {
    this->log_no_memory_(count.size());
    return 0;
  }
  nullwatt::Writer out(payload.data, payload.size);
  this->insights_->write_payload(message, emulator, now_s, &out);
  const bool taken = mqtt::global_mqtt_client->publish(topic, payload.data, payload.size, message.qos, message.retain);
  return taken ? payload.size : 0;
}

void MqttInsights::log_no_memory_(size_t size) {
  if (this->no_memory_told_)
    return;
  this->no_memory_told_ = true;
  ESP_LOGW(TAG, "No memory for a message of %zu bytes; it is tried again", size);
}

void MqttInsights::pause_(uint32_t now_ms, uint32_t pause_ms) {
  this->paused_ms_ = now_ms;
  this->pause_ms_ = pause_ms;
}

void MqttInsights::on_shutdown() {
  if (!this->connected_)
    return;
  char topic[TOPIC_SIZE];
  nullwatt::Writer out(topic, sizeof(topic));
  nullwatt::write_status_topic(this->insights_->config(), &out);
  out.terminate();
  static constexpr char OFFLINE[] = "offline";
  mqtt::global_mqtt_client->publish(topic, OFFLINE, sizeof(OFFLINE) - 1, 1, true);
}

// -- commands in ---------------------------------------------------------------------------

void MqttInsights::on_message_(const std::string &topic, const std::string &payload) {
  // The client does not tell what was retained. What comes before the connection is known here was kept for it.
  const bool retained = !this->connected_;
  nullwatt::InsightsCommand command = this->insights_->received(text_of(topic), text_of(payload), retained, millis());
  if (command.kind == nullwatt::InsightsCommandKind::kSetting) {
    this->change_battery_(&command);
  } else if (command.kind == nullwatt::InsightsCommandKind::kHouse) {
    this->change_house_(command);
  }
  if (command.reason != nullptr)
    ESP_LOGW(TAG, "Refused '%s': %s", topic.c_str(), command.reason);
}

void MqttInsights::change_battery_(nullwatt::InsightsCommand *command) {
  Setting setting;
  float value;
  char mac[13];
  if (normalize_mac(command->key, mac) && setting_of(*command, &setting, &value)) {
    this->parent_->change_by_name(setting, mac, value);
    return;
  }
  // A battery without a MAC has no entities, so nothing else is to be kept in step.
  this->parent_->begin();
  nullwatt::apply(command, &this->parent_->emulator());
}

void MqttInsights::change_house_(const nullwatt::InsightsCommand &command) {
  if (command.sets_active_control)
    this->parent_->change(Setting::ACTIVE_CONTROL, HOUSE, command.active_control ? 1.0f : 0.0f);
  if (command.force_rotation)
    this->parent_->force_rotation();
}

}  // namespace esphome::ct002

#endif
