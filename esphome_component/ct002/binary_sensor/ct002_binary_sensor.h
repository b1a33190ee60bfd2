#pragma once

#include "esphome/components/binary_sensor/binary_sensor.h"
#include "esphome/components/ct002/watcher.h"

namespace esphome::ct002 {

/// What binary sensors show, each called like its key in the YAML.
namespace signals {
bool meter_available(const View &view);
bool online(const View &view);
bool saturated(const View &view);
}  // namespace signals

class CT002BinarySensor final : public binary_sensor::BinarySensor, public Watcher {
 public:
  explicit CT002BinarySensor(bool (*signal)(const View &)) : signal_(signal) {}
  void refresh(const View &view) override;

 protected:
  bool (*signal_)(const View &);
  bool sent_{false};
  bool sent_any_{false};
};

}  // namespace esphome::ct002
