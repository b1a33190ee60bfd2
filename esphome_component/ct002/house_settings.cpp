#include "house_settings.h"
#ifdef USE_CT002_HOUSE_SETTINGS

#include "esphome/core/helpers.h"
#include "esphome/core/log.h"

namespace esphome::ct002 {

static const char *const TAG = "ct002";

void HouseSettings::setup() {
  for (uint8_t i = 0; i < HOUSE_SETTINGS; i++) {
    const auto setting = static_cast<Setting>(i);
    Entry &entry = this->entries_[i];
    entry.configured = this->value(setting);
    if (!entry.kept)
      continue;
    entry.stored = global_preferences->make_preference<Stored>(fnv1_hash("ct002.house") + (STORED_VERSION << 8) + i);
    Stored stored;
    if (!entry.stored.load(&stored))
      continue;
    if (stored.configured != entry.configured) {
      // Overruled, and not to come back when the configuration does.
      stored = {entry.configured, entry.configured};
      entry.stored.save(&stored);
      continue;
    }
    if (is_allowed(setting, stored.value))
      this->apply_(setting, stored.value);
  }
}

float HouseSettings::value(Setting setting) const {
  const nullwatt::Config &config = this->emulator_.config();
  switch (setting) {
    case Setting::ACTIVE_CONTROL:
      return config.active_control ? 1.0f : 0.0f;
    case Setting::GRID_TARGET:
      return config.grid_target;
    case Setting::PEAK_SHAVING_THRESHOLD:
      return config.peak_shaving_threshold;
    default:
      return config.min_efficient_power;
  }
}

void HouseSettings::apply_(Setting setting, float value) {
  if (setting == Setting::ACTIVE_CONTROL) {
    this->emulator_.set_active_control(value != 0.0f);
    return;
  }
  nullwatt::Config config = this->emulator_.config();
  if (setting == Setting::GRID_TARGET) {
    config.grid_target = value;
  } else if (setting == Setting::PEAK_SHAVING_THRESHOLD) {
    config.peak_shaving_threshold = value;
  } else {
    config.min_efficient_power = value;
  }
  this->emulator_.tune(config);
}

void HouseSettings::change(Setting setting, float value, uint32_t now_ms) {
  if (this->value(setting) == value)
    return;
  this->apply_(setting, value);
  Entry &entry = this->entries_[static_cast<uint8_t>(setting)];
  if (!entry.kept)
    return;
  entry.dirty = true;
  this->save_timer_.touch(now_ms);
}

void HouseSettings::save() {
  for (uint8_t i = 0; i < HOUSE_SETTINGS; i++) {
    Entry &entry = this->entries_[i];
    if (!entry.dirty)
      continue;
    const Stored stored{entry.configured, this->value(static_cast<Setting>(i))};
    entry.stored.save(&stored);
    entry.dirty = false;
    ESP_LOGD(TAG, "Setting %u of the house saved", i);
  }
  this->save_timer_.stop();
}

}  // namespace esphome::ct002

#endif
