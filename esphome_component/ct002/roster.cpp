#include "roster.h"

#include <cstring>

#include "esphome/core/hal.h"
#include "esphome/core/log.h"

namespace esphome::ct002 {

static const char *const TAG = "ct002";

static constexpr uint32_t WINDOW_MS = 10000;

/// Names come from the network: control characters would let a sender forge log lines.
static void make_printable(char *text) {
  for (; *text != '\0'; text++) {
    if (*text < ' ' || *text > '~') *text = '?';
  }
}

void Roster::update(const nullwatt::Emulator &emulator) {
  if (millis() - this->window_ms_ >= WINDOW_MS) this->sum_up_();
  for (Entry &entry : this->entries_) entry.present = false;
  ct002_consumer battery;
  // First who is still here, so that the places of those who left are free for the new ones.
  for (uint8_t i = 0; emulator.consumer(i, &battery); i++) {
    if (Entry *entry = this->find_(battery.key)) entry->present = true;
  }
  for (Entry &entry : this->entries_) {
    if (entry.key[0] == '\0' || entry.present) continue;
    if (this->may_name_()) {
      make_printable(entry.key);
      ESP_LOGI(TAG, "Battery %s is silent", entry.key);
    } else {
      this->left_unnamed_++;
    }
    entry.key[0] = '\0';
  }
  for (uint8_t i = 0; emulator.consumer(i, &battery); i++) {
    if (this->find_(battery.key) == nullptr) this->add_(battery);
  }
}

void Roster::sum_up_() {
  if (this->came_unnamed_ > 0 || this->left_unnamed_ > 0) {
    ESP_LOGI(TAG, "%u more batteries came, %u fell silent", this->came_unnamed_, this->left_unnamed_);
  }
  this->window_ms_ = millis();
  this->came_unnamed_ = this->left_unnamed_ = 0;
  this->named_ = 0;
}

bool Roster::may_name_() {
  if (this->named_ >= nullwatt::kMaxBatteries) return false;
  this->named_++;
  return true;
}

Roster::Entry *Roster::find_(const char *key) {
  for (Entry &entry : this->entries_) {
    if (strcmp(entry.key, key) == 0) return &entry;
  }
  return nullptr;
}

void Roster::add_(ct002_consumer battery) {
  Entry *entry = this->find_("");
  if (entry == nullptr) return;
  memcpy(entry->key, battery.key, sizeof(entry->key));
  if (!this->may_name_()) {
    this->came_unnamed_++;
    return;
  }
  make_printable(battery.key);
  make_printable(battery.device_type);
  ESP_LOGI(TAG, "Battery %s (%s) polls from %s, phase %c", battery.key, battery.device_type, battery.source,
           battery.phase);
}

}  // namespace esphome::ct002
