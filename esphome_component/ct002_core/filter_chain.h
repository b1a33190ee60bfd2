#pragma once
// What stands between the meter and the control, in fixed order: Hampel, smoothing, deadband, PID.
//
// Rules
// 1. One step per fresh meter sample; whoever only looks never steps a filter.
// 2. Values are finite when they come in and finite when they leave: a stage that would break that
//    (infinite gains, say) is passed by.
// 3. A stage that is not configured does nothing.

#include <cstdint>

#include "config.h"
#include "hampel.h"
#include "phase_values.h"
#include "pid.h"
#include "smoothing.h"

namespace nullwatt {

class FilterChain {
 public:
  void configure(const Config &config);
  void apply(PhaseValues *values, uint32_t now_ms);
  /// Forgets what it has seen: after a long outage, or when the control starts anew.
  void reset();

 private:
  HampelFilter hampel_;
  SmoothingFilter smoothing_;
  PidFilter pid_;
  float deadband_w_ = 0.0f;
  bool hampel_on_ = false;
  bool smoothing_on_ = false;
  bool pid_on_ = false;
};

}  // namespace nullwatt
