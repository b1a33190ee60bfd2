#pragma once
// The batteries that the configuration speaks of, and what is asked of each.
//
// Rules
// 1. A battery is named by its MAC, or by a place: `battery: 2` is the second one that turned up. Who has a place
//    keeps it, across restarts too, until `forget` frees it.
// 2. A place is given to a battery that has polled a few times, never to a single stray datagram.
// 3. What is asked of a battery outlives its absence and the power; flash is written when changes have ended.

#include "esphome/core/defines.h"
#ifdef USE_CT002_BATTERIES

#include "esphome/components/ct002_core/emulator.h"
#include "esphome/core/helpers.h"
#include "esphome/core/preferences.h"
#include "mac.h"
#include "setting.h"

namespace esphome::ct002 {

class Batteries {
 public:
  static constexpr uint8_t NOT_TRACKED = 254;

  explicit Batteries(nullwatt::Emulator &emulator) : emulator_(emulator) {}

  // Called by generated code, in the order of the indices that entities use.
  void add_place(uint8_t number);
  void add_mac(const char *mac);

  /// Reads what is stored and hands it to the core.
  void setup();
  /// Once a second: gives away free places, writes changes.
  void update(uint32_t now_ms);
  void save();
  void dump_config() const;

  uint8_t count() const { return this->batteries_.size(); }
  /// Lower-case MAC; empty while the place is free.
  const char *mac(uint8_t battery) const { return this->batteries_[battery].wishes.mac; }
  /// Number of the place; 0 = the configuration names its MAC.
  uint8_t place(uint8_t battery) const { return this->batteries_[battery].place; }
  /// By MAC, in any spelling, or number of a place; NOT_TRACKED if there is none.
  uint8_t find(const char *name) const;

  float value(uint8_t battery, Setting setting) const { return wish(this->batteries_[battery].wishes, setting); }
  /// False if the core has no room for another battery's settings.
  bool change(uint8_t battery, Setting setting, float value, uint32_t now_ms);
  /// Frees a place, and takes back what was asked of the battery in it.
  void forget(uint8_t battery);

 protected:
  struct Tracked {
    Wishes wishes;
    ESPPreferenceObject stored;
    uint8_t place;
    bool dirty;
  };

  void load_(Tracked *battery, uint32_t key);
  bool hand_over_(const Tracked &battery, uint16_t which);
  void fill_places_();
  uint8_t last_place_() const;
  Tracked *free_place_();
  void settle_(Tracked *battery, const ct002_consumer &consumer);

  nullwatt::Emulator &emulator_;
  StaticVector<Tracked, CT002_TRACKED_BATTERIES> batteries_;
  SaveTimer save_timer_;
  bool full_told_{false};
};

}  // namespace esphome::ct002

#endif
