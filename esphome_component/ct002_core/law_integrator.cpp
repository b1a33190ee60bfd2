#include "law_integrator.h"

#include <cmath>

#include "numeric.h"

namespace nullwatt {
namespace {

constexpr int32_t kSpikeReadingW = 20;
constexpr int32_t kSpikeJumpW = 50;
constexpr int32_t kStillOutputW = 20;
constexpr int32_t kSmallImportW = 10;

}  // namespace

void step_integrator(LawState *state, int32_t reading, PowerRange range) {
  float setpoint_w = state->setpoint_w;
  float reading_w = static_cast<float>(reading);
  if (reading >= kIntegratorBandW) {
    setpoint_w += state->gain * reading_w - kIntegratorBiasW;
  } else if (reading < -10) {
    setpoint_w += state->gain * reading_w;
  } else if (reading < 0) {
    setpoint_w += reading_w - kIntegratorBiasW;
  }
  setpoint_w = clamp(static_cast<float>(static_cast<int32_t>(setpoint_w)), range.low_w, range.high_w);
  if (std::fabs(setpoint_w) < kIntegratorBandW && reading < kIntegratorBandW) setpoint_w = 0.0f;
  state->setpoint_w = setpoint_w;
}

bool is_spike(const LawState &state, int32_t reading, int32_t output) {
  return !state.spike_held && magnitude(reading) > kSpikeReadingW &&
         magnitude(reading - state.previous_reading) > kSpikeJumpW &&
         magnitude(output - state.previous_output) < kStillOutputW;
}

void step_integrator2(LawState *state, int32_t reading, int32_t output, PowerRange range) {
  bool spike = is_spike(*state, reading, output);
  bool passed = state->spike_held;
  state->previous_reading = reading;
  state->previous_output = output;
  state->spike_held = spike;
  if (spike) return;
  bool at_rest = magnitude(reading) < state->rest_band_w && output < 1;
  bool small_import = reading >= 0 && reading < kSmallImportW;
  // The sample after a spike passes every gate.
  if (!passed && (at_rest || small_import)) return;
  step_integrator(state, reading, range);
}

}  // namespace nullwatt
