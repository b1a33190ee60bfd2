#include "filter_chain.h"

namespace nullwatt {
namespace {

bool is_sane(const PhaseValues &values) {
  constexpr float kMostW = 1e9f;
  for (float power_w : values.power_w) {
    if (!(power_w >= -kMostW && power_w <= kMostW)) return false;
  }
  return true;
}

}  // namespace

void FilterChain::configure(const Config &config) {
  hampel_on_ = hampel_.configure(config);
  smoothing_on_ = smoothing_.configure(config);
  deadband_on_ = deadband_.configure(config);
  pid_on_ = pid_.configure(config);
}

void FilterChain::reset() {
  hampel_.reset();
  smoothing_.reset();
  pid_.reset();
}

void FilterChain::apply(PhaseValues *values, uint32_t now_ms) {
  PhaseValues before = *values;
  if (hampel_on_) hampel_.apply(values);
  if (smoothing_on_) smoothing_.apply(values);
  if (deadband_on_) deadband_.apply(values);
  if (is_sane(*values)) {
    before = *values;
  } else {
    *values = before;
  }
  if (pid_on_) pid_.apply(values, now_ms);
  if (!is_sane(*values)) *values = before;
}

}  // namespace nullwatt
