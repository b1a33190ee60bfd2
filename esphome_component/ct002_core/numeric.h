#pragma once
// Small float helpers. Not from <cmath> or <algorithm>, so that nothing has to be linked for them.

#include <cstdint>

namespace nullwatt {

constexpr float smaller(float a, float b) { return a < b ? a : b; }
constexpr float larger(float a, float b) { return a > b ? a : b; }
constexpr float clamp(float value, float low, float high) { return value < low ? low : value > high ? high : value; }

constexpr int32_t magnitude(int32_t value) { return value < 0 ? -value : value; }

constexpr uint16_t doubled(uint16_t value, uint16_t most) {
  return value < most / 2 ? static_cast<uint16_t>(2 * value) : most;
}

}  // namespace nullwatt
