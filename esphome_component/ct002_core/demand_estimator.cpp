#include "demand_estimator.h"

namespace nullwatt {

void DemandEstimator::sample(float grid_total_w, float pool_output_w) {
  demand_w_ = grid_total_w + pool_output_w;
  known_ = true;
}

void DemandEstimator::shift(float output_w) { demand_w_ += output_w; }

}  // namespace nullwatt
