#include "demand_estimator.h"

#include <cmath>

#include "clock.h"
#include "numeric.h"

namespace nullwatt {
namespace {

constexpr uint32_t kLatencyStepMs = 250;
constexpr float kLatencyStepS = 0.25f;
/// Meters are mostly about this late; other latencies start with a handicap that evidence outweighs.
constexpr float kLikelyLatencyS = 0.9f;
constexpr float kHandicapPerS = 0.4f;
constexpr float kUnlikelyCost = 6.0f;
/// Only samples in which the hypotheses clearly differ teach anything.
constexpr float kTellingW = 25.0f;
constexpr float kCostGain = 0.12f;
constexpr float kMaxCost = 150.0f;
/// Hypotheses this close to the best one are still plausible.
constexpr float kPlausible = 8.0f;
constexpr float kMinPulseJumpSamples = 3.0f;
constexpr float kPulseMarginS = 1.3f;
constexpr float kMaxLeadS = 15.0f;

float handicap(uint8_t hypothesis, uint8_t latencies) {
  return kHandicapPerS * std::fabs(static_cast<float>(hypothesis % latencies) * kLatencyStepS - kLikelyLatencyS);
}

}  // namespace

DemandEstimator::DemandEstimator() {
  for (uint8_t i = 0; i < kHypotheses; i++) {
    uint8_t latency = i % kLatencies;
    cost_[i] = latency >= 1 && latency <= 6 ? 0.0f : kUnlikelyCost;
  }
}

void DemandEstimator::sample(float grid_total_w, const PoolReports &pool, uint32_t sample_ms) {
  float seconds = clamp(static_cast<float>(elapsed_ms(sample_ms, sample_ms_)) / 1000.0f, 0.05f, 30.0f);
  sample_ms_ = sample_ms;
  float demand_w[kHypotheses];
  for (float &hypothesis_w : demand_w) hypothesis_w = grid_total_w;
  for (uint8_t member = 0; member < pool.count; member++) {
    pool.members[member]->add_outputs(sample_ms, kLatencyStepMs, kLatencies, demand_w, demand_w + kLatencies);
  }
  if (known_) {
    sample_interval_s_ += 0.2f * (seconds - sample_interval_s_);
    score(demand_w);
  }
  float best_cost = 1e9f;
  for (uint8_t i = 0; i < kHypotheses; i++) {
    float cost = cost_[i] + handicap(i, kLatencies);
    if (cost >= best_cost) continue;
    best_cost = cost;
    best_ = i;
  }
  float low_w = demand_w[best_];
  float high_w = demand_w[best_];
  for (uint8_t i = 0; i < kHypotheses; i++) {
    previous_w_[i] = demand_w[i];
    if (cost_[i] + handicap(i, kLatencies) > best_cost + kPlausible) continue;
    low_w = smaller(low_w, demand_w[i]);
    high_w = larger(high_w, demand_w[i]);
  }
  hull_w_ = high_w - low_w;
  if (known_) {
    follow(demand_w[best_], low_w, high_w, seconds, pool.poll_interval_s);
  } else {
    start(demand_w[best_]);
  }
}

void DemandEstimator::start(float demand_w) {
  filter_.reset(demand_w);
  doubted_w_ = 0.0f;
  hold_s_ = 0.0f;
  known_ = true;
}

/// A hypothesis under which demand moved more than under the quietest one has to explain that.
void DemandEstimator::score(const float *demand_w) {
  float least_w = 1e9f;
  float most_w = 0.0f;
  for (uint8_t i = 0; i < kHypotheses; i++) {
    float moved_w = std::fabs(demand_w[i] - previous_w_[i]);
    least_w = smaller(least_w, moved_w);
    most_w = larger(most_w, moved_w);
  }
  if (most_w - least_w <= kTellingW) return;
  for (uint8_t i = 0; i < kHypotheses; i++) {
    float excess_w = smaller(std::fabs(demand_w[i] - previous_w_[i]) - least_w, kMaxCost);
    cost_[i] += kCostGain * (excess_w - cost_[i]);
  }
}

void DemandEstimator::follow(float best_w, float low_w, float high_w, float seconds, float poll_interval_s) {
  float dead_s = dead_time_s(poll_interval_s);
  filter_.predict(seconds);
  held_level_w_ += filter_.slope_w_s() * seconds;
  hold_s_ -= seconds;
  jumps_.advance(seconds);
  float innovation_w = filter_.innovation(best_w, low_w, high_w);
  if (filter_.is_jump(innovation_w)) {
    float pulse_s = jumps_.expected_pulse_s(innovation_w, dead_s);
    if (pulse_s > 0.0f && hold_s_ <= 0.0f && filter_.samples() >= kMinPulseJumpSamples) {
      held_level_w_ = filter_.level_w();
      held_jump_w_ = innovation_w;
      hold_s_ = pulse_s + kPulseMarginS;
    }
    jumps_.add(innovation_w, filter_.level_w());
    doubted_w_ += (1.0f - jumps_.lasting_share()) * innovation_w;
    filter_.jump(innovation_w);
  } else {
    filter_.track(innovation_w, seconds);
  }
  jumps_.judge(filter_.level_w(), dead_s);
  if (jumps_.age_s() >= dead_s) doubted_w_ = 0.0f;
  float returned_w = larger(larger(25.0f, 2.5f * filter_.noise_w()), 0.2f * std::fabs(held_jump_w_));
  if (hold_s_ > 0.0f && std::fabs(filter_.level_w() - held_level_w_) < returned_w) hold_s_ = 0.0f;
}

/// Time from a change in the house to the earliest answer of a battery.
float DemandEstimator::dead_time_s(float poll_interval_s) const {
  return latency_s() + sample_interval_s_ + poll_interval_s;
}

void DemandEstimator::shift(float output_w) {
  for (float &previous_w : previous_w_) previous_w += output_w;
  filter_.shift(output_w);
  held_level_w_ += output_w;
}

float DemandEstimator::demand_w(uint32_t now_ms, float lead_s) const {
  float age_s = static_cast<float>(elapsed_ms(now_ms, sample_ms_)) / 1000.0f;
  float ahead_s = clamp(age_s + latency_s() + lead_s, 0.0f, kMaxLeadS);
  float level_w = hold_s_ > 0.0f ? held_level_w_ : filter_.level_w() - doubted_w_;
  return level_w + filter_.slope_w_s() * ahead_s;
}

float DemandEstimator::level_error_w() const { return filter_.noise_w() / std::sqrt(larger(1.0f, filter_.samples())); }

float DemandEstimator::latency_s() const { return static_cast<float>(best_ % kLatencies) * kLatencyStepS; }

float DemandEstimator::jump_age_s(uint32_t now_ms) const {
  return jumps_.age_s() + static_cast<float>(elapsed_ms(now_ms, sample_ms_)) / 1000.0f;
}

}  // namespace nullwatt
