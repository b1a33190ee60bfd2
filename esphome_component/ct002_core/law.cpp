#include "law.h"

#include "law_dc_regulator.h"
#include "law_integrator.h"
#include "law_ramp.h"
#include "law_spike_gate.h"
#include "whole_watts.h"

namespace nullwatt {

LawMemory resting_memory(float power_w) {
  LawMemory memory;
  memory.previous.output = whole_watts(power_w);
  return memory;
}

LawState resting_law(const Law &law, float power_w) {
  LawState state;
  static_cast<Law &>(state) = law;
  state.memory = resting_memory(power_w);
  place_law(&state, power_w);
  return state;
}

void act_on(Poll poll, const Law &law, Setpoints *setpoints, LawMemory *memory) {
  for (uint8_t delay = kDelays - 1; delay > 0; delay--) setpoints->shown_w[delay] = setpoints->shown_w[delay - 1];
  float *setpoint_w = &setpoints->shown_w[0];
  switch (law.kind) {
    case LawKind::kRamp:
      *setpoint_w = step_ramp(*setpoint_w, poll, memory);
      break;
    case LawKind::kIntegrator:
      *setpoint_w = step_integrator(*setpoint_w, law.gain, poll.reading);
      break;
    case LawKind::kIntegrator2:
      *setpoint_w = step_integrator2(*setpoint_w, law, poll, *memory);
      break;
    case LawKind::kDcRegulator:
      *setpoint_w = step_dc_regulator(poll, &memory->dc_command);
      break;
    case LawKind::kIdeal:
      *setpoint_w += static_cast<float>(poll.reading);
      break;
    case LawKind::kGeneric:
      break;
  }
}

void step_law(LawState *state, Poll poll) {
  act_on(poll, *state, state, &state->memory);
  pass_gates(poll, &state->memory);
}

void place_law(LawKind kind, float setpoint_w, Setpoints *setpoints, LawMemory *memory) {
  if (kind == LawKind::kDcRegulator) setpoint_w = place_dc_regulator(setpoint_w, &memory->dc_command);
  float move_w = setpoint_w - setpoints->setpoint_w();
  setpoints->shown_w[0] = setpoint_w;
  for (uint8_t delay = 1; delay < kDelays; delay++) setpoints->shown_w[delay] += move_w;
}

}  // namespace nullwatt
