#include "law.h"

#include "law_dc_regulator.h"
#include "law_integrator.h"
#include "law_ramp.h"

namespace nullwatt {

LawState resting_law(LawKind kind, float gain, uint8_t rest_band_w, float power_w, PowerRange range) {
  LawState state;
  state.kind = kind;
  state.gain = gain;
  state.rest_band_w = rest_band_w;
  state.previous_output = static_cast<int32_t>(power_w);
  place_law(&state, power_w, range);
  for (float &earlier_w : state.earlier_w) earlier_w = state.setpoint_w;
  return state;
}

void step_law(LawState *state, int32_t reading, int32_t output, PowerRange range) {
  state->earlier_w[1] = state->earlier_w[0];
  state->earlier_w[0] = state->setpoint_w;
  switch (state->kind) {
    case LawKind::kRamp:
      step_ramp(state, reading, output, range);
      break;
    case LawKind::kIntegrator:
      step_integrator(state, reading, range);
      break;
    case LawKind::kIntegrator2:
      step_integrator2(state, reading, output, range);
      break;
    case LawKind::kDcRegulator:
      step_dc_regulator(state, reading, output, range);
      break;
    case LawKind::kIdeal:
      state->setpoint_w += static_cast<float>(reading);
      break;
    case LawKind::kGeneric:
      break;
  }
}

void place_law(LawState *state, float setpoint_w, PowerRange range) {
  float before_w = state->setpoint_w;
  state->setpoint_w = setpoint_w;
  if (state->kind == LawKind::kDcRegulator) place_dc_regulator(state, setpoint_w, range);
  for (float &earlier_w : state->earlier_w) earlier_w += state->setpoint_w - before_w;
}

}  // namespace nullwatt
