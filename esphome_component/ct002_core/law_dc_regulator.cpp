#include "law_dc_regulator.h"

#include "numeric.h"

namespace nullwatt {
namespace {

// Calibration of the unit: command 60 -> 9 W, 1000 -> 168 W per channel.
constexpr int32_t kCommandOffset = 5;
constexpr int32_t kCommandStep = 100;
constexpr int32_t kHoldBandW = 10;
constexpr float kCommandPerWatt = 5.9f;
constexpr PowerRange kRange = range_of(LawKind::kDcRegulator);

/// Output of both channels at a command.
float output_w(int32_t command) {
  int32_t above = command > kCommandOffset ? command - kCommandOffset : 0;
  int32_t channel_w = above * 10 / 59;  // the firmware's own integer arithmetic
  return static_cast<float>(2 * channel_w);
}

int32_t command_for(float power_w) { return kCommandOffset + static_cast<int32_t>(power_w / 2.0f * kCommandPerWatt); }

int32_t floor_divide(int32_t value, int32_t divisor) {
  int32_t quotient = value / divisor;
  return value % divisor < 0 ? quotient - 1 : quotient;
}

}  // namespace

float step_dc_regulator(Poll poll, int16_t *command) {
  int32_t current = poll.output > 0 ? poll.output : 0;
  float wanted = clamp(static_cast<float>(current + floor_divide(poll.reading * 9, 10)), 0.0f, kRange.high_w);
  int32_t own = current / 2;
  int32_t per_channel = static_cast<int32_t>(wanted) / 2;
  int32_t next = *command;
  if (own > per_channel + kHoldBandW) {
    next -= kCommandStep;
  } else if (own < per_channel - kHoldBandW) {
    next += kCommandStep;
  }
  int32_t ceiling = command_for(kRange.high_w);
  *command = static_cast<int16_t>(next < 0 ? 0 : next > ceiling ? ceiling : next);
  return output_w(*command);
}

float place_dc_regulator(float power_w, int16_t *command) {
  *command = static_cast<int16_t>(command_for(clamp(power_w, 0.0f, kRange.high_w)));
  return output_w(*command);
}

}  // namespace nullwatt
