#pragma once

#include "esphome/components/ct002/ct002.h"
#include "esphome/components/switch/switch.h"

namespace esphome::ct002 {

class CT002Switch final : public switch_::Switch, public Watcher, public Parented<CT002Component> {
 public:
  CT002Switch(CT002Component *parent, Setting setting) : Parented(parent), setting_(setting) {}
  // What is the same is not published again.
  void refresh(const View & /*view*/) override { this->show_(); }

 protected:
  void write_state(bool state) override {
    this->parent_->change(this->setting_, this->battery_, state ? 1.0f : 0.0f);
    this->show_();
  }
  void show_() { this->publish_state(this->parent_->setting(this->setting_, this->battery_) != 0.0f); }

  Setting setting_;
};

}  // namespace esphome::ct002
