#include "roster.h"

#include <cstring>

#include "esphome/core/log.h"

namespace esphome::ct002 {

static const char *const TAG = "ct002";

/// Names come from the network: control characters would let a sender forge log lines.
static void make_printable(char *text) {
  for (; *text != '\0'; text++) {
    if (*text < ' ' || *text > '~') *text = '?';
  }
}

void Roster::update(const nullwatt::Emulator &emulator) {
  for (Entry &entry : this->entries_) entry.present = false;
  ct002_consumer battery;
  // First who is still here, so that the places of those who left are free for the new ones.
  for (uint8_t i = 0; emulator.consumer(i, &battery); i++) {
    if (Entry *entry = this->find_(battery.key)) entry->present = true;
  }
  for (Entry &entry : this->entries_) {
    if (entry.key[0] == '\0' || entry.present) continue;
    make_printable(entry.key);
    ESP_LOGI(TAG, "Battery %s is silent", entry.key);
    entry.key[0] = '\0';
  }
  for (uint8_t i = 0; emulator.consumer(i, &battery); i++) {
    if (this->find_(battery.key) == nullptr) this->add_(battery);
  }
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
  make_printable(battery.key);
  make_printable(battery.device_type);
  ESP_LOGI(TAG, "Battery %s (%s) polls from %s, phase %c", battery.key, battery.device_type, battery.source,
           battery.phase);
}

}  // namespace esphome::ct002
