#include "law_ramp.h"

#include <cmath>

#include "law_spike_gate.h"
#include "numeric.h"

namespace nullwatt {
namespace {

constexpr int32_t kDeadbandW = 20;
constexpr int32_t kSmallImportW = 10;
constexpr float kWindowSlackW = 0.5f;
constexpr float kWindowBackW = 100.0f;
constexpr PowerRange kRange = range_of(LawKind::kRamp);
constexpr int kMaxRamp = 5;
// The counter runs from 0 to -5; positive positions of the firmware's table cannot be reached.
constexpr float kGainW[kMaxRamp + 1] = {50.23f, 50.12f, 60.02f, 180.30f, 350.41f, 410.35f};

/// Whether the gate holds the reading, so that the setpoint stays.
bool holds(Poll poll, Poll previous) {
  bool at_rest = magnitude(poll.reading) < kDeadbandW && poll.output < 1;
  bool small_import = poll.reading >= 0 && poll.reading < kSmallImportW;
  return at_rest || small_import || looks_like_spike(poll, previous);
}

}  // namespace

float ramp_gain_w(int position) { return kGainW[position < kMaxRamp ? position : kMaxRamp]; }

float step_ramp(float setpoint_w, Poll poll, LawMemory *memory) {
  if (holds(poll, memory->previous)) return setpoint_w;
  int16_t reading = poll.reading;
  if (setpoint_w < kRange.low_w - kWindowSlackW) {
    memory->ramp = -1;
    memory->last = reading;
    return kRange.low_w + kWindowBackW;
  }
  if (setpoint_w > kRange.high_w + kWindowSlackW) {
    memory->ramp = 0;
    memory->last = reading;
    return kRange.high_w - kWindowBackW;
  }
  // The firmware compares as unsigned: an export counts as huge.
  bool below = static_cast<uint16_t>(reading) < static_cast<uint16_t>(memory->running_min);
  int16_t minimum = below ? reading : memory->running_min;
  if (reading > memory->last) {
    memory->ramp = 0;
    memory->reference = minimum;
    memory->running_min = reading;
  } else {
    if (memory->ramp > -kMaxRamp) memory->ramp--;
    memory->running_min = minimum;
  }
  // The difference of squares wraps in 32 bit; a negative one becomes so large that the gain decides.
  uint32_t square =
      static_cast<uint32_t>(reading * reading) - static_cast<uint32_t>(memory->reference * memory->reference);
  float step_w = std::sqrt(static_cast<float>(square)) + 10.0f;
  step_w = smaller(smaller(step_w, kGainW[-memory->ramp]), static_cast<float>(reading));
  memory->last = reading;
  return clamp(setpoint_w + step_w, kRange.low_w, kRange.high_w);
}

}  // namespace nullwatt
