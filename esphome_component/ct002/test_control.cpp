#include "test_control.h"
#ifdef USE_CT002_TEST_CONTROL

#include <cinttypes>
#include <cmath>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "esphome/components/ct002_core/config_access.h"
#include "esphome/core/hal.h"
#include "esphome/core/log.h"
#include "udp_socket.h"

namespace esphome::ct002 {

static const char *const TAG = "ct002.test";

static constexpr char BLANKS[] = " \t\r\n";

bool TestControl::setup(int32_t max_sensor_age_ms) {
  this->max_age_ms_ = static_cast<uint32_t>(max_sensor_age_ms);
  nullwatt::Config config = this->emulator_.config();
  config.max_sensor_age_ms = 0;
  this->emulator_.reconfigure(config);
  this->socket_ = open_udp_socket(this->port_);
  if (this->socket_ == nullptr)
    ESP_LOGE(TAG, "Cannot listen on UDP port %u", this->port_);
  return this->socket_ != nullptr;
}

void TestControl::dump_config() const {
  ESP_LOGW(TAG, "  Test control port: %u. Anyone on the network can steer the batteries. For tests only!", this->port_);
}

void TestControl::run_commands() {
  char command[MAX_COMMAND + 2];
  sockaddr_storage peer;
  socklen_t peer_size = sizeof(peer);
  auto *peer_address = reinterpret_cast<sockaddr *>(&peer);
  ssize_t size;
  while ((size = this->socket_->recvfrom(command, sizeof(command) - 1, peer_address, &peer_size)) >= 0) {
    command[size] = '\0';
    if (static_cast<size_t>(size) > MAX_COMMAND)
      command[0] = '\0';
    this->run_(command);
    this->socket_->sendto(this->reply_text_, this->reply_size_, 0, peer_address, peer_size);
    peer_size = sizeof(peer);
  }
}

// -- meter and clock -----------------------------------------------------------------------

uint32_t TestControl::core_ms() const {
  if (!this->mocked_)
    return millis();
  // The counter wraps, the mock clock does not; half a millisecond absorbs what a decimal fraction lacks.
  const double range = 4294967296.0;
  double ms = std::fmod(std::floor(this->mock_s_ * 1000.0 + 0.5), range);
  if (ms < 0.0)
    ms += range;
  return static_cast<uint32_t>(ms);
}

bool TestControl::accept_sample(uint8_t phase, uint8_t count, bool usable) {
  if (this->meter_stale_)
    return false;
  this->phases_ = count;
  this->sampled_ms_[phase] = millis();
  this->fresh_[phase] = usable;
  return true;
}

void TestControl::age_meter() {
  if (this->max_age_ms_ == 0)
    return;
  for (uint8_t phase = 0; phase < this->phases_; phase++) {
    if (!this->fresh_[phase] || millis() - this->sampled_ms_[phase] <= this->max_age_ms_)
      continue;
    this->fresh_[phase] = false;
    this->emulator_.update_grid_phase(phase, this->phases_, NAN, this->core_ms());
  }
}

// -- commands ------------------------------------------------------------------------------

void TestControl::run_(char *command) {
  this->reply_size_ = 0;
  this->split_(command);
  const char *name = this->word_count_ > 0 ? this->words_[0] : "";
  const uint32_t now_ms = this->core_ms();
  bool known = true;
  if (strcmp(name, "grid") == 0) {
    known = this->run_grid_();
  } else if (strcmp(name, "clock_set") == 0) {
    known = this->run_clock_(false);
  } else if (strcmp(name, "clock_advance") == 0) {
    known = this->run_clock_(true);
  } else if (strcmp(name, "clock_real") == 0) {
    this->mocked_ = false;
    this->reply_("ok clock_real");
  } else if (strcmp(name, "sensor_stale") == 0) {
    this->meter_stale_ = true;
    this->emulator_.invalidate_grid(now_ms);
    this->reply_("ok sensor_stale");
  } else if (strcmp(name, "dedupe") == 0) {
    known = this->run_dedupe_();
  } else if (strcmp(name, "cfg") == 0) {
    this->run_option_();
  } else if (strcmp(name, "get") == 0) {
    known = this->run_get_();
  } else if (strcmp(name, "set_manual_target") == 0) {
    known = this->run_manual_target_();
  } else if (strcmp(name, "set_auto_target") == 0) {
    known = this->run_auto_target_();
  } else if (strcmp(name, "set") == 0) {
    known = this->run_setting_();
  } else if (strcmp(name, "force_rotation") == 0) {
    this->emulator_.force_rotation();
    this->reply_("ok force_rotation");
  } else if (strcmp(name, "evict") == 0) {
    this->emulator_.tick(now_ms);
    this->reply_("ok evict");
  } else if (strcmp(name, "dump") == 0) {
    this->run_dump_();
  } else {
    known = false;
  }
  if (!known)
    this->reply_("err unknown command");
}

bool TestControl::run_grid_() {
  float power_w[3] = {0.0f, 0.0f, 0.0f};
  if (this->word_count_ < 2)
    return false;
  for (uint8_t i = 0; i < 3 && i + 1 < this->word_count_; i++) {
    double value;
    if (!this->number_(i + 1, &value))
      return false;
    power_w[i] = static_cast<float>(value);
  }
  this->meter_stale_ = false;
  this->phases_ = 3;
  for (uint8_t i = 0; i < 3; i++) {
    this->sampled_ms_[i] = millis();
    this->fresh_[i] = std::isfinite(power_w[i]);
  }
  this->emulator_.update_grid(power_w, 3, this->core_ms());
  this->reply_("ok grid %.1f %.1f %.1f", power_w[0], power_w[1], power_w[2]);
  return true;
}

bool TestControl::run_clock_(bool advance) {
  double seconds;
  if (!this->number_(1, &seconds))
    return false;
  if (advance)
    seconds += this->mocked_ ? this->mock_s_ : millis() / 1000.0;
  if (!std::isfinite(seconds))
    return false;
  this->mocked_ = true;
  this->mock_s_ = seconds;
  this->reply_("ok %s %.3f", this->words_[0], seconds);
  return true;
}

bool TestControl::run_dedupe_() {
  double window_ms;
  if (!this->number_(1, &window_ms) || !(window_ms >= 0.0 && window_ms <= INT32_MAX))
    return false;
  this->emulator_.set_dedupe_window(static_cast<uint32_t>(window_ms));
  this->reply_("ok dedupe %" PRIu32, static_cast<uint32_t>(window_ms));
  return true;
}

bool TestControl::run_manual_target_() {
  double target_w;
  if (!this->number_(2, &target_w))
    return false;
  nullwatt::Settings settings;
  settings.manual_target_w = static_cast<float>(target_w);
  this->override_(this->words_[1], settings, nullwatt::kSetManualTarget);
  return true;
}

bool TestControl::run_auto_target_() {
  double automatic;
  if (!this->number_(2, &automatic))
    return false;
  nullwatt::Settings settings;
  settings.manual = automatic == 0.0;
  this->override_(this->words_[1], settings, nullwatt::kSetManual);
  return true;
}

/// A number that is no order becomes one that the core refuses.
static constexpr uint8_t as_order(float value) {
  return value >= 0.0f && value < UINT8_MAX ? static_cast<uint8_t>(value) : UINT8_MAX;
}

/// What `set` can change.
static constexpr struct {
  const char *key;
  nullwatt::SettingBit bit;
  void (*put)(nullwatt::Settings &settings, float value);
} SETTINGS[] = {
    {"active", nullwatt::kSetActive, [](nullwatt::Settings &s, float v) { s.active = v != 0.0f; }},
    {"manual", nullwatt::kSetManual, [](nullwatt::Settings &s, float v) { s.manual = v != 0.0f; }},
    {"manual_target", nullwatt::kSetManualTarget, [](nullwatt::Settings &s, float v) { s.manual_target_w = v; }},
    {"weight", nullwatt::kSetWeight, [](nullwatt::Settings &s, float v) { s.weight = v; }},
    {"window_weight", nullwatt::kSetWindowWeight, [](nullwatt::Settings &s, float v) { s.window_weight = v; }},
    {"min_dc_output", nullwatt::kSetMinDcOutput, [](nullwatt::Settings &s, float v) { s.min_dc_output_w = v; }},
    {"max_charge", nullwatt::kSetMaxCharge, [](nullwatt::Settings &s, float v) { s.max_charge_w = v; }},
    {"max_discharge", nullwatt::kSetMaxDischarge, [](nullwatt::Settings &s, float v) { s.max_discharge_w = v; }},
    {"start_power", nullwatt::kSetStartPower, [](nullwatt::Settings &s, float v) { s.start_power_w = v; }},
    {"charge_order", nullwatt::kSetChargeOrder, [](nullwatt::Settings &s, float v) { s.charge_order = as_order(v); }},
    {"discharge_order", nullwatt::kSetDischargeOrder,
     [](nullwatt::Settings &s, float v) { s.discharge_order = as_order(v); }},
};

bool TestControl::run_setting_() {
  double value;
  if (!this->number_(3, &value))
    return false;
  for (const auto &row : SETTINGS) {
    if (strcmp(this->words_[1], row.key) != 0)
      continue;
    nullwatt::Settings settings;
    row.put(settings, static_cast<float>(value));
    this->override_(this->words_[2], settings, row.bit);
    return true;
  }
  return false;
}

void TestControl::override_(const char *mac, const nullwatt::Settings &settings, uint16_t which) {
  const nullwatt::SettingError error = this->emulator_.set_override(nullwatt::text_of(mac), settings, which);
  this->reply_("%s %s %s", error == nullwatt::SettingError::kNone ? "ok" : "err", this->words_[0], this->words_[1]);
}

/// Options that make sense while running: everything in a sub-block, and these two.
static bool is_run_time_option(const char *key) {
  if (strcmp(key, "active_control") == 0 || strcmp(key, "consumer_ttl") == 0)
    return true;
  for (size_t i = 0; i < nullwatt::option_count(); i++) {
    const nullwatt::OptionInfo &option = nullwatt::option_at(i);
    if (strcmp(key, option.key) == 0)
      return option.group[0] != '\0';
  }
  return false;
}

void TestControl::run_option_() {
  if (this->word_count_ >= 3 && is_run_time_option(this->words_[1])) {
    nullwatt::Config config = this->emulator_.config();
    const nullwatt::Text key = nullwatt::text_of(this->words_[1]);
    double value;
    const nullwatt::OptionError error = this->number_(2, &value)
                                            ? nullwatt::set_option(&config, key, static_cast<float>(value))
                                            : nullwatt::set_option(&config, key, nullwatt::text_of(this->words_[2]));
    if (error == nullwatt::OptionError::kNone) {
      this->emulator_.reconfigure(config);
      this->reply_("ok cfg %s", this->words_[1]);
      return;
    }
  }
  this->reply_("err cfg (bad key or parse)");
}

bool TestControl::run_get_() {
  if (this->word_count_ < 2)
    return false;
  const nullwatt::Text key = nullwatt::text_of(this->words_[1]);
  float number;
  nullwatt::Text text;
  if (nullwatt::get_option(this->emulator_.config(), key, &number)) {
    this->reply_("ok get %s %g", this->words_[1], number);
    return true;
  }
  if (!nullwatt::get_option(this->emulator_.config(), key, &text))
    return false;
  this->reply_("ok get %s %.*s", this->words_[1], static_cast<int>(text.size), text.data);
  return true;
}

void TestControl::run_dump_() {
  ct002_state state;
  this->emulator_.state(&state);
  this->reply_("ok|smooth_target=%.3f", state.missing_w);
  ct002_consumer battery;
  for (uint8_t i = 0; this->emulator_.consumer(i, &battery); i++) {
    this->reply_("|%s,%c,%.1f,%.1f,%.4f,%u,%u,%.1f,%.1f,%.1f", battery.key, battery.phase, battery.instructed_w,
                 battery.reading_w, battery.saturation, battery.active, battery.manual, battery.power_w,
                 battery.target_w, battery.manual_target_w);
  }
}

// -- text ----------------------------------------------------------------------------------

void TestControl::split_(char *command) {
  this->word_count_ = 0;
  char *rest = command;
  for (char *word = strtok_r(command, BLANKS, &rest); word != nullptr && this->word_count_ < MAX_WORDS;
       word = strtok_r(nullptr, BLANKS, &rest)) {
    this->words_[this->word_count_++] = word;
  }
}

bool TestControl::number_(uint8_t index, double *out) const {
  if (index >= this->word_count_)
    return false;
  char *end;
  *out = strtod(this->words_[index], &end);
  return end != this->words_[index] && *end == '\0';
}

/// Appends to the reply; a piece that does not fit is left out as a whole.
void TestControl::reply_(const char *format, ...) {
  const size_t room = sizeof(this->reply_text_) - this->reply_size_;
  va_list arguments;
  va_start(arguments, format);
  const int size = vsnprintf(this->reply_text_ + this->reply_size_, room, format, arguments);
  va_end(arguments);
  if (size > 0 && static_cast<size_t>(size) < room)
    this->reply_size_ += size;
}

}  // namespace esphome::ct002

#endif
