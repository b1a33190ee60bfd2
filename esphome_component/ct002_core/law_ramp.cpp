#include "law_ramp.h"

#include <cmath>

#include "numeric.h"

namespace nullwatt {
namespace {

constexpr int32_t kSpikeReadingW = 20;
constexpr int32_t kSpikeJumpW = 50;
constexpr int32_t kStillOutputW = 20;
constexpr int32_t kDeadbandW = 20;
constexpr int32_t kSmallImportW = 10;
constexpr float kWindowSlackW = 0.5f;
constexpr float kWindowBackW = 100.0f;
constexpr float kClampW = 2500.0f;
constexpr int kMaxRamp = 5;
// The counter runs from 0 to -5; positive positions of the firmware's table cannot be reached.
constexpr float kGainW[kMaxRamp + 1] = {50.23f, 50.12f, 60.02f, 180.30f, 350.41f, 410.35f};

}  // namespace

float ramp_gain_w(int position) { return kGainW[position < kMaxRamp ? position : kMaxRamp]; }

bool ramp_holds(const LawState &state, int32_t reading, int32_t output) {
  int32_t size = magnitude(reading);
  bool spike = size > kSpikeReadingW && magnitude(reading - state.previous_reading) > kSpikeJumpW &&
               magnitude(output - state.previous_output) < kStillOutputW;
  bool at_rest = size < kDeadbandW && output < 1;
  bool small_import = reading >= 0 && reading < kSmallImportW;
  return spike || at_rest || small_import;
}

void step_ramp(LawState *state, int32_t reading, int32_t output, PowerRange range) {
  bool held = ramp_holds(*state, reading, output);
  state->previous_reading = reading;
  state->previous_output = output;
  if (held) return;
  if (state->setpoint_w < range.low_w - kWindowSlackW) {
    state->ramp = -1;
    state->last = reading;
    state->setpoint_w = range.low_w + kWindowBackW;
    return;
  }
  if (state->setpoint_w > range.high_w + kWindowSlackW) {
    state->ramp = 0;
    state->last = reading;
    state->setpoint_w = range.high_w - kWindowBackW;
    return;
  }
  // The firmware compares as unsigned: an export counts as huge.
  int32_t minimum =
      static_cast<uint32_t>(state->running_min) < static_cast<uint32_t>(reading) ? state->running_min : reading;
  if (reading > state->last) {
    state->ramp = 0;
    state->reference = minimum;
    state->running_min = reading;
  } else {
    if (state->ramp > -kMaxRamp) state->ramp--;
    state->running_min = minimum;
  }
  // The difference of squares wraps in 32 bit; a negative one becomes so large that the gain decides.
  uint32_t square = static_cast<uint32_t>(reading) * static_cast<uint32_t>(reading) -
                    static_cast<uint32_t>(state->reference) * static_cast<uint32_t>(state->reference);
  float step_w = std::sqrt(static_cast<float>(square)) + 10.0f;
  step_w = smaller(smaller(step_w, kGainW[-state->ramp]), static_cast<float>(reading));
  state->last = reading;
  state->setpoint_w = clamp(state->setpoint_w + step_w, -kClampW, kClampW);
}

}  // namespace nullwatt
