#pragma once
// Totals smaller than the deadband count as zero on every phase.

#include <cmath>

#include "phase_values.h"

namespace nullwatt {

inline void apply_deadband(float deadband_w, PhaseValues *values) {
  if (deadband_w <= 0.0f || !(std::fabs(values->total_w()) < deadband_w)) return;
  for (float &power_w : values->power_w) power_w = 0.0f;
}

}  // namespace nullwatt
