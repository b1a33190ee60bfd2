#include "ct002_binary_sensor.h"

namespace esphome::ct002 {

namespace signals {

bool meter_available(const View &view) { return view.meter.grid_available != 0; }
bool online(const View &view) { return view.battery != nullptr; }
bool saturated(const View &view) { return view.saturated; }

}  // namespace signals

void CT002BinarySensor::refresh(const View &view) {
  const bool value = this->signal_(view);
  if (this->sent_any_ && value == this->sent_)
    return;
  this->sent_ = value;
  this->sent_any_ = true;
  this->publish_state(value);
}

}  // namespace esphome::ct002
