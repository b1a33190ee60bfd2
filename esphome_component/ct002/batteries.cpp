#include "batteries.h"
#ifdef USE_CT002_BATTERIES

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "esphome/core/log.h"

namespace esphome::ct002 {

static const char *const TAG = "ct002";

/// Polls after which a battery is no accident.
static constexpr uint32_t KNOWN_POLLS = 5;
static constexpr uint16_t ALL_SETTINGS = nullwatt::kSetActive | nullwatt::kSetManual | nullwatt::kSetManualTarget |
                                         nullwatt::kSetWeight | nullwatt::kSetWindowWeight | nullwatt::kSetMinDcOutput |
                                         nullwatt::kSetMaxCharge | nullwatt::kSetMaxDischarge |
                                         nullwatt::kSetChargeOrder | nullwatt::kSetDischargeOrder;

void Batteries::add_place(uint8_t number) {
  Tracked battery{};
  battery.place = number;
  this->batteries_.push_back(battery);
}

void Batteries::add_mac(const char *mac) {
  Tracked battery{};
  strncpy(battery.wishes.mac, mac, sizeof(battery.wishes.mac) - 1);
  this->batteries_.push_back(battery);
}

void Batteries::setup() {
  for (Tracked &battery : this->batteries_) {
    const uint32_t version = fnv1_hash("ct002.battery") + STORED_VERSION;
    const uint32_t key = battery.place > 0 ? version + (battery.place << 8) : version ^ fnv1_hash(battery.wishes.mac);
    this->load_(&battery, key);
  }
}

void Batteries::load_(Tracked *battery, uint32_t key) {
  battery->stored = global_preferences->make_preference<Wishes>(key);
  Wishes stored;
  if (!battery->stored.load(&stored))
    return;
  stored.mac[sizeof(stored.mac) - 1] = '\0';
  // Two hashes may be equal.
  if (battery->place == 0 && strcmp(stored.mac, battery->wishes.mac) != 0)
    return;
  // By now the configuration may name the MAC that had the place.
  char mac[13];
  const bool is_free = stored.mac[0] == '\0';
  if (battery->place > 0 && !is_free && (!normalize_mac(stored.mac, mac) || this->find(stored.mac) != NOT_TRACKED))
    return;
  battery->wishes = stored;
  if (!this->hand_over_(*battery, ALL_SETTINGS)) {
    ESP_LOGW(TAG, "Stored settings of battery %s are not usable, they start anew", stored.mac);
    battery->wishes = Wishes();
    memcpy(battery->wishes.mac, stored.mac, sizeof(stored.mac));
  }
}

bool Batteries::hand_over_(const Tracked &battery, uint16_t which) {
  if (battery.wishes.mac[0] == '\0')
    return true;
  const nullwatt::SettingError error =
      this->emulator_.set_override(nullwatt::text_of(battery.wishes.mac), settings_of(battery.wishes), which);
  return error == nullwatt::SettingError::kNone;
}

// -- places --------------------------------------------------------------------------------

void Batteries::update(uint32_t now_ms) {
  this->fill_places_();
  if (this->save_timer_.due(now_ms))
    this->save();
}

void Batteries::fill_places_() {
  ct002_consumer consumer;
  for (uint8_t i = 0; this->emulator_.consumer(i, &consumer); i++) {
    char mac[13];
    // Only a MAC in the form that real batteries send; in another spelling it would be somebody else's every time.
    const bool is_mac = normalize_mac(consumer.key, mac) && strcmp(consumer.key, mac) == 0;
    if (consumer.polls < KNOWN_POLLS || !is_mac || this->find(mac) != NOT_TRACKED)
      continue;
    if (Tracked *battery = this->free_place_()) {
      this->settle_(battery, consumer);
    } else if (!this->full_told_ && this->last_place_() > 0) {
      this->full_told_ = true;
      ESP_LOGW(TAG,
               "Battery %s has no entities: all %u places are taken. Declare more, or press `forget` of a gone one",
               mac, this->last_place_());
    }
  }
}

uint8_t Batteries::last_place_() const {
  uint8_t last = 0;
  for (const Tracked &battery : this->batteries_)
    last = std::max(last, battery.place);
  return last;
}

Batteries::Tracked *Batteries::free_place_() {
  Tracked *first = nullptr;
  for (Tracked &battery : this->batteries_) {
    const bool is_free = battery.place > 0 && battery.wishes.mac[0] == '\0';
    if (is_free && (first == nullptr || battery.place < first->place))
      first = &battery;
  }
  return first;
}

void Batteries::settle_(Tracked *battery, const ct002_consumer &consumer) {
  strncpy(battery->wishes.mac, consumer.key, sizeof(battery->wishes.mac) - 1);
  if (!this->hand_over_(*battery, ALL_SETTINGS))
    ESP_LOGW(TAG, "The core has no room for settings of battery %s", battery->wishes.mac);
  // At once: whoever has a place must find it again.
  battery->stored.save(&battery->wishes);
  ESP_LOGI(TAG, "Battery %s is battery %u from now on", battery->wishes.mac, battery->place);
}

void Batteries::forget(uint8_t battery) {
  Tracked &tracked = this->batteries_[battery];
  ESP_LOGI(TAG, "Battery %s forgotten", tracked.wishes.mac[0] != '\0' ? tracked.wishes.mac : "(none)");
  Wishes fresh;
  memcpy(fresh.mac, tracked.wishes.mac, sizeof(fresh.mac));
  tracked.wishes = fresh;
  this->hand_over_(tracked, ALL_SETTINGS);
  if (tracked.place > 0)
    tracked.wishes.mac[0] = '\0';
  tracked.stored.save(&tracked.wishes);
  tracked.dirty = false;
  this->full_told_ = false;
}

uint8_t Batteries::find(const char *name) const {
  char mac[13];
  if (normalize_mac(name, mac)) {
    for (uint8_t i = 0; i < this->count(); i++) {
      if (strcmp(this->batteries_[i].wishes.mac, mac) == 0)
        return i;
    }
    return NOT_TRACKED;
  }
  char *end;
  const unsigned long number = strtoul(name, &end, 10);
  if (end == name || *end != '\0' || number == 0)
    return NOT_TRACKED;
  for (uint8_t i = 0; i < this->count(); i++) {
    if (this->batteries_[i].place == number)
      return i;
  }
  return NOT_TRACKED;
}

// -- settings ------------------------------------------------------------------------------

bool Batteries::change(uint8_t battery, Setting setting, float value, uint32_t now_ms) {
  Tracked &tracked = this->batteries_[battery];
  const Wishes old = tracked.wishes;
  const uint16_t which = set_wish(&tracked.wishes, setting, value);
  // Nothing new, nothing to write. Not by what is shown: a mode says less than what is behind it.
  if (old == tracked.wishes)
    return true;
  if (!this->hand_over_(tracked, which)) {
    tracked.wishes = old;
    return false;
  }
  tracked.dirty = true;
  this->save_timer_.touch(now_ms);
  return true;
}

void Batteries::save() {
  for (Tracked &battery : this->batteries_) {
    if (!battery.dirty)
      continue;
    battery.stored.save(&battery.wishes);
    battery.dirty = false;
    ESP_LOGD(TAG, "Settings of battery %s saved", battery.wishes.mac[0] != '\0' ? battery.wishes.mac : "to come");
  }
  this->save_timer_.stop();
}

void Batteries::dump_config() const {
  for (const Tracked &battery : this->batteries_) {
    if (battery.place > 0) {
      ESP_LOGCONFIG(TAG, "  Battery %u: %s", battery.place,
                    battery.wishes.mac[0] != '\0' ? battery.wishes.mac : "free");
    } else {
      ESP_LOGCONFIG(TAG, "  Battery %s", battery.wishes.mac);
    }
  }
}

}  // namespace esphome::ct002

#endif
