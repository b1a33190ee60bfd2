#include "ct002_number.h"

#include <cmath>

namespace esphome::ct002 {

void CT002Number::show_() {
  float value = this->parent_->setting(this->setting_, this->battery_);
  if (std::isnan(value))
    value = this->no_bound_;
  const bool same = value == this->state || (std::isnan(value) && std::isnan(this->state));
  if (!same || !this->has_state())
    this->publish_state(value);
}

}  // namespace esphome::ct002
