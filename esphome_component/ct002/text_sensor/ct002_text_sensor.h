#pragma once

#include "esphome/components/ct002/watcher.h"
#include "esphome/components/text_sensor/text_sensor.h"

namespace esphome::ct002 {

inline constexpr size_t TEXT_SIZE = 48;

/// What text sensors show, each called like its key in the YAML. Empty = nothing to show.
namespace texts {
void last_drop_reason(const View &view, char (&text)[TEXT_SIZE]);
void phase(const View &view, char (&text)[TEXT_SIZE]);
void model(const View &view, char (&text)[TEXT_SIZE]);
void mac(const View &view, char (&text)[TEXT_SIZE]);
void address(const View &view, char (&text)[TEXT_SIZE]);
}  // namespace texts

class CT002TextSensor final : public text_sensor::TextSensor, public Watcher {
 public:
  explicit CT002TextSensor(void (*text)(const View &, char (&)[TEXT_SIZE])) : text_(text) {}
  void refresh(const View &view) override;

 protected:
  void (*text_)(const View &, char (&)[TEXT_SIZE]);
};

}  // namespace esphome::ct002
