#pragma once
// Totals smaller than the deadband count as zero on every phase.

#include <cmath>

#include "config.h"
#include "phase_values.h"

namespace nullwatt {

class DeadbandFilter {
 public:
  /// Whether it is on.
  bool configure(const Config &config) {
    deadband_w_ = config.deadband;
    return deadband_w_ > 0.0f;
  }

  void apply(PhaseValues *values) const {
    if (!(std::fabs(values->total_w()) < deadband_w_)) return;
    for (float &power_w : values->power_w) power_w = 0.0f;
  }

 private:
  float deadband_w_ = 0.0f;
};

}  // namespace nullwatt
