#pragma once
// Small float helpers. Not from <cmath> or <algorithm>, so that nothing has to be linked for them.

#include <cstdint>

namespace nullwatt {

constexpr float smaller(float a, float b) { return a < b ? a : b; }
constexpr float larger(float a, float b) { return a > b ? a : b; }
constexpr float clamp(float value, float low, float high) { return value < low ? low : value > high ? high : value; }

/// Neither NaN nor infinite.
constexpr bool is_finite(float value) { return value >= -3.4028234e38f && value <= 3.4028234e38f; }

/// base^exponent for a base of 0 to 1 and an exponent of 0 to 60: what is left of something that shrinks by `base`
/// per second after `exponent` seconds.
inline float power(float base, float exponent) {
  float whole = 1.0f;
  for (int left = static_cast<int>(exponent); left > 0; left--) whole *= base;
  exponent -= static_cast<float>(static_cast<int>(exponent));
  // The rest by the binomial series of (1 - a)^x.
  float sum = 1.0f;
  float term = 1.0f;
  for (int k = 1; k <= 12; k++) {
    term *= (static_cast<float>(k - 1) - exponent) / static_cast<float>(k) * (1.0f - base);
    sum += term;
  }
  return whole * larger(sum, 0.0f);
}

constexpr int32_t magnitude(int32_t value) { return value < 0 ? -value : value; }

constexpr uint16_t doubled(uint16_t value, uint16_t most) {
  return value < most / 2 ? static_cast<uint16_t>(2 * value) : most;
}

}  // namespace nullwatt
