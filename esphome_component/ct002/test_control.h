#pragma once
// Test channel: a second UDP socket through which a test suite injects meter values, moves the
// clock, changes options and reads the state. Only in builds with `test_control_port`.
//
// Rules
// 1. One datagram is one command, its reply starts with `ok` or `err`.
// 2. A command acts before any poll that was sent after it.
// 3. Additions of ours to the commands of the spec: `get KEY` answers with an option in force, in the unit of the
//    option table; `set KEY MAC VALUE` changes a setting of one battery, named as in the Python door (`weight`,
//    `max_charge`, ...), booleans as 0/1; `cfg` takes the options that are words, too.
// 4. The mock clock moves the core, never the age of the meter: that is judged here, in real time.

#include "esphome/core/defines.h"
#ifdef USE_CT002_TEST_CONTROL

#include <memory>

#include "esphome/components/ct002_core/emulator.h"
#include "esphome/components/socket/socket.h"

namespace esphome::ct002 {

class TestControl {
 public:
  explicit TestControl(nullwatt::Emulator &emulator) : emulator_(emulator) {}

  void set_port(uint16_t port) { this->port_ = port; }
  /// Opens the socket and takes the ageing of the meter over from the core.
  bool setup(int32_t max_sensor_age_ms);
  void dump_config() const;
  void run_commands();
  void age_meter();
  /// Whether a value of a sensor may reach the core.
  bool accept_sample(uint8_t phase, uint8_t count, bool usable);

  bool is_mocked() const { return this->mocked_; }
  /// Time of the core: the mock clock when it is on, else millis().
  uint32_t core_ms() const;

 protected:
  static constexpr size_t MAX_COMMAND = 127;
  static constexpr size_t MAX_REPLY = 64 + 128 * nullwatt::kMaxBatteries;
  static constexpr uint8_t MAX_WORDS = 4;

  void run_(char *command);
  bool run_grid_();
  bool run_clock_(bool advance);
  bool run_dedupe_();
  bool run_manual_target_();
  bool run_auto_target_();
  bool run_setting_();
  void run_option_();
  bool run_get_();
  void run_dump_();

  void split_(char *command);
  bool number_(uint8_t index, double *out) const;
  void override_(const char *mac, const nullwatt::Settings &settings, uint16_t which);
  void reply_(const char *format, ...) __attribute__((format(printf, 2, 3)));

  nullwatt::Emulator &emulator_;
  std::unique_ptr<socket::Socket> socket_;
  const char *words_[MAX_WORDS]{};
  uint8_t word_count_{0};
  uint16_t port_{0};
  uint32_t max_age_ms_{0};
  uint32_t sampled_ms_[3]{};
  bool fresh_[3]{};
  uint8_t phases_{0};
  bool meter_stale_{false};  ///< `sensor_stale`: nothing but `grid` brings the meter back
  bool mocked_{false};
  double mock_s_{0.0};
  size_t reply_size_{0};
  char reply_text_[MAX_REPLY];
};

}  // namespace esphome::ct002

#endif
