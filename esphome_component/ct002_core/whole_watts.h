#pragma once
// Watts as the wire carries them: whole, and so few that 16 bits hold them. No battery delivers
// more, and what is beyond becomes the most that fits.

#include <cstdint>

#include "numeric.h"

namespace nullwatt {

inline constexpr int16_t kMostWholeW = INT16_MAX;

constexpr int16_t whole_watts(int32_t power_w) {
  return static_cast<int16_t>(power_w > kMostWholeW ? kMostWholeW : power_w < -kMostWholeW ? -kMostWholeW : power_w);
}

constexpr int16_t whole_watts(float power_w) { return static_cast<int16_t>(clamp(power_w, -kMostWholeW, kMostWholeW)); }

}  // namespace nullwatt
