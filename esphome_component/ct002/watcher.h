#pragma once
// How the state reaches the entities.

#include "esphome/components/ct002_core/emulator.h"
#include "setting.h"

namespace esphome::ct002 {

/// What there is to see, once a second.
struct View {
  const ct002_state &meter;
  const ct002_consumer *battery;  ///< the entity's battery; nullptr while it is not there, and for the house
  const char *mac;                ///< the battery's, there or not; empty = place still free
  nullwatt::DropReason last_drop;
  bool saturated;
};

/// An entity that shows something of it.
class Watcher {
 public:
  virtual void refresh(const View &view) = 0;

  void set_battery(uint8_t battery) { this->battery_ = battery; }
  uint8_t battery() const { return this->battery_; }

 protected:
  ~Watcher() = default;  // entities live for ever

  uint8_t battery_{HOUSE};
};

}  // namespace esphome::ct002
