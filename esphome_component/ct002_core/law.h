#pragma once
// How a battery's firmware turns readings into a setpoint. Each law is a pure step over a
// small state, used alike to predict a battery and to choose what to send it.
//
// Signs: setpoint and output + = discharge, reading + = import. Watts; readings are integers
// because the wire carries integers.

#include <cstdint>

namespace nullwatt {

enum class LawKind : uint8_t {
  kRamp,         ///< HMG-50 without a CT greeting, Jupiter: gain-scheduled ramp behind a gate
  kIntegrator,   ///< older Venus D: integer integrator, no gate
  kIntegrator2,  ///< Venus A/D/E, HMG-50 with HME-4: the same behind a one-shot spike filter
  kDcRegulator,  ///< B2500: two DC channels stepping by a fixed amount
  kIdeal,        ///< the lab's yardstick: does exactly what it is told
  kGeneric,      ///< unknown: only what is in flight is counted
};

/// Range the firmware itself allows. low <= 0 <= high.
struct PowerRange {
  float low_w = -2500.0f;
  float high_w = 2500.0f;
};

struct LawState {
  LawKind kind = LawKind::kGeneric;
  uint8_t rest_band_w = 10;  ///< kIntegrator2: imports and exports below this are ignored at rest
  int8_t ramp = 0;           ///< kRamp: gain step, 0..-5
  bool spike_held = false;   ///< kIntegrator2: the last reading was held as a spike
  float gain = 1.0f;         ///< integrators: 0.3..1
  float setpoint_w = 0.0f;
  float earlier_w[2] = {0.0f, 0.0f};  ///< setpoints before the last step and the one before it
  union {
    int32_t last = 0;  ///< kRamp: last accepted reading
    int32_t command;   ///< kDcRegulator: PWM command of one channel; set by place_law
  };
  int32_t running_min = 0;       ///< kRamp
  int32_t reference = 0;         ///< kRamp: reading to which the step is measured
  int32_t previous_reading = 0;  ///< gates: reading before this one
  int32_t previous_output = 0;   ///< gates: own output at that time
};

/// Delays are counted in polls: a command shows in the next report, or one or two later.
inline constexpr uint8_t kDelays = 3;

/// The setpoint whose effect shows in the next report if commands act `delay` polls late.
inline float shown_setpoint_w(const LawState &state, uint8_t delay) {
  return delay == 0 ? state.setpoint_w : state.earlier_w[delay - 1];
}

/// State of a battery of that law that rests at `power_w`.
LawState resting_law(LawKind kind, float gain, uint8_t rest_band_w, float power_w, PowerRange range);

/// One poll: the firmware sees `reading` while its own output is `output`.
void step_law(LawState *state, int32_t reading, int32_t output, PowerRange range);

/// Moves the setpoint, and the earlier ones with it.
void place_law(LawState *state, float setpoint_w, PowerRange range);

}  // namespace nullwatt
