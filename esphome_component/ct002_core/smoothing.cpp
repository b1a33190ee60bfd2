#include "smoothing.h"

#include "numeric.h"

namespace nullwatt {
namespace {

/// When the total changes sign the filter catches up faster: a battery must not go on
/// discharging into a surplus because the average is still positive.
constexpr float kCatchUp = 4.0f;
constexpr float kMostCatchUp = 0.5f;

}  // namespace

bool SmoothingFilter::configure(const Config &config) {
  alpha_ = config.smoothing_alpha;
  max_step_w_ = config.smoothing_max_step;
  reset();
  return alpha_ >= 0.0f;
}

void SmoothingFilter::apply(PhaseValues *values) {
  float sum_w = values->total_w();
  if (!started_) {
    started_ = true;
    total_w_ = sum_w;
    return;
  }
  float alpha = alpha_;
  if ((sum_w > 0.0f) != (total_w_ > 0.0f)) alpha = larger(alpha, smaller(kMostCatchUp, kCatchUp * alpha));
  float step_w = alpha * (sum_w - total_w_);
  if (max_step_w_ > 0.0f) step_w = clamp(step_w, -max_step_w_, max_step_w_);
  total_w_ += step_w;
  values->spread(total_w_);
}

}  // namespace nullwatt
