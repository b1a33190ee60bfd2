#pragma once
// Triggers, actions and conditions of the YAML.

#include <string>

#include "ct002.h"
#include "esphome/core/automation.h"

namespace esphome::ct002 {

/// A battery event: its MAC, and the number of its place (0 = it has none).
class BatteryTrigger final : public Trigger<std::string, uint8_t> {
 public:
  BatteryTrigger(CT002Component *parent, BatteryEvent event) {
    parent->add_on_battery_callback([this, event](BatteryEvent happened, const char *key, uint8_t place) {
      if (happened == event)
        this->trigger(key, place);
    });
  }
};

class MeterTrigger final : public Trigger<> {
 public:
  MeterTrigger(CT002Component *parent, bool available) {
    parent->add_on_meter_callback([this, available](bool is_available) {
      if (is_available == available)
        this->trigger();
    });
  }
};

#ifdef USE_CT002_SETTINGS
template<typename... Ts> class ChangeAction final : public Action<Ts...>, public Parented<CT002Component> {
 public:
  ChangeAction(CT002Component *parent, Setting setting) : Parented(parent), setting_(setting) {}
  void set_battery(uint8_t battery) { this->battery_ = battery; }
  TEMPLATABLE_VALUE(float, value)
  /// In the place of set_battery() where only run time knows the battery.
  TEMPLATABLE_VALUE(std::string, battery_name)

  void play(const Ts &...x) override {
    if (this->battery_name_.has_value()) {
      this->parent_->change_by_name(this->setting_, this->battery_name_.value(x...).c_str(), this->value_.value(x...));
    } else {
      this->parent_->change(this->setting_, this->battery_, this->value_.value(x...));
    }
  }

 protected:
  Setting setting_;
  uint8_t battery_{HOUSE};
};
#endif

template<typename... Ts> class ForceRotationAction final : public Action<Ts...>, public Parented<CT002Component> {
 public:
  explicit ForceRotationAction(CT002Component *parent) : Parented(parent) {}
  void play(const Ts &...x) override { this->parent_->force_rotation(); }
};

template<typename... Ts>
class MeterAvailableCondition final : public Condition<Ts...>, public Parented<CT002Component> {
 public:
  explicit MeterAvailableCondition(CT002Component *parent) : Parented(parent) {}
  bool check(const Ts &...x) override { return this->parent_->is_meter_available(); }
};

template<typename... Ts> class ActiveControlCondition final : public Condition<Ts...>, public Parented<CT002Component> {
 public:
  explicit ActiveControlCondition(CT002Component *parent) : Parented(parent) {}
  bool check(const Ts &...x) override { return this->parent_->is_active_control(); }
};

template<typename... Ts> class BatteryOnlineCondition final : public Condition<Ts...>, public Parented<CT002Component> {
 public:
  explicit BatteryOnlineCondition(CT002Component *parent) : Parented(parent) {}
  TEMPLATABLE_VALUE(std::string, battery)
  bool check(const Ts &...x) override { return this->parent_->is_online(this->battery_.value(x...).c_str()); }
};

template<typename... Ts>
class BatterySaturatedCondition final : public Condition<Ts...>, public Parented<CT002Component> {
 public:
  explicit BatterySaturatedCondition(CT002Component *parent) : Parented(parent) {}
  TEMPLATABLE_VALUE(std::string, battery)
  bool check(const Ts &...x) override { return this->parent_->is_saturated(this->battery_.value(x...).c_str()); }
};

}  // namespace esphome::ct002
