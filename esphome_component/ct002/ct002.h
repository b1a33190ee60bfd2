#pragma once
// Glue between ESPHome and the core: sensors and datagrams in, replies and log lines out.
// What a battery is told is decided in ct002_core; nothing here knows the protocol.

#include <memory>

#include "batteries.h"
#include "esphome/components/ct002_core/emulator.h"
#include "esphome/components/sensor/sensor.h"
#include "esphome/components/socket/socket.h"
#include "esphome/core/component.h"
#include "esphome/core/defines.h"
#include "esphome/core/helpers.h"
#include "house_settings.h"
#include "roster.h"
#include "setting.h"
#include "watcher.h"
#ifdef USE_CT002_TEST_CONTROL
#include "test_control.h"
#endif

namespace esphome::ct002 {

inline constexpr uint8_t MAX_PHASES = 3;

class CT002Component final : public Component, public RosterListener {
 public:
  void setup() override;
  void loop() override;
  void dump_config() override;
  void on_shutdown() override;
  void on_battery(BatteryEvent event, const char *key) override;
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

  // -- entities, actions and conditions

#ifdef USE_CT002_WATCHERS
  /// The battery's index, or HOUSE.
  void add_watcher(Watcher *watcher, uint8_t battery) {
    watcher->set_battery(battery);
    this->watchers_.push_back(watcher);
  }
#endif
#ifdef USE_CT002_BATTERIES
  void add_place(uint8_t number) { this->batteries_.add_place(number); }
  void add_mac(const char *mac) { this->batteries_.add_mac(mac); }
  void forget(uint8_t battery) { this->batteries_.forget(battery); }
#endif
#ifdef USE_CT002_HOUSE_SETTINGS
  void store_setting(Setting setting) { this->house_.store(setting); }
#endif
#ifdef USE_CT002_SETTINGS
  /// What is in force; NAN = no bound.
  float setting(Setting setting, uint8_t battery) const;
  /// Changes a setting of the house (HOUSE) or of a battery. Says in the log why it does not.
  void change(Setting setting, uint8_t battery, float value);
  /// The same by MAC or number of a place. Of a battery without entities nothing is stored.
  void change_by_name(Setting setting, const char *battery, float value);
#endif
  void force_rotation();

  // -- services beside the meter

  nullwatt::Emulator &emulator() { return this->emulator_; }
  uint8_t phase_count() const { return this->phase_count_; }
  /// What the meter says, unfiltered, in W; 0 for a phase without a fresh value. Three phases, whatever the meter has.
  void measured_power(float (&power_w)[MAX_PHASES]) const;
  /// The MAC under which the batteries know this meter; empty = they use any. Configured, or found by registration.
  const char *ct_mac() const { return this->emulator_.config().ct_mac; }
  /// The same for the Marstek app; without a MAC of the configuration or the cloud, the one that Bluetooth tells.
  const char *app_mac() const {
#ifdef USE_CT002_BLUETOOTH
    if (this->ct_mac()[0] == '\0')
      return this->bluetooth_id_;
#endif
    return this->ct_mac();
  }
#ifdef USE_CT002_BLUETOOTH
  /// 12 digits, kept by Bluetooth.
  void set_bluetooth_id(const char *id) { this->bluetooth_id_ = id; }
#endif
  /// From now on only polls for this MAC are answered.
  void take_ct_mac(const char *mac);
#ifdef USE_CT002_BLUETOOTH
  /// Bits 0..2: the clamp of phase A, B, C sits the wrong way round, so its values count with the opposite sign.
  void set_reversed_phases(uint8_t bits) { this->reversed_phases_ = bits; }
#endif
  /// Options and stored settings into the core, once; setup() and whatever acts on the core before it come first here.
  void begin();

  bool is_meter_available() const { return this->meter_seen_ && !this->meter_gone_; }
  bool is_active_control() const { return this->emulator_.config().active_control; }
  /// The battery has polled within its time to live.
  bool is_online(const char *battery) const;
  bool is_saturated(const char *battery) const;

  template<typename F> void add_on_battery_callback(F &&callback) {
    this->battery_callback_.add(std::forward<F>(callback));
  }
  /// Called with true when the meter is back, with false when it is lost.
  template<typename F> void add_on_meter_callback(F &&callback) {
    this->meter_callback_.add(std::forward<F>(callback));
  }

#ifdef USE_CT002_TEST_CONTROL
  void set_test_control_port(uint16_t port) { this->test_control_.set_port(port); }
#endif

 protected:
  struct PhaseInput {
    sensor::Sensor *sensor{nullptr};
    float factor{1.0f};
    float power_w{0.0f};  ///< last usable value
    uint32_t at_ms{0};    ///< real time of the last usable value
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
  void tick_(uint32_t now_ms);
  void show_next_();
  void log_no_room_(const char *mac);
  const char *mac_of_(const char *battery, char (&mac)[13]) const;
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
#ifdef USE_CT002_BLUETOOTH
  const char *bluetooth_id_{""};
#endif
  std::unique_ptr<socket::Socket> socket_;
  uint32_t ticked_ms_{0};
  uint32_t meter_warned_ms_{0};
  uint32_t refusals_warned_ms_{0};
  uint32_t refusals_told_{0};
  uint32_t drops_{0};  ///< datagrams without a reply since the last tick
  LazyCallbackManager<void(BatteryEvent, const char *, uint8_t)> battery_callback_;
  LazyCallbackManager<void(bool)> meter_callback_;
  uint8_t phase_count_{0};
  nullwatt::DropReason last_drop_{nullwatt::DropReason::kNone};
  bool meter_gone_{false};
  bool meter_seen_{false};
  bool begun_{false};
  bool datagrams_left_{false};
#ifdef USE_CT002_BLUETOOTH
  uint8_t reversed_phases_{0};
#endif
#ifdef USE_CT002_BATTERIES
  Batteries batteries_{this->emulator_};
#endif
#ifdef USE_CT002_HOUSE_SETTINGS
  HouseSettings house_{this->emulator_};
#endif
#ifdef USE_CT002_WATCHERS
  StaticVector<Watcher *, CT002_WATCHERS> watchers_;
  /// Whose entities come next: 0 = the house's, then the batteries'; behind them = all are done.
  uint8_t to_show_{0};
#endif
#ifdef USE_CT002_TEST_CONTROL
  TestControl test_control_{this->emulator_};
#endif
};

}  // namespace esphome::ct002
