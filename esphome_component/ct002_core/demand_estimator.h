#pragma once
// What the house needs: the power the steered batteries would have to deliver together
// for the grid to read zero. demand = grid + output of the pool, W, + = the house draws.
//
// Taken once per meter sample and held between samples, so that a poll never answers
// the same sample twice.

#include <cstdint>

namespace nullwatt {

class DemandEstimator {
 public:
  /// A fresh meter sample, with the pool's summed reports at that moment.
  void sample(float grid_total_w, float pool_output_w);

  /// A battery joined (+ its output) or left (- its output) the pool: what it delivers
  /// moves between the two sides of the sum, the house itself did not change.
  void shift(float output_w);

  /// The meter is gone: what was known is not to be trusted after it returns.
  void reset() { known_ = false; }

  bool known() const { return known_; }
  float demand_w() const { return demand_w_; }

 private:
  float demand_w_ = 0.0f;
  bool known_ = false;
};

}  // namespace nullwatt
