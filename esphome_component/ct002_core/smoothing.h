#pragma once
// Exponential smoothing of the meter's total, with an optional limit on its change per sample.

#include "config.h"
#include "phase_values.h"

namespace nullwatt {

class SmoothingFilter {
 public:
  /// Whether it is on: `smoothing_alpha`, the weight of a new sample, is set (0 freezes, 1 passes).
  /// `smoothing_max_step`: largest change per sample, 0 = none.
  bool configure(const Config &config);
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
