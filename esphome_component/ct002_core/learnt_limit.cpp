#include "learnt_limit.h"

#include <cmath>

#include "numeric.h"
#include "whole_watts.h"

namespace nullwatt {
namespace {

constexpr uint16_t kFirstBeliefS = 20;
constexpr uint16_t kLongestBeliefS = 600;
constexpr float kSameW = 40.0f;
constexpr float kDisprovingW = 20.0f;
constexpr float kHastyS = 300.0f;

}  // namespace

void LearntLimit::learn(float power_w) {
  belief_s_ = met_at(power_w) ? doubled(belief_s_, kLongestBeliefS) : kFirstBeliefS;
  left_s_ = belief_s_;
  report_w_ = whole_watts(power_w);
  age_s_ = 0.0f;
  known_ = true;
  follow(power_w);
}

void LearntLimit::freeze(float power_w) {
  learn(power_w);
  power_w_ = whole_watts(power_w);
}

void LearntLimit::follow(float power_w) {
  known_ = true;
  power_w_ = outwards(power_w) > 0.0f ? whole_watts(power_w) : int16_t{0};
}

bool LearntLimit::disproved(float power_w, bool *hasty) {
  if (!known_ || outwards(power_w - limit_w()) <= kDisprovingW) return false;
  *hasty = age_s_ < kHastyS && believed();
  known_ = false;
  return true;
}

bool LearntLimit::met_at(float power_w) const {
  return known_ && std::fabs(power_w - static_cast<float>(report_w_)) < kSameW;
}

}  // namespace nullwatt
