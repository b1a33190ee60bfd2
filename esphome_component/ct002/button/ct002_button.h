#pragma once

#include "esphome/components/button/button.h"
#include "esphome/components/ct002/ct002.h"

namespace esphome::ct002 {

/// What buttons do, each called like its key in the YAML.
namespace presses {
inline void force_rotation(CT002Component *parent, uint8_t /*battery*/) { parent->force_rotation(); }
inline void forget(CT002Component *parent, uint8_t battery) { parent->forget(battery); }
}  // namespace presses

class CT002Button final : public button::Button, public Parented<CT002Component> {
 public:
  CT002Button(CT002Component *parent, void (*press)(CT002Component *, uint8_t)) : Parented(parent), press_(press) {}
  void set_battery(uint8_t battery) { this->battery_ = battery; }

 protected:
  void press_action() override { this->press_(this->parent_, this->battery_); }

  void (*press_)(CT002Component *, uint8_t);
  uint8_t battery_{HOUSE};
};

}  // namespace esphome::ct002
