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

const Settings &OverrideTable::of(const char *key) const {
  for (uint8_t i = 0; i < count_; i++) {
    if (same_key(entries_[i].key, key)) return entries_[i].settings;
  }
  return kDefaults;
}

Settings *OverrideTable::edit(const char *key) {
  for (uint8_t i = 0; i < count_; i++) {
    if (same_key(entries_[i].key, key)) return &entries_[i].settings;
  }
  if (count_ == kMaxOverrides) return nullptr;
  Entry &entry = entries_[count_++];
  copy_text(text_of(key), entry.key, kKeySize);
  return &entry.settings;
}

}  // namespace nullwatt
