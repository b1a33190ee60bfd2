#pragma once

#include "esphome/components/ct002/ct002.h"
#include "esphome/components/select/select.h"

namespace esphome::ct002 {

/// The mode of a battery; its options stand in the order of Mode.
class CT002Select final : public select::Select, public Watcher, public Parented<CT002Component> {
 public:
  CT002Select(CT002Component *parent, Setting setting) : Parented(parent), setting_(setting) {}
  void refresh(const View & /*view*/) override { this->show_(); }

 protected:
  void control(size_t index) override {
    this->parent_->change(this->setting_, this->battery_, static_cast<float>(index));
    this->show_();
  }
  void show_() {
    const auto index = static_cast<size_t>(this->parent_->setting(this->setting_, this->battery_));
    if (this->active_index() != index)
      this->publish_state(index);
  }

  Setting setting_;
};

}  // namespace esphome::ct002
