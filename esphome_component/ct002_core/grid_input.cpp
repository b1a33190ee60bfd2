#include "grid_input.h"

#include "clock.h"

namespace nullwatt {
namespace {

/// Beyond any house connection; what lies above it is as good as not finite, and sums stay finite.
constexpr float kMostW = 1e7f;

bool is_usable(float value) { return value >= -kMostW && value <= kMostW; }

}  // namespace

void GridInput::update(const float *power_w, uint8_t count, uint32_t now_ms) {
  if (count > 3) count = 3;
  for (uint8_t phase = 0; phase < count; phase++) update_phase(phase, count, power_w[phase], now_ms);
}

void GridInput::update_phase(uint8_t phase, uint8_t count, float power_w, uint32_t now_ms) {
  if (count > 3) count = 3;
  if (phase >= count) return;
  if (count != count_) {
    // Another meter: what is left of the old one must not leak into the new one's sum.
    for (uint8_t i = 0; i < 3; i++) {
      power_w_[i] = 0.0f;
      valid_[i] = false;
    }
    count_ = count;
  }
  valid_[phase] = is_usable(power_w);
  if (valid_[phase]) {
    power_w_[phase] = power_w;
    stamp_ms_[phase] = now_ms;
    pending_ = true;
  }
}

bool GridInput::settle(uint32_t now_ms) {
  bool all_valid = count_ > 0;
  for (uint8_t i = 0; i < count_; i++) {
    if (max_age_ms_ != 0 && valid_[i] && elapsed_ms(now_ms, stamp_ms_[i]) > max_age_ms_) valid_[i] = false;
    if (!valid_[i]) all_valid = false;
  }
  available_ = all_valid;
  if (!available_ || !pending_) return false;
  pending_ = false;
  sequence_++;
  if (max_age_ms_ != 0 && elapsed_ms(now_ms, filtered_ms_) > max_age_ms_) filters_.reset();
  filtered_ms_ = now_ms;
  filtered_.count = count_;
  for (uint8_t i = 0; i < 3; i++) filtered_.power_w[i] = power_w_[i];
  filters_.apply(&filtered_, now_ms);
  return true;
}

void GridInput::invalidate() {
  for (bool &valid : valid_) valid = false;
  pending_ = false;
  available_ = false;
}

uint32_t GridInput::age_ms(uint32_t now_ms) const {
  uint32_t oldest = 0;
  for (uint8_t i = 0; i < count_; i++) {
    uint32_t age = elapsed_ms(now_ms, stamp_ms_[i]);
    if (age > oldest) oldest = age;
  }
  return oldest;
}

}  // namespace nullwatt
