#pragma once
// The gain-scheduled ramp of HMG-50 and Jupiter: imports are answered with an accelerating,
// limited step, exports in full at once. A gate in front holds spikes and small readings.
// Constants observed on HMG-50.

#include "law.h"

namespace nullwatt {

/// Returns the setpoint after a poll.
float step_ramp(float setpoint_w, Poll poll, LawMemory *memory);

/// Largest step at gain position `position` 0..5 (higher ones count as 5), W.
float ramp_gain_w(int position);

}  // namespace nullwatt
