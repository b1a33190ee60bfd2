#pragma once
// What stands between the meter and the control, in fixed order: Hampel, smoothing, deadband, PID.
//
// Rules
// 1. One step per fresh meter sample; whoever only looks never steps a filter.
// 2. Values are finite when they come in and finite when they leave: a stage that would break that
//    (infinite gains, say) is passed by.
// 3. A stage that is not configured does nothing. A host that knows its options when it builds can
//    leave stages out of the firmware with the flags below, which must be the same for every file.

#include <cstdint>

#include "config.h"
#include "deadband.h"
#include "hampel.h"
#include "phase_values.h"
#include "pid.h"
#include "smoothing.h"

namespace nullwatt {

/// In the place of a stage that is left out: no code, no memory.
struct NoFilter {
  bool configure(const Config & /*config*/) { return false; }
  template<typename... Args>
  void apply(Args... /*args*/) {}
  void reset() {}
};

#ifdef CT002_NO_HAMPEL
using HampelStage = NoFilter;
#else
using HampelStage = HampelFilter;
#endif
#ifdef CT002_NO_SMOOTHING
using SmoothingStage = NoFilter;
#else
using SmoothingStage = SmoothingFilter;
#endif
#ifdef CT002_NO_DEADBAND
using DeadbandStage = NoFilter;
#else
using DeadbandStage = DeadbandFilter;
#endif
#ifdef CT002_NO_PID
using PidStage = NoFilter;
#else
using PidStage = PidFilter;
#endif

class FilterChain {
 public:
  void configure(const Config &config);
  void apply(PhaseValues *values, uint32_t now_ms);
  /// Forgets what it has seen: after a long outage, or when the control starts anew.
  void reset();

 private:
  HampelStage hampel_;
  SmoothingStage smoothing_;
  DeadbandStage deadband_;
  PidStage pid_;
  bool hampel_on_ = false;
  bool smoothing_on_ = false;
  bool deadband_on_ = false;
  bool pid_on_ = false;
};

}  // namespace nullwatt
