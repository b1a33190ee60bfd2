#include "roster.h"

#include <cstring>

#include "esphome/core/hal.h"
#include "esphome/core/log.h"
#include "printable.h"

namespace esphome::ct002 {

static const char *const TAG = "ct002";

static constexpr uint32_t WINDOW_MS = 10000;
// The score at which efficiency mode replaces a battery by default, and well below it the way back.
static constexpr float SATURATED = 0.4f;
static constexpr float NOT_SATURATED = 0.2f;

void Roster::update(const nullwatt::Emulator &emulator, RosterListener *listener) {
  if (millis() - this->window_ms_ >= WINDOW_MS)
    this->sum_up_();
  for (Entry &entry : this->entries_)
    entry.present = false;
  ct002_consumer battery;
  // First who is still here, so that the places of those who left are free for the new ones.
  for (uint8_t i = 0; emulator.consumer(i, &battery); i++) {
    Entry *entry = this->find_(battery.key);
    if (entry == nullptr)
      continue;
    entry->present = true;
    this->judge_(entry, battery, listener);
  }
  for (Entry &entry : this->entries_) {
    if (entry.key[0] == '\0' || entry.present)
      continue;
    char key[nullwatt::kKeySize];
    memcpy(key, entry.key, sizeof(key));
    make_printable(key);
    // Who listens shall find it gone.
    entry.key[0] = '\0';
    if (this->may_name_()) {
      ESP_LOGI(TAG, "Battery %s is silent", key);
    } else {
      this->left_unnamed_++;
    }
    listener->on_battery(BatteryEvent::LOST, key);
  }
  for (uint8_t i = 0; emulator.consumer(i, &battery); i++) {
    if (this->find_(battery.key) == nullptr)
      this->add_(battery, listener);
  }
}

void Roster::judge_(Entry *entry, const ct002_consumer &battery, RosterListener *listener) {
  const bool saturated = battery.saturation >= (entry->saturated ? NOT_SATURATED : SATURATED);
  const bool begins = saturated && !entry->saturated;
  entry->saturated = saturated;
  if (!begins)
    return;
  char key[nullwatt::kKeySize];
  memcpy(key, entry->key, sizeof(key));
  make_printable(key);
  listener->on_battery(BatteryEvent::SATURATED, key);
}

bool Roster::is_saturated(const char *key) const { return this->is_there(key) && this->find_(key)->saturated; }

void Roster::sum_up_() {
  if (this->came_unnamed_ > 0 || this->left_unnamed_ > 0) {
    ESP_LOGI(TAG, "%u more batteries came, %u fell silent", this->came_unnamed_, this->left_unnamed_);
  }
  this->window_ms_ = millis();
  this->came_unnamed_ = this->left_unnamed_ = 0;
  this->named_ = 0;
}

bool Roster::may_name_() {
  if (this->named_ >= nullwatt::kMaxBatteries)
    return false;
  this->named_++;
  return true;
}

const Roster::Entry *Roster::find_(const char *key) const {
  for (const Entry &entry : this->entries_) {
    if (strcmp(entry.key, key) == 0)
      return &entry;
  }
  return nullptr;
}

void Roster::add_(ct002_consumer battery, RosterListener *listener) {
  Entry *entry = this->find_("");
  if (entry == nullptr)
    return;
  memcpy(entry->key, battery.key, sizeof(entry->key));
  entry->saturated = false;
  make_printable(battery.key);
  make_printable(battery.device_type);
  if (this->may_name_()) {
    ESP_LOGI(TAG, "Battery %s (%s) polls from %s, phase %c", battery.key, battery.device_type, battery.source,
             battery.phase);
  } else {
    this->came_unnamed_++;
  }
  listener->on_battery(BatteryEvent::APPEARED, battery.key);
}

}  // namespace esphome::ct002
