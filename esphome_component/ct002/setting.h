#pragma once
// What people change while the meter runs, through entities and actions. Values are floats in the unit that is shown;
// switches are 0 or 1.

#include <cstdint>

#include "esphome/components/ct002_core/overrides.h"

namespace esphome::ct002 {

enum class Setting : uint8_t {
  // of the house
  ACTIVE_CONTROL,
  GRID_TARGET,
  PEAK_SHAVING_THRESHOLD,
  MIN_EFFICIENT_POWER,
  // of a battery
  ACTIVE,
  AUTOMATIC,
  MANUAL_TARGET,
  WEIGHT,
  WINDOW_WEIGHT,  // %
  MIN_DC_OUTPUT,
  MAX_CHARGE,
  MAX_DISCHARGE,
  CHARGE_ORDER,
  DISCHARGE_ORDER,
  MODE,  // one of Mode
};

/// In the order of the select entity.
enum class Mode : uint8_t { AUTOMATIC, CHARGE_ONLY, DISCHARGE_ONLY, MANUAL, OFF };

inline constexpr uint8_t HOUSE_SETTINGS = 4;
/// In the place of a battery: the house itself.
inline constexpr uint8_t HOUSE = 255;

/// What is asked of one battery. This is also how it lies in flash: whoever changes a member gives `STORED_VERSION` a
/// new value and reads the old form.
struct Wishes {
  char mac[16]{};  ///< whose they are; empty = of whoever gets the place
  float manual_target_w{0.0f};
  float weight{1.0f};
  float window_weight{1.0f};     ///< 0..1
  float min_dc_output_w{-1.0f};  ///< negative = the option `min_dc_output`
  float max_charge_w{-1.0f};     ///< negative = no bound
  float max_discharge_w{-1.0f};
  uint8_t charge_order{0};
  uint8_t discharge_order{0};
  uint8_t active{1};
  uint8_t manual{0};
  uint8_t may_charge{1};
  uint8_t may_discharge{1};
  uint8_t unused[2]{};

  bool operator==(const Wishes &other) const = default;
};
inline constexpr uint32_t STORED_VERSION = 1;
static_assert(sizeof(Wishes) == 48, "what lies in flash would be read wrongly");

/// Whether the setting can have the value.
bool is_allowed(Setting setting, float value);

/// The value of a battery's setting; NAN where nothing is set and an option or the battery decides.
float wish(const Wishes &wishes, Setting setting);

/// Changes a battery's setting to an allowed value. Returns which of the core's settings that touches (SettingBit).
uint16_t set_wish(Wishes *wishes, Setting setting, float value);

/// The core's form of them.
nullwatt::Settings settings_of(const Wishes &wishes);

/// Decides when changes go to flash: once they are left alone, but not much later than they began.
class SaveTimer {
 public:
  void touch(uint32_t now_ms) {
    if (!this->running_)
      this->began_ms_ = now_ms;
    this->running_ = true;
    this->touched_ms_ = now_ms;
  }
  bool running() const { return this->running_; }
  bool due(uint32_t now_ms) const {
    return this->running_ && (now_ms - this->touched_ms_ >= QUIET_MS || now_ms - this->began_ms_ >= LONGEST_MS);
  }
  void stop() { this->running_ = false; }

 protected:
  static constexpr uint32_t QUIET_MS = 5000;
  // Whoever changes a setting every few seconds for ever must not wear the flash.
  static constexpr uint32_t LONGEST_MS = 600000;
  uint32_t began_ms_{0};
  uint32_t touched_ms_{0};
  bool running_{false};
};

}  // namespace esphome::ct002
