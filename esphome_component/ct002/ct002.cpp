#include "ct002.h"

#include <cerrno>
#include <cinttypes>
#include <cmath>
#include <cstdio>
#include <cstring>

#include "esphome/core/hal.h"
#include "esphome/core/log.h"
#include "mac.h"
#include "udp_socket.h"

namespace esphome::ct002 {

static const char *const TAG = "ct002";

// A flood of datagrams must not starve the other components: the rest waits for the next pass.
static constexpr uint8_t MAX_DATAGRAMS_PER_LOOP = 32;
static constexpr uint32_t TICK_INTERVAL_MS = 1000;
static constexpr uint32_t WARNING_INTERVAL_MS = 30000;
// Whoever floods the port must not flood the log as well.
static constexpr uint32_t DROPS_TOLD_PER_TICK = 10;
// A house takes less than this many kW, and no house stays below as many watts for long.
static constexpr float MOST_HOUSE_KW = 30.0f;
// "255.255.255.255" or an IPv6 address, then ":65535"
static constexpr size_t SOURCE_SIZE = socket::SOCKADDR_STR_LEN + 6;

void CT002Component::setup() {
  this->begin();
  this->ticked_ms_ = millis();
  this->socket_ = open_udp_socket(static_cast<uint16_t>(this->config_.udp_port));
  if (this->socket_ == nullptr) {
    ESP_LOGE(TAG, "Cannot listen on UDP port %" PRId32 " (errno %d). Is it taken by another component or program?",
             this->config_.udp_port, errno);
    this->mark_failed(LOG_STR("UDP port not available"));
    return;
  }
#ifdef USE_CT002_TEST_CONTROL
  if (!this->test_control_.setup(this->config_.max_sensor_age_ms)) {
    this->mark_failed(LOG_STR("test control port not available"));
  }
#endif
}

void CT002Component::begin() {
  if (this->begun_)
    return;
  this->begun_ = true;
  this->emulator_.reconfigure(this->config_);
#ifdef USE_CT002_HOUSE_SETTINGS
  this->house_.setup();
#endif
#ifdef USE_CT002_BATTERIES
  this->batteries_.setup();
#endif
}

void CT002Component::loop() {
  const uint32_t now_ms = millis();
#ifdef USE_CT002_TEST_CONTROL
  this->test_control_.run_commands();
  this->test_control_.age_meter();
#endif
  // Batteries first: what is shown can wait.
  this->receive_();
  if (now_ms - this->ticked_ms_ >= TICK_INTERVAL_MS) {
    this->ticked_ms_ = now_ms;
    this->tick_(now_ms);
  } else {
    this->show_next_();
  }
}

void CT002Component::tick_(uint32_t now_ms) {
#ifdef USE_CT002_TEST_CONTROL
  // On the mock clock nothing happens by itself; `evict` does this.
  const bool ticks = !this->test_control_.is_mocked();
#else
  const bool ticks = true;
#endif
  if (ticks)
    this->emulator_.tick(this->core_ms_());
  ct002_state state;
  this->emulator_.state(&state);
  this->watch_meter_(state);
  this->watch_refusals_(state);
  if (this->drops_ > DROPS_TOLD_PER_TICK)
    ESP_LOGV(TAG, "No reply to %" PRIu32 " more datagrams", this->drops_ - DROPS_TOLD_PER_TICK);
  this->drops_ = 0;
  this->roster_.update(this->emulator_, this);
#ifdef USE_CT002_HOUSE_SETTINGS
  this->house_.update(now_ms);
#endif
#ifdef USE_CT002_BATTERIES
  this->batteries_.update(now_ms);
#endif
#ifdef USE_CT002_WATCHERS
  this->to_show_ = 0;
#endif
}

void CT002Component::on_shutdown() {
#ifdef USE_CT002_HOUSE_SETTINGS
  this->house_.save();
#endif
#ifdef USE_CT002_BATTERIES
  this->batteries_.save();
#endif
}

void CT002Component::dump_config() {
  const nullwatt::Config &config = this->emulator_.config();
  ESP_LOGCONFIG(TAG,
                "CT002:\n"
                "  UDP port: %" PRId32
                "\n"
                "  CT type: %s\n"
                "  CT MAC: %s\n"
                "  WiFi RSSI told: %" PRId32
                " dBm\n"
                "  Active control: %s\n"
                "  Phases: %u",
                config.udp_port, config.ct_type, config.ct_mac[0] != '\0' ? config.ct_mac : "any", config.wifi_rssi,
                YESNO(config.active_control), this->phase_count_);
  for (uint8_t i = 0; i < this->phase_count_; i++) {
    const PhaseInput &input = this->phases_[i];
    ESP_LOGCONFIG(TAG, "    L%u: '%s'", i + 1, input.sensor->get_name().c_str());
    if (input.factor != 1.0f)
      ESP_LOGCONFIG(TAG, "      Watts per unit: %g", input.factor);
  }
  if (this->config_.max_sensor_age_ms > 0) {
    ESP_LOGCONFIG(TAG, "  Max sensor age: %" PRId32 " ms", this->config_.max_sensor_age_ms);
  } else {
    ESP_LOGCONFIG(TAG, "  Max sensor age: off");
  }
  if (config.consumer_ttl_ms >= 0) {
    ESP_LOGCONFIG(TAG, "  Battery forgotten after: %" PRId32 " s", config.consumer_ttl_ms / 1000);
  } else {
    ESP_LOGCONFIG(TAG, "  Battery forgotten after: 2 polls, at least 5 s");
  }
  if (config.dedupe_window_ms > 0) {
    ESP_LOGCONFIG(TAG, "  Dedupe window: %" PRId32 " ms", config.dedupe_window_ms);
  } else {
    ESP_LOGCONFIG(TAG, "  Dedupe window: off");
  }
  this->dump_options_();
  ESP_LOGCONFIG(TAG,
                "  Batteries: at most %u\n"
                "  Memory: %zu bytes",
                nullwatt::kMaxBatteries, sizeof(*this));
#ifdef USE_CT002_WATCHERS
  ESP_LOGCONFIG(TAG, "  Entities that show something: %zu", this->watchers_.size());
#endif
#ifdef USE_CT002_BATTERIES
  this->batteries_.dump_config();
#endif
#ifdef USE_CT002_TEST_CONTROL
  this->test_control_.dump_config();
#endif
  if (this->is_failed()) {
    ESP_LOGE(TAG, "  Not running: its UDP port was not available");
  }
}

void CT002Component::dump_options_() {
  // Line by line: together they may be longer than the logger's buffer.
  for (const char *line = this->changed_options_; *line != '\0';) {
    const size_t length = strcspn(line, "\n");
    ESP_LOGCONFIG(TAG, "  %.*s", static_cast<int>(length), line);
    line += length + (line[length] == '\n' ? 1 : 0);
  }
}

// -- meter ---------------------------------------------------------------------------------

void CT002Component::set_power_sensor(uint8_t phase, sensor::Sensor *sensor) {
  this->phases_[phase].sensor = sensor;
  this->phase_count_ = phase + 1;
  // Not in setup(): sensors are up before the network is, and what they publish meanwhile would be lost
  // until their next update.
  sensor->add_on_state_callback([this, phase](float power_w) { this->on_power_(phase, power_w); });
}

void CT002Component::on_power_(uint8_t phase, float value) {
  PhaseInput &input = this->phases_[phase];
#ifdef USE_CT002_BLUETOOTH
  const bool reversed = (this->reversed_phases_ >> phase & 1) != 0;
  const float power_w = value * (reversed ? -input.factor : input.factor);
#else
  const float power_w = value * input.factor;
#endif
  input.usable = std::isfinite(power_w);
  if (input.usable) {
    input.at_ms = millis();
    input.power_w = power_w;
    if (input.unit_watch > 0)
      this->watch_unit_(phase, value);
  }
#ifdef USE_CT002_TEST_CONTROL
  if (!this->test_control_.accept_sample(phase, this->phase_count_, input.usable))
    return;
#endif
  this->emulator_.update_grid_phase(phase, this->phase_count_, power_w, this->core_ms_());
}

void CT002Component::watch_unit_(uint8_t phase, float value) {
  PhaseInput &input = this->phases_[phase];
  if (std::fabs(value) >= MOST_HOUSE_KW) {
    input.unit_watch = 0;
    return;
  }
  // Meters that speak watts have a tenth of them at best.
  const float tenths = value * 10.0f;
  if (std::fabs(tenths - std::round(tenths)) > 0.01f)
    input.fraction_seen = true;
  if (--input.unit_watch == 0 && input.fraction_seen) {
    ESP_LOGW(TAG, "L%u: the values of '%s' look like kW and are taken as W. Set its unit_of_measurement, kW or W",
             phase + 1, input.sensor->get_name().c_str());
  }
}

void CT002Component::watch_meter_(const ct002_state &state) {
  const bool gone = state.grid_available == 0;
  const uint32_t now_ms = millis();
  if (gone && (!this->meter_gone_ || now_ms - this->meter_warned_ms_ >= WARNING_INTERVAL_MS)) {
    this->meter_warned_ms_ = now_ms;
    this->log_meter_gone_();
    this->status_set_warning(LOG_STR("grid meter unavailable"));
  } else if (!gone && this->meter_gone_) {
    ESP_LOGI(TAG, "Grid meter available: %.0f W", state.grid_total_w);
    this->status_clear_warning();
  }
  const bool changed = gone != this->meter_gone_;
  this->meter_gone_ = gone;
  // A meter that was never there is not lost, and its first value does not bring it back.
  if (changed && this->meter_seen_)
    this->meter_callback_.call(!gone);
  if (!gone)
    this->meter_seen_ = true;
}

void CT002Component::log_meter_gone_() {
  ESP_LOGW(TAG, "Grid meter unavailable, batteries hold");
  for (uint8_t i = 0; i < this->phase_count_; i++) {
    const PhaseInput &input = this->phases_[i];
    if (input.usable) {
      ESP_LOGW(TAG, "  L%u: last value %" PRIu32 " s ago", i + 1, (millis() - input.at_ms) / 1000);
    } else {
      ESP_LOGW(TAG, "  L%u: no value", i + 1);
    }
  }
}

void CT002Component::measured_power(float (&power_w)[MAX_PHASES]) const {
  const uint32_t now_ms = millis();
  const int32_t max_age_ms = this->config_.max_sensor_age_ms;
  for (uint8_t i = 0; i < MAX_PHASES; i++) {
    const PhaseInput &input = this->phases_[i];
    const bool fresh = input.usable && (max_age_ms == 0 || now_ms - input.at_ms <= static_cast<uint32_t>(max_age_ms));
    power_w[i] = fresh ? input.power_w : 0.0f;
  }
}

void CT002Component::take_ct_mac(const char *mac) {
  this->begin();
  this->emulator_.set_ct_mac(nullwatt::text_of(mac));
  ESP_LOGI(TAG, "CT MAC is now %s", this->ct_mac());
}

// -- batteries -----------------------------------------------------------------------------

void CT002Component::receive_() {
  // ready() is only meaningful again once the socket was read empty.
  if (!this->datagrams_left_ && !this->socket_->ready())
    return;
  this->datagrams_left_ = false;
  // One byte more than the core accepts, so that a longer datagram shows instead of being cut to fit.
  uint8_t request[nullwatt::kMaxDatagram + 1];
  for (uint8_t i = 0; i < MAX_DATAGRAMS_PER_LOOP; i++) {
    sockaddr_storage peer;
    socklen_t peer_size = sizeof(peer);
    const ssize_t size =
        this->socket_->recvfrom(request, sizeof(request), reinterpret_cast<sockaddr *>(&peer), &peer_size);
    if (size < 0)
      return;
#ifdef USE_CT002_TEST_CONTROL
    // Commands that were sent before this poll act before it.
    this->test_control_.run_commands();
#endif
    this->answer_(request, static_cast<size_t>(size), reinterpret_cast<sockaddr *>(&peer), peer_size);
  }
  this->datagrams_left_ = true;
}

void CT002Component::answer_(const uint8_t *request, size_t size, const sockaddr *peer, socklen_t peer_size) {
  char source[SOURCE_SIZE];
  const size_t length = socket::format_sockaddr_to(
      peer, peer_size, std::span<char, socket::SOCKADDR_STR_LEN>(source, socket::SOCKADDR_STR_LEN));
  snprintf(source + length, sizeof(source) - length, ":%u",
           ntohs(reinterpret_cast<const sockaddr_in *>(peer)->sin_port));

  uint8_t reply[nullwatt::kMaxDatagram];
  nullwatt::DropReason reason;
  const size_t reply_size =
      this->emulator_.handle(request, size, source, this->core_ms_(), reply, sizeof(reply), &reason);
  if (reply_size == 0) {
    this->last_drop_ = reason;
    if (this->drops_++ < DROPS_TOLD_PER_TICK)
      ESP_LOGV(TAG, "No reply to %s: %s", source, nullwatt::drop_reason_text(reason));
    return;
  }
  if (this->socket_->sendto(reply, reply_size, 0, peer, peer_size) < 0) {
    ESP_LOGV(TAG, "Reply to %s lost: errno %d", source, errno);
  }
}

void CT002Component::watch_refusals_(const ct002_state &state) {
  const uint32_t now_ms = millis();
  const bool quiet = this->refusals_told_ > 0 && now_ms - this->refusals_warned_ms_ < WARNING_INTERVAL_MS;
  if (state.refused_full == this->refusals_told_ || quiet)
    return;
  ESP_LOGW(TAG, "Table full (%u batteries): %" PRIu32 " polls of further batteries refused so far",
           nullwatt::kMaxBatteries, state.refused_full);
  this->refusals_told_ = state.refused_full;
  this->refusals_warned_ms_ = now_ms;
}

// -- entities, actions and conditions ------------------------------------------------------

void CT002Component::show_next_() {
#ifdef USE_CT002_WATCHERS
  // The house or one battery per pass: many entities must not make a poll wait.
#ifdef USE_CT002_BATTERIES
  const uint8_t last = this->batteries_.count();
#else
  const uint8_t last = 0;
#endif
  if (this->to_show_ > last)
    return;
  const uint8_t shown = this->to_show_++;
  ct002_state state;
  this->emulator_.state(&state);
  ct002_consumer consumer;
  const ct002_consumer *battery = nullptr;
  const char *mac = "";
#ifdef USE_CT002_BATTERIES
  if (shown > 0) {
    mac = this->batteries_.mac(shown - 1);
    for (uint8_t i = 0; battery == nullptr && this->emulator_.consumer(i, &consumer); i++) {
      if (mac[0] != '\0' && strcmp(consumer.key, mac) == 0)
        battery = &consumer;
    }
  }
#endif
  const View view{state, battery, mac, this->last_drop_, this->roster_.is_saturated(mac)};
  const uint8_t owner = shown == 0 ? HOUSE : shown - 1;
  for (Watcher *watcher : this->watchers_) {
    if (watcher->battery() == owner)
      watcher->refresh(view);
  }
#endif
}

void CT002Component::on_battery(BatteryEvent event, const char *key) {
  uint8_t place = 0;
#ifdef USE_CT002_BATTERIES
  const uint8_t battery = this->batteries_.find(key);
  if (battery != Batteries::NOT_TRACKED)
    place = this->batteries_.place(battery);
#endif
  this->battery_callback_.call(event, key, place);
}

#ifdef USE_CT002_SETTINGS

float CT002Component::setting(Setting setting, uint8_t battery) const {
  if (battery == HOUSE) {
#ifdef USE_CT002_HOUSE_SETTINGS
    return this->house_.value(setting);
#else
    return NAN;
#endif
  }
#ifdef USE_CT002_BATTERIES
  const float value = this->batteries_.value(battery, setting);
  return std::isnan(value) && setting == Setting::MIN_DC_OUTPUT ? this->emulator_.config().min_dc_output : value;
#else
  return NAN;
#endif
}

void CT002Component::change(Setting setting, uint8_t battery, float value) {
  // An action of `on_boot` comes before setup(), which must not undo it.
  this->begin();
  if (!is_allowed(setting, value)) {
    ESP_LOGW(TAG, "Setting not changed: %g is out of range", value);
    return;
  }
#ifdef USE_CT002_HOUSE_SETTINGS
  if (battery == HOUSE) {
    this->house_.change(setting, value, millis());
    return;
  }
#endif
#ifdef USE_CT002_BATTERIES
  if (!this->batteries_.change(battery, setting, value, millis()))
    this->log_no_room_(this->batteries_.mac(battery));
#endif
}

void CT002Component::change_by_name(Setting setting, const char *battery, float value) {
  this->begin();
#ifdef USE_CT002_BATTERIES
  const uint8_t index = this->batteries_.find(battery);
  if (index != Batteries::NOT_TRACKED) {
    this->change(setting, index, value);
    return;
  }
#endif
  char mac[13];
  if (!normalize_mac(battery, mac) || !is_allowed(setting, value)) {
    ESP_LOGW(TAG, "Setting of battery '%s' not changed: no such battery, or %g is out of range", battery, value);
    return;
  }
  Wishes wishes;
  const uint16_t which = set_wish(&wishes, setting, value);
  if (this->emulator_.set_override(nullwatt::text_of(mac), settings_of(wishes), which) !=
      nullwatt::SettingError::kNone) {
    this->log_no_room_(mac);
  }
}

void CT002Component::log_no_room_(const char *mac) {
  ESP_LOGW(TAG, "Setting of battery %s not changed: the core keeps those of %u batteries at most", mac,
           nullwatt::kMaxOverrides);
}

#endif

void CT002Component::force_rotation() {
  ct002_state state;
  this->emulator_.state(&state);
  if (!state.limiting)
    ESP_LOGI(TAG, "No rotation: efficiency mode parks no battery now");
  this->emulator_.force_rotation();
}

bool CT002Component::is_online(const char *battery) const {
  char mac[13];
  return this->roster_.is_there(this->mac_of_(battery, mac));
}

bool CT002Component::is_saturated(const char *battery) const {
  char mac[13];
  return this->roster_.is_saturated(this->mac_of_(battery, mac));
}

const char *CT002Component::mac_of_(const char *battery, char (&mac)[13]) const {
#ifdef USE_CT002_BATTERIES
  const uint8_t index = this->batteries_.find(battery);
  if (index != Batteries::NOT_TRACKED)
    return this->batteries_.mac(index);
#endif
  return normalize_mac(battery, mac) ? mac : "";
}

uint32_t CT002Component::core_ms_() const {
#ifdef USE_CT002_TEST_CONTROL
  return this->test_control_.core_ms();
#else
  return millis();
#endif
}

}  // namespace esphome::ct002
