#pragma once
// Answers the Marstek app through ESPHome's MQTT client, as a CT002 or CT003 does on the vendor's broker: somebody's
// relay connects the two. What is answered is decided in ct002_core/app_responder.h.

#include "esphome/core/defines.h"
#ifdef USE_CT002_MARSTEK_APP

#include <string>

#include "ct002.h"
#include "esphome/components/ct002_core/app_responder.h"
#include "esphome/core/component.h"

namespace esphome::ct002 {

class MarstekApp final : public Component, public Parented<CT002Component> {
 public:
  /// interval_ms: between two messages that nobody asked for; 0 = only answers.
  MarstekApp(CT002Component *parent, uint32_t interval_ms) : Parented(parent), pacer_(interval_ms) {}

  /// At most one message per pass: batteries come first.
  void loop() override;
  void dump_config() override;
  float get_setup_priority() const override { return setup_priority::AFTER_CONNECTION; }

 protected:
  void take_mac_();
  void on_poll_(const std::string &topic, const std::string &payload);
  nullwatt::Text ct_type_() const { return nullwatt::text_of(this->parent_->emulator().config().ct_type); }
  size_t write_answer_(char *out, size_t capacity) const;
  void publish_(uint8_t prefix);

  nullwatt::AppPacer pacer_;
  char mac_[13]{};  ///< under which it listens; empty = none is known yet
  nullwatt::AppPoll answering_{nullwatt::AppPoll::kNone};
  uint8_t told_{0};  ///< prefixes of the answer in work that have it
  bool connected_{false};
};

}  // namespace esphome::ct002

#endif
