#include "level_filter.h"

#include <cmath>

#include "numeric.h"

namespace nullwatt {
namespace {

constexpr float kMinJumpW = 35.0f;
constexpr float kJumpSigmas = 5.0f;
constexpr float kReturnS = 20.0f;
/// A hull wider than this says where the level may be; a wider one still says nothing inside it.
constexpr float kHullW = 15.0f;
constexpr float kBlindHullW = 100.0f;
constexpr float kInsideHullGain = 0.15f;
constexpr float kNoiseGain = 0.04f;
/// Mean of |difference of two normal values| to their sigma.
constexpr float kDifferenceToSigma = 0.89f;
/// Wanted standard error of the level, W: decides how many samples are averaged.
constexpr float kLevelErrorW = 3.0f;
constexpr float kMaxSamples = 40.0f;
constexpr float kSlopeGain = 0.25f;
constexpr float kMaxSlope = 6.0f;
constexpr float kCusumDrift = 0.5f;
constexpr float kCusumAlarm = 12.0f;
constexpr float kMaxAgeS = 1e6f;

}  // namespace

void LevelFilter::reset(float level_w) {
  *this = LevelFilter();
  level_w_ = level_w;
}

void LevelFilter::predict(float seconds) {
  level_w_ += slope_w_s_ * seconds;
  before_jump_w_ += slope_w_s_ * seconds;
  since_jump_s_ = smaller(since_jump_s_ + seconds, kMaxAgeS);
}

float LevelFilter::innovation(float best_w, float low_w, float high_w) const {
  float width_w = high_w - low_w;
  if (width_w <= kHullW) return best_w - level_w_;
  if (level_w_ < low_w) return low_w - level_w_;
  if (level_w_ > high_w) return high_w - level_w_;
  return width_w < kBlindHullW ? kInsideHullGain * (best_w - level_w_) : 0.0f;
}

bool LevelFilter::is_jump(float innovation_w) const {
  return std::fabs(innovation_w) > larger(kMinJumpW, kJumpSigmas * noise_w_);
}

void LevelFilter::jump(float innovation_w) {
  bool returned =
      since_jump_s_ < kReturnS && std::fabs(level_w_ + innovation_w - before_jump_w_) < larger(18.0f, 2.5f * noise_w_);
  if (returned) {
    level_w_ = before_jump_w_;
    samples_ = larger(2.0f, 0.5f * before_jump_samples_);
  } else {
    before_jump_w_ = level_w_;
    before_jump_samples_ = samples_;
    since_jump_s_ = 0.0f;
    level_w_ += innovation_w;
    samples_ = 1.0f;
  }
  up_ = down_ = Cusum();
  slope_w_s_ *= 0.8f;
}

bool LevelFilter::accumulate(Cusum *run, float score_step, float innovation_w) {
  run->score += score_step - kCusumDrift;
  if (run->score <= 0.0f) {
    *run = Cusum();
    return false;
  }
  run->sum_w += innovation_w;
  run->count += 1.0f;
  return run->score > kCusumAlarm;
}

void LevelFilter::track(float innovation_w, float seconds) {
  // Differences of innovations, not their size: a ramp must not look like noise.
  float spread_w = kDifferenceToSigma * std::fabs(innovation_w - previous_innovation_w_);
  noise_w_ += kNoiseGain * (clamp(spread_w, 2.0f, 200.0f) - noise_w_);
  previous_innovation_w_ = innovation_w;
  float error = noise_w_ / kLevelErrorW;
  float most = clamp(error * error, 4.0f, kMaxSamples);
  samples_ = smaller(samples_ + 1.0f, most);
  level_w_ += innovation_w / samples_;
  if (samples_ >= 0.7f * most && std::fabs(innovation_w) < 2.5f * noise_w_ + 5.0f) {
    slope_w_s_ = clamp(slope_w_s_ + kSlopeGain * innovation_w / (samples_ * samples_ * seconds), -kMaxSlope, kMaxSlope);
  }
  float score = innovation_w / larger(noise_w_, 3.0f);
  bool up = accumulate(&up_, score, innovation_w);
  bool down = accumulate(&down_, -score, innovation_w);
  if (!up && !down) return;
  Cusum *run = up ? &up_ : &down_;
  level_w_ += run->sum_w / run->count;
  samples_ = larger(1.0f, run->count);
  *run = Cusum();
}

void LevelFilter::shift(float power_w) {
  level_w_ += power_w;
  before_jump_w_ += power_w;
}

}  // namespace nullwatt
