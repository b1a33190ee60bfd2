#pragma once
// Exponential smoothing of the meter's total, with an optional limit on its change per sample.

#include "phase_values.h"

namespace nullwatt {

class SmoothingFilter {
 public:
  /// `alpha` 0..1: weight of a new sample (0 freezes, 1 passes). `max_step_w`: largest change per
  /// sample, 0 = none.
  void configure(float alpha, float max_step_w);
  void apply(PhaseValues *values);
  /// The next sample is passed on as it is.
  void reset() { started_ = false; }

 private:
  float alpha_ = 1.0f;
  float max_step_w_ = 0.0f;
  float total_w_ = 0.0f;
  bool started_ = false;
};

}  // namespace nullwatt
