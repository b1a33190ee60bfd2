#include "law_inversion.h"

#include <cmath>

#include "law_dc_regulator.h"
#include "law_integrator.h"
#include "law_ramp.h"
#include "law_spike_gate.h"
#include "numeric.h"
#include "whole_watts.h"

namespace nullwatt {
namespace {

constexpr float kMaxReading = 32000.0f;

int32_t rounded(float value) {
  value = clamp(value, -kMaxReading, kMaxReading);
  return static_cast<int32_t>(value < 0.0f ? value - 0.5f : value + 0.5f);
}

// -- ramp ----------------------------------------------------------------------------------

constexpr int kRollOutPolls = 6;

/// Sum of |remaining move| over the next polls if `first` is sent now and the follow-ups are the
/// best simple ones: the exact remainder, or riding on the ramp's own last reading.
float roll_out(const LawState &law, float move_w, int32_t first, int32_t output, bool idle) {
  LawMemory memory = law.memory;
  float setpoint_w = law.setpoint_w();
  float goal_w = setpoint_w + move_w;
  float cost = 0.0f;
  int32_t reading = first;
  int32_t predicted = output;
  for (int poll = 0; poll < kRollOutPolls; poll++) {
    float before_w = setpoint_w;
    Poll next{whole_watts(reading), whole_watts(predicted)};
    setpoint_w = step_ramp(setpoint_w, next, &memory);
    memory.previous = next;
    if (!idle) predicted += rounded(setpoint_w - before_w);
    float rest_w = goal_w - setpoint_w;
    cost += std::fabs(rest_w);
    reading = rounded(rest_w);
    // A fresh, larger reading restarts the ramp at its slowest step; riding on keeps its speed.
    if (reading > memory.last && memory.last >= 20 &&
        static_cast<float>(memory.last) > 0.25f * static_cast<float>(reading)) {
      reading = memory.last;
    }
  }
  return cost;
}

int32_t invert_ramp(const LawState &law, float move_w, const InversionContext &context) {
  bool producing = context.output >= 1;
  float least_w = producing ? 10.0f : 20.0f;  // below this the gate holds
  if (move_w > 0.0f ? move_w < (producing ? 6.0f : 7.0f) : move_w > (producing ? -3.0f : -12.0f)) return 0;
  float size_w = move_w > 0.0f ? larger(move_w, least_w) : larger(-move_w, producing ? 0.0f : 20.0f);
  int32_t wanted = rounded(move_w > 0.0f ? size_w : -size_w);
  if (magnitude(wanted) <= 20) return wanted;
  bool idle = magnitude(context.output) < 6;
  // The last reading did nothing although the gate should have let it pass: its edges lie elsewhere
  // than assumed. The same reading again passes any gate.
  int32_t last = context.last_reading;
  bool ignored = !idle && magnitude(last) >= 20 && context.moved_w > -3.0f && context.moved_w < 3.0f;
  if (ignored && (last > 0) == (wanted > 0) && magnitude(last) <= magnitude(wanted)) return last;
  int32_t best = wanted;
  float best_cost = roll_out(law, move_w, wanted, context.output, idle);
  int32_t previous = law.memory.previous.reading;
  const int32_t candidates[] = {
      previous + (wanted > 0 ? kSpikeJumpW : -kSpikeJumpW),  // just passes the spike gate
      law.memory.last,
      law.memory.last * 7 / 8,
      magnitude(previous) > 60 ? previous : wanted * 7 / 8,
  };
  for (int32_t candidate : candidates) {
    bool allowed = wanted > 0 ? candidate >= static_cast<int32_t>(least_w) && candidate < wanted
                              : candidate <= -static_cast<int32_t>(least_w) && candidate > wanted;
    if (!allowed) continue;
    float cost = roll_out(law, move_w, candidate, context.output, idle);
    if (cost >= best_cost - 1.0f) continue;
    best_cost = cost;
    best = candidate;
  }
  return best;
}

// -- integrators ---------------------------------------------------------------------------

int32_t invert_integrator(const LawState &law, float move_w) {
  if (move_w >= 6.0f) return rounded((move_w + kIntegratorBiasW) / law.gain);
  if (move_w <= -kIntegratorBandW) return -rounded(-move_w / law.gain);
  if (move_w <= -6.0f) return rounded(move_w + kIntegratorBiasW);
  return 0;
}

int32_t invert_integrator2(const LawState &law, float move_w, const InversionContext &context) {
  bool producing = context.output >= 1;
  float least_w = producing ? static_cast<float>(kIntegratorBandW) : static_cast<float>(law.rest_band_w);
  int32_t reading = 0;
  if (move_w >= 0.6f * least_w || (producing && move_w >= 6.0f)) {
    reading = rounded(larger((move_w + kIntegratorBiasW) / law.gain, least_w));
  } else if (move_w <= (producing ? -6.0f : -0.6f * least_w)) {
    bool small = move_w > -static_cast<float>(kIntegratorBandW) && producing;
    reading = small ? rounded(move_w + kIntegratorBiasW) : -rounded(larger(-move_w / law.gain, least_w));
  }
  // A small first step passes the spike filter where a large one would be held for a poll.
  Poll next{whole_watts(reading), whole_watts(context.output)};
  if (context.filter_certain && magnitude(context.output) > 6 && is_held_once(next, law.memory)) {
    int32_t first = law.memory.previous.reading + (reading > 0 ? kSpikeJumpW : -kSpikeJumpW);
    if ((first > 0) == (reading > 0) && magnitude(first) >= static_cast<int32_t>(least_w)) return first;
  }
  return reading;
}

// -- others --------------------------------------------------------------------------------

int32_t invert_dc_regulator(const LawState &law, float move_w) {
  constexpr float kWorthAStepW = 22.0f;
  constexpr float kSureReadingW = 30.0f;
  constexpr int32_t kLowestCommand = 105;  // one step above idle
  if (move_w > kWorthAStepW) return rounded(larger(kSureReadingW, move_w));
  if (move_w < -kWorthAStepW && law.memory.dc_command >= kLowestCommand)
    return -rounded(larger(kSureReadingW, -move_w));
  return 0;
}

/// Less than what a spike gate holds, with room for a gain that is not the usual one.
constexpr float kSawStepW = 35.0f;
constexpr float kSawFloorW = 120.0f;

/// Nothing is known: half of what is missing, large enough for any rest band, without the jumps
/// that a spike gate would hold.
int32_t invert_generic(float move_w, const InversionContext &context) {
  if (std::fabs(move_w) < 12.0f) return 0;
  // What leans on a limit, or comes back from one, does not get too far at once.
  bool leaning = context.maybe_wound && magnitude(context.output) < 6;
  float reading = clamp(leaning ? move_w : 0.5f * move_w, -400.0f, 400.0f);
  if (std::fabs(reading) < 21.0f) reading = move_w < 0.0f ? -21.0f : 21.0f;
  float last = static_cast<float>(context.last_reading);
  // The ramp firmware crawls at 10 W a poll when its reading stays at the reference; a little less sets it free.
  bool crawling = last >= 100.0f && reading > 0.8f * last && context.moved_w > 3.0f && context.moved_w < 16.0f;
  if (crawling) return static_cast<int32_t>(0.8f * last);
  // Pushed hard and not moving at all: it may be unwinding a setpoint far beyond a limit, where the ramp
  // needs readings that fall to get any faster. A slow saw does that for every law.
  bool stuck = context.maybe_wound && context.still && last * reading > 0.0f && std::fabs(last) >= 100.0f &&
               std::fabs(context.moved_w) < 3.0f;
  if (stuck) {
    float lower = last > 0.0f ? last - kSawStepW : last + kSawStepW;
    return static_cast<int32_t>(std::fabs(lower) >= kSawFloorW ? lower : reading);
  }
  if (context.still && last * reading > 0.0f) reading = clamp(reading, last - 50.0f, last + 50.0f);
  return static_cast<int32_t>(reading);
}

}  // namespace

int32_t invert_law(const LawState &law, float move_w, const InversionContext &context) {
  switch (law.kind) {
    case LawKind::kRamp:
      return invert_ramp(law, move_w, context);
    case LawKind::kIntegrator:
      return invert_integrator(law, move_w);
    case LawKind::kIntegrator2:
      return invert_integrator2(law, move_w, context);
    case LawKind::kDcRegulator:
      return invert_dc_regulator(law, move_w);
    case LawKind::kIdeal:
      return rounded(move_w);
    case LawKind::kGeneric:
      return invert_generic(move_w, context);
  }
  return 0;
}

}  // namespace nullwatt
