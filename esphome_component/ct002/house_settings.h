#pragma once
// Options that entities change while the meter runs. They live in the core; here they are stored.

#include "esphome/core/defines.h"
#ifdef USE_CT002_HOUSE_SETTINGS

#include "esphome/components/ct002_core/emulator.h"
#include "esphome/core/preferences.h"
#include "setting.h"

namespace esphome::ct002 {

class HouseSettings {
 public:
  explicit HouseSettings(nullwatt::Emulator &emulator) : emulator_(emulator) {}

  /// Only what has an entity is stored: what cannot be seen must not overrule the configuration.
  void store(Setting setting) { this->entries_[static_cast<uint8_t>(setting)].kept = true; }

  /// Puts what is stored in the place of what the configuration says, unless that has changed since.
  void setup();
  /// Once a second: writes changes.
  void update(uint32_t now_ms) {
    if (this->save_timer_.due(now_ms))
      this->save();
  }
  void save();

  float value(Setting setting) const;
  void change(Setting setting, float value, uint32_t now_ms);

 protected:
  struct Stored {
    float configured;  ///< what the configuration said
    float value;
  };
  struct Entry {
    ESPPreferenceObject stored;
    float configured;
    bool kept;
    bool dirty;
  };

  void apply_(Setting setting, float value);

  nullwatt::Emulator &emulator_;
  Entry entries_[HOUSE_SETTINGS]{};
  SaveTimer save_timer_;
};

}  // namespace esphome::ct002

#endif
