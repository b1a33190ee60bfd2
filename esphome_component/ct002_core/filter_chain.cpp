#include "filter_chain.h"

#include "deadband.h"
#include "text.h"

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
  hampel_on_ = config.hampel_window > 0;
  hampel_.configure(static_cast<uint8_t>(config.hampel_window), config.hampel_n_sigma, config.hampel_min_threshold);
  smoothing_on_ = config.smoothing_alpha >= 0.0f;
  smoothing_.configure(config.smoothing_alpha, config.smoothing_max_step);
  deadband_w_ = config.deadband;
  PidGains gains;
  gains.kp = config.pid_kp;
  gains.ki = config.pid_ki;
  gains.kd = config.pid_kd;
  gains.output_max_w = config.pid_output_max;
  gains.replace = equal_ignoring_case(text_of(config.pid_mode), text_of("replace"));
  pid_on_ = gains.replace || gains.kp != 0.0f || gains.ki != 0.0f || gains.kd != 0.0f;
  pid_.configure(gains);
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
  apply_deadband(deadband_w_, values);
  if (is_sane(*values)) {
    before = *values;
  } else {
    *values = before;
  }
  if (pid_on_) pid_.apply(values, now_ms);
  if (!is_sane(*values)) *values = before;
}

}  // namespace nullwatt
