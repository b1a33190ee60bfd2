#pragma once

#include <cmath>

#include "esphome/components/ct002/watcher.h"
#include "esphome/components/sensor/sensor.h"

namespace esphome::ct002 {

/// What sensors show, each called like its key in the YAML. NAN = nothing to show.
namespace readings {
float grid_power(const View &view);
float grid_power_l1(const View &view);
float grid_power_l2(const View &view);
float grid_power_l3(const View &view);
float demand(const View &view);
float control_value(const View &view);
float pool_power(const View &view);
float batteries(const View &view);
float power(const View &view);
float target(const View &view);
float share(const View &view);
float saturation_charge(const View &view);
float saturation_discharge(const View &view);
float poll_interval(const View &view);
}  // namespace readings

class CT002Sensor final : public sensor::Sensor, public Watcher {
 public:
  explicit CT002Sensor(float (*reading)(const View &)) : reading_(reading) {}
  void refresh(const View &view) override;
  /// Filters that average need every value; without one, only changes are sent.
  void send_all() { this->send_all_ = true; }

 protected:
  float (*reading_)(const View &);
  float sent_{NAN};
  bool send_all_{false};
  bool sent_any_{false};
};

}  // namespace esphome::ct002
