#pragma once
// Glue between ESPHome and the core: sensors and datagrams in, replies and log lines out.
// What a battery is told is decided in ct002_core; nothing here knows the protocol.

#include <memory>

#include "esphome/components/ct002_core/emulator.h"
#include "esphome/components/sensor/sensor.h"
#include "esphome/components/socket/socket.h"
#include "esphome/core/component.h"
#include "esphome/core/defines.h"
#include "roster.h"
#ifdef USE_CT002_TEST_CONTROL
#include "test_control.h"
#endif

namespace esphome::ct002 {

inline constexpr uint8_t MAX_PHASES = 3;

class CT002Component final : public Component {
 public:
  void setup() override;
  void loop() override;
  void dump_config() override;
  // After WiFi: its socket needs the network stack, not a connection.
  float get_setup_priority() const override { return setup_priority::AFTER_WIFI; }

  /// Phases 0..2 in rising order. Watts, + = import.
  void set_power_sensor(uint8_t phase, sensor::Sensor *sensor);

  /// What turns the sensor's values into watts; 1 unless told otherwise.
  void set_power_factor(uint8_t phase, float factor) { this->phases_[phase].factor = factor; }
  /// The sensor has no unit: warns if its values look like kW.
  void watch_unit(uint8_t phase) { this->phases_[phase].unit_watch = UNIT_WATCH_VALUES; }
  /// Options that differ from their defaults, one per line, for the log.
  void set_changed_options(const char *lines) { this->changed_options_ = lines; }

  // One setter per row of the option table, named like the YAML key. They act at setup().
#define CT002_TEXT(group, key, value, choices, capacity, unit, help) \
  void set_##key(const char *text) { nullwatt::copy_text(nullwatt::text_of(text), this->config_.key, capacity); }
#define CT002_BOOL(group, key, value, low, high, unit, help) \
  void set_##key(bool on) { this->config_.key = on; }
#define CT002_INT(group, key, value, low, high, unit, help) \
  void set_##key(int32_t number) { this->config_.key = number; }
#define CT002_FLOAT(group, key, value, low, high, unit, help) \
  void set_##key(float number) { this->config_.key = number; }
#define CT002_SECONDS(group, key, value, low, high, unit, help) \
  void set_##key(int32_t milliseconds) { this->config_.key##_ms = milliseconds; }
  NULLWATT_OPTIONS(CT002_TEXT, CT002_BOOL, CT002_INT, CT002_FLOAT, CT002_SECONDS)
#undef CT002_TEXT
#undef CT002_BOOL
#undef CT002_INT
#undef CT002_FLOAT
#undef CT002_SECONDS

#ifdef USE_CT002_TEST_CONTROL
  void set_test_control_port(uint16_t port) { this->test_control_.set_port(port); }
#endif

 protected:
  struct PhaseInput {
    sensor::Sensor *sensor{nullptr};
    float factor{1.0f};
    uint32_t at_ms{0};  ///< real time of the last usable value
    bool usable{false};
    uint8_t unit_watch{0};  ///< values that are still to be looked at
    bool fraction_seen{false};
  };
  static constexpr uint8_t UNIT_WATCH_VALUES = 120;

  void on_power_(uint8_t phase, float value);
  void watch_unit_(uint8_t phase, float value);
  void dump_options_();
  void receive_();
  void answer_(const uint8_t *request, size_t size, const sockaddr *peer, socklen_t peer_size);
  void watch_meter_(const ct002_state &state);
  void watch_refusals_(const ct002_state &state);
  void log_meter_gone_();
  /// Time of the core: millis(), or the clock of the test channel.
  uint32_t core_ms_() const;

  nullwatt::Config config_{};
  nullwatt::Emulator emulator_{nullwatt::Config{}};
  Roster roster_;
  PhaseInput phases_[MAX_PHASES];
  const char *changed_options_{""};
  std::unique_ptr<socket::Socket> socket_;
  uint32_t ticked_ms_{0};
  uint32_t meter_warned_ms_{0};
  uint32_t refusals_warned_ms_{0};
  uint32_t refusals_told_{0};
  uint8_t phase_count_{0};
  bool meter_gone_{false};
  bool datagrams_left_{false};
#ifdef USE_CT002_TEST_CONTROL
  TestControl test_control_{this->emulator_};
#endif
};

}  // namespace esphome::ct002
