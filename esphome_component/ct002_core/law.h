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

constexpr PowerRange range_of(LawKind kind) {
  return kind == LawKind::kDcRegulator ? PowerRange{0.0f, 800.0f} : PowerRange{};
}

/// A law in the form that one firmware has. Stays from poll to poll.
struct Law {
  float gain = 1.0f;  ///< integrators: 0.3..1
  LawKind kind = LawKind::kGeneric;
  uint8_t rest_band_w = 10;  ///< kIntegrator2: imports and exports below this are ignored at rest
};

/// Delays are counted in polls: a command shows in the next report, or one or two later.
inline constexpr uint8_t kDelays = 3;

/// Where the output is to go: the setpoint, and what it was before the last step and the one before it.
struct Setpoints {
  float shown_w[kDelays] = {};  ///< [d]: the one whose effect shows next if commands act d polls late

  float setpoint_w() const { return shown_w[0]; }
};

/// What the firmware sees at a poll: a reading while its own output was that.
struct Poll {
  int16_t reading = 0;
  int16_t output = 0;
};

/// What a firmware remembers besides its setpoints. A law moves nobody else's fields, and what the
/// gates remember is the same for all: laws that are fed alike can share one memory.
struct LawMemory {
  Poll previous;            ///< gates
  bool spike_held = false;  ///< kIntegrator2: the previous reading was held as a spike
  int8_t ramp = 0;          ///< kRamp: gain step, 0..-5
  int16_t last = 0;         ///< kRamp: last accepted reading
  int16_t running_min = 0;  ///< kRamp
  int16_t reference = 0;    ///< kRamp: reading to which the step is measured
  int16_t dc_command = 0;   ///< kDcRegulator: PWM command of one channel; set by place_law
};

/// A law and where it stands.
struct LawState : Setpoints, Law {
  LawMemory memory;
};

/// State of a battery of that law that rests at `power_w`.
LawState resting_law(const Law &law, float power_w);

/// Memory of any battery that rests at `power_w`.
LawMemory resting_memory(float power_w);

/// One poll of a battery: the law acts on it, the gates remember it.
void step_law(LawState *state, Poll poll);

/// The law acts on a poll. The gates still know the one before, for the next law that shares the memory.
void act_on(Poll poll, const Law &law, Setpoints *setpoints, LawMemory *memory);

/// Moves the setpoint, and the earlier ones with it.
void place_law(LawKind kind, float setpoint_w, Setpoints *setpoints, LawMemory *memory);
inline void place_law(LawState *state, float setpoint_w) { place_law(state->kind, setpoint_w, state, &state->memory); }

}  // namespace nullwatt
