#include "overrides.h"

namespace nullwatt {
namespace {

constexpr Settings kDefaults{};
constexpr char kHex[] = "0123456789abcdef";

/// FNV-1a, 32 bit.
uint32_t hash_of(Text text) {
  uint32_t hash = 2166136261u;
  for (size_t i = 0; i < text.size; i++) hash = (hash ^ static_cast<uint8_t>(lower(text[i]))) * 16777619u;
  return hash;
}

}  // namespace

void make_key(Text name, char *key) {
  constexpr size_t kHashDigits = 8;
  bool fits = name.size < kKeySize;
  size_t n = fits ? name.size : kKeySize - 2 - kHashDigits;
  for (size_t i = 0; i < n; i++) key[i] = lower(name[i]);
  if (!fits) {
    key[n++] = '~';
    uint32_t hash = hash_of(name);
    for (size_t i = 0; i < kHashDigits; i++) key[n++] = kHex[(hash >> (28 - 4 * i)) & 0x0f];
  }
  key[n] = '\0';
}

bool same_key(const char *a, const char *b) {
  for (uint8_t i = 0; i < kKeySize; i++) {
    if (a[i] != b[i]) return false;
    if (a[i] == '\0') return true;
  }
  return true;
}

uint8_t OverrideTable::find(const char *key) const {
  for (uint8_t i = 0; i < count_; i++) {
    if (same_key(entries_[i].key, key)) return i;
  }
  return kNoSettings;
}

const Settings &OverrideTable::at(uint8_t place) const { return place < count_ ? entries_[place].settings : kDefaults; }

Settings *OverrideTable::edit(const char *key) {
  uint8_t place = find(key);
  if (place != kNoSettings) return &entries_[place].settings;
  if (count_ == kMaxOverrides) return nullptr;
  Entry &entry = entries_[count_++];
  copy_text(text_of(key), entry.key, kKeySize);
  return &entry.settings;
}

}  // namespace nullwatt
