#include "hampel.h"

#include <cmath>

#include "numeric.h"

namespace nullwatt {
namespace {

/// Standard deviation of a normal distribution per median absolute deviation.
constexpr float kSigmaPerMad = 1.4826f;

}  // namespace

bool HampelFilter::configure(const Config &config) {
  int32_t window = config.hampel_window;
  window_ = static_cast<uint8_t>(window < 1 ? 1 : window > kMaxWindow ? kMaxWindow : window);
  sigmas_ = config.hampel_n_sigma;
  floor_w_ = config.hampel_min_threshold;
  reset();
  return window > 0;
}

void HampelFilter::reset() {
  next_ = 0;
  count_ = 0;
  run_ = 0;
}

// Insertion sort of at most 64 values, four times per meter sample.
float HampelFilter::median(const float *values) const {
  float sorted[kMaxWindow] = {};
  for (uint8_t i = 0; i < window_; i++) {
    uint8_t at = i;
    for (; at > 0 && sorted[at - 1] > values[i]; at--) sorted[at] = sorted[at - 1];
    sorted[at] = values[i];
  }
  float upper = sorted[window_ / 2];
  return window_ % 2 != 0 ? upper : 0.5f * (sorted[window_ / 2 - 1] + upper);
}

float HampelFilter::limit_w(const float *values, float middle_w) const {
  float distance_w[kMaxWindow] = {};
  for (uint8_t i = 0; i < window_; i++) distance_w[i] = std::fabs(values[i] - middle_w);
  return larger(sigmas_ * kSigmaPerMad * median(distance_w), floor_w_);
}

void HampelFilter::apply(PhaseValues *values) {
  float sum_w = values->total_w();
  uint8_t place = next_;
  clean_w_[place] = raw_w_[place] = sum_w;
  next_ = static_cast<uint8_t>((next_ + 1) % window_);
  if (count_ < window_) count_++;
  if (count_ < window_) return;
  float middle_w = median(clean_w_);
  float off_w = std::fabs(sum_w - middle_w);
  float raw_limit_w = limit_w(raw_w_, median(raw_w_));
  float clean_limit_w = limit_w(clean_w_, middle_w);
  // Cleaned samples may all be alike; only raw ones that are, too, let everything pass.
  if (off_w <= clean_limit_w || (clean_limit_w <= 0.0f && raw_limit_w <= 0.0f)) {
    run_ = 0;
    return;
  }
  bool above = sum_w > middle_w;
  run_ = above == run_above_ ? static_cast<uint8_t>(run_ + 1) : uint8_t{1};
  run_above_ = above;
  if (run_ > window_ / 2) {
    for (uint8_t i = 0; i < window_; i++) clean_w_[i] = raw_w_[i];
    run_ = 0;
    return;
  }
  if (off_w <= raw_limit_w) return;
  clean_w_[place] = middle_w;
  values->spread(middle_w);
}

}  // namespace nullwatt
