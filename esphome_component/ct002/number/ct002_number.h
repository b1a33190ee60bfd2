#pragma once

#include <cmath>

#include "esphome/components/ct002/ct002.h"
#include "esphome/components/number/number.h"

namespace esphome::ct002 {

class CT002Number final : public number::Number, public Watcher, public Parented<CT002Component> {
 public:
  CT002Number(CT002Component *parent, Setting setting) : Parented(parent), setting_(setting) {}
  /// What is shown where nothing is set; unknown unless told otherwise.
  void show_no_bound_as(float value) { this->no_bound_ = value; }
  void refresh(const View & /*view*/) override { this->show_(); }

 protected:
  void control(float value) override {
    this->parent_->change(this->setting_, this->battery_, value);
    this->show_();
  }
  void show_();

  Setting setting_;
  float no_bound_{NAN};
};

}  // namespace esphome::ct002
