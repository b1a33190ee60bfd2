#pragma once
// What the user can set, with the defaults of the option table, and what is fixed at build time.

#include <cstdint>

#include "options.h"

/// Batteries served at the same time. A build flag may change it; memory follows.
#ifndef CT002_MAX_BATTERIES
#define CT002_MAX_BATTERIES 16
#endif

namespace nullwatt {

inline constexpr uint8_t kMaxBatteries = CT002_MAX_BATTERIES;
/// User settings outlive the battery they belong to, so their table is larger.
inline constexpr uint8_t kMaxOverrides = 2 * CT002_MAX_BATTERIES;
/// Largest datagram read or sent. Real requests have about 60 bytes, replies about 110.
inline constexpr uint16_t kMaxDatagram = 256;

/// Milliseconds of an option written in seconds. Negative = not set. What the counter cannot
/// hold (above 24 days) becomes its longest time.
constexpr int32_t option_ms(float seconds) {
  constexpr float kRounding = 0.5f;
  constexpr float kLongestS = 2147483.0f;
  if (seconds < 0.0f) return -1;
  return seconds >= kLongestS ? INT32_MAX : static_cast<int32_t>(seconds * 1000.0f + kRounding);
}

struct Config {
#define NULLWATT_TEXT(group, key, value, choices, capacity, unit, help) char key[capacity] = value;
#define NULLWATT_BOOL(group, key, value, low, high, unit, help) bool key = value;
#define NULLWATT_INT(group, key, value, low, high, unit, help) int32_t key = value;
#define NULLWATT_FLOAT(group, key, value, low, high, unit, help) float key = value;
#define NULLWATT_SECONDS(group, key, value, low, high, unit, help) int32_t key##_ms = option_ms(value);
  NULLWATT_OPTIONS(NULLWATT_TEXT, NULLWATT_BOOL, NULLWATT_INT, NULLWATT_FLOAT, NULLWATT_SECONDS)
#undef NULLWATT_TEXT
#undef NULLWATT_BOOL
#undef NULLWATT_INT
#undef NULLWATT_FLOAT
#undef NULLWATT_SECONDS
};

}  // namespace nullwatt
