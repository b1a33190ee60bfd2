#include "phase_values.h"

#include <cmath>

namespace nullwatt {
namespace {

/// Below this part of the phases' sizes their sum is mostly cancellation.
constexpr float kCancelling = 0.2f;

}  // namespace

void PhaseValues::spread(float wanted_w) {
  float sum_w = total_w();
  float size_w = std::fabs(power_w[0]) + std::fabs(power_w[1]) + std::fabs(power_w[2]);
  if (std::fabs(sum_w) > kCancelling * size_w) {
    for (float &phase_w : power_w) phase_w *= wanted_w / sum_w;
  } else {
    add(wanted_w - sum_w);
  }
}

void PhaseValues::add(float total_power_w) {
  if (count == 0) return;
  float share_w = total_power_w / static_cast<float>(count);
  for (uint8_t i = 0; i < count; i++) power_w[i] += share_w;
}

}  // namespace nullwatt
