#include "saturation.h"

#include <cmath>

#include "clock.h"
#include "numeric.h"

namespace nullwatt {
namespace {

/// An output smaller than this is none.
constexpr float kNothingW = 20.0f;
constexpr float kNoScore = 0.001f;
constexpr float kFirstS = 1.0f;
constexpr float kLongestS = 30.0f;

}  // namespace

void Saturation::restart(float grace_s) {
  *this = Saturation();
  grace_left_s_ = grace_s;
}

void Saturation::update(const SaturationRules &rules, float wanted_w, float power_w, float start_w, uint32_t now_ms) {
  float seconds = started_ ? static_cast<float>(elapsed_ms(now_ms, seen_ms_)) / 1000.0f : kFirstS;
  started_ = true;
  seen_ms_ = now_ms;
  if (!rules.enabled) score_[0] = score_[1] = 0.0f;
  if (!rules.enabled || seconds > kLongestS) return;
  float command_w = wanted_w - power_w;
  bool telling = std::fabs(command_w) >= rules.min_target_w && std::fabs(wanted_w) >= start_w;
  bool delivering = std::fabs(power_w) >= kNothingW;
  if (in_grace(rules, telling, wanted_w, power_w, seconds)) return;
  for (uint8_t direction = 0; direction < 2; direction++) {
    bool discharging = direction == 1;
    bool commanded = telling && (command_w > 0.0f) == discharging;
    float &score = score_[direction];
    if (commanded && !delivering) {
      score = 1.0f - power(1.0f - rules.rise, seconds) * (1.0f - score);
    } else if (score <= 0.0f) {
      continue;
    } else if (commanded && (power_w > 0.0f) == discharging) {
      score *= power(1.0f - rules.rise, seconds);
    } else {
      // Nothing asked of it in this direction, or it is still turning round.
      score *= power(rules.decay, seconds);
    }
    if (score < kNoScore) score = 0.0f;
  }
}

/// Within grace nothing is counted; it ends with the first power, or when waiting became pointless.
bool Saturation::in_grace(const SaturationRules &rules, bool telling, float wanted_w, float power_w, float seconds) {
  if (grace_left_s_ <= 0.0f) return false;
  grace_left_s_ -= seconds;
  if (std::fabs(power_w) >= kNothingW) {
    grace_left_s_ = 0.0f;
    return false;
  }
  if (telling) waiting_s_ += seconds;
  if (waiting_s_ >= rules.stall_s) {
    grace_left_s_ = 0.0f;
    condemn(wanted_w > 0.0f);
  }
  return true;
}

}  // namespace nullwatt
