#include "learnt_limit.h"

#include <cmath>

#include "numeric.h"

namespace nullwatt {
namespace {

constexpr float kFirstBeliefS = 20.0f;
constexpr float kLongestBeliefS = 600.0f;
constexpr float kSameW = 40.0f;
constexpr float kDisprovingW = 30.0f;
constexpr float kHastyS = 300.0f;

}  // namespace

void LearntLimit::advance(float seconds) {
  left_s_ = larger(0.0f, left_s_ - seconds);
  age_s_ = smaller(age_s_ + seconds, 1e6f);
}

void LearntLimit::learn(float power_w) {
  belief_s_ = met_at(power_w) ? smaller(kLongestBeliefS, 2.0f * belief_s_) : kFirstBeliefS;
  left_s_ = belief_s_;
  report_w_ = power_w;
  age_s_ = 0.0f;
  known_ = true;
  follow(power_w);
}

void LearntLimit::freeze(float power_w) {
  learn(power_w);
  power_w_ = power_w;
}

void LearntLimit::follow(float power_w) {
  known_ = true;
  power_w_ = power_w * sign_ > 0.0f ? power_w : 0.0f;
}

bool LearntLimit::disproved(float power_w, bool *hasty) {
  if (!known_ || (power_w - power_w_) * sign_ <= kDisprovingW) return false;
  *hasty = age_s_ < kHastyS;
  known_ = false;
  return true;
}

bool LearntLimit::met_at(float power_w) const { return known_ && std::fabs(power_w - report_w_) < kSameW; }

}  // namespace nullwatt
