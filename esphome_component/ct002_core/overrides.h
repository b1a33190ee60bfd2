#pragma once
// User settings per battery. They are keyed by MAC and outlive the battery's entry in the
// consumer table: a battery that comes back finds its settings, and settings may arrive
// before the battery does.

#include <cstdint>

#include "config.h"
#include "text.h"

namespace nullwatt {

inline constexpr uint8_t kKeySize = 32;

struct Settings {
  bool active = true;
  bool manual = false;
  float manual_target_w = 0.0f;
  float weight = 1.0f;            ///< 0..10, share of the load
  float window_weight = 1.0f;     ///< 0..1, share of the active time in efficiency mode
  float max_charge_w = -1.0f;     ///< most it may charge; 0 = it must not, negative = no bound
  float max_discharge_w = -1.0f;  ///< most it may discharge; 0 = it must not, negative = no bound
  float min_dc_output_w = -1.0f;  ///< negative = use the global option
  float start_power_w = -1.0f;    ///< least output its inverter starts with; negative = by its type
  uint8_t charge_order = 0;       ///< 0..15, who is charged first: lower before higher, equals share
  uint8_t discharge_order = 0;    ///< the same for discharging
};

/// Which settings a change carries; the others stay as they are.
enum SettingBit : uint16_t {
  kSetActive = 1,
  kSetManual = 2,
  kSetManualTarget = 4,
  kSetWeight = 8,
  kSetWindowWeight = 16,
  kSetMinDcOutput = 32,
  kSetMaxCharge = 64,
  kSetMaxDischarge = 128,
  kSetStartPower = 256,
  kSetChargeOrder = 512,
  kSetDischargeOrder = 1024,
};

inline constexpr uint8_t kLastOrder = 15;

inline constexpr uint8_t kNoSettings = 255;
static_assert(kMaxOverrides < kNoSettings, "places are counted in one byte");

class OverrideTable {
 public:
  /// Place of a battery's settings, kNoSettings if it has none. Places never change.
  uint8_t find(const char *key) const;
  /// The settings at a place; the defaults for kNoSettings.
  const Settings &at(uint8_t place) const;
  /// Entry of a battery, made if it has none; nullptr when the table is full.
  Settings *edit(const char *key);

 private:
  struct Entry {
    char key[kKeySize] = {};
    Settings settings;
  };
  Entry entries_[kMaxOverrides];
  uint8_t count_ = 0;
};

/// Lower-case key of a battery. Names that do not fit are shortened and end in a hash,
/// so that any two of them still differ.
void make_key(Text name, char *key);

bool same_key(const char *a, const char *b);

}  // namespace nullwatt
