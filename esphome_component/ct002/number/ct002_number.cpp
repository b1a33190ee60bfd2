#include "ct002_number.h"

#include <cmath>

namespace esphome::ct002 {

void CT002Number::show_() {
  float value = this->parent_->setting(this->setting_, this->battery_);
  // No bound: as good as the highest one.
  if (std::isnan(value))
    value = this->traits.get_max_value();
  if (!this->has_state() || value != this->state)
    this->publish_state(value);
}

}  // namespace esphome::ct002
