#include "pid.h"

#include "clock.h"
#include "numeric.h"
#include "text.h"

namespace nullwatt {

bool PidFilter::configure(const Config &config) {
  gains_.kp = config.pid_kp;
  gains_.ki = config.pid_ki;
  gains_.kd = config.pid_kd;
  gains_.output_max_w = config.pid_output_max;
  gains_.replace = equal_ignoring_case(text_of(config.pid_mode), text_of("replace"));
  reset();
  return gains_.replace || gains_.kp != 0.0f || gains_.ki != 0.0f || gains_.kd != 0.0f;
}

void PidFilter::reset() {
  integral_ws_ = 0.0f;
  started_ = false;
}

/// Anti-windup: the integral grows no further than to where the output reaches its limit.
void PidFilter::integrate(float error_w, float proportional_w, float derivative_w, float seconds) {
  float wanted_ws = integral_ws_ + error_w * seconds;
  float output_w = proportional_w + gains_.ki * wanted_ws + derivative_w;
  bool unwinding = integral_ws_ * error_w < 0.0f;
  bool inside = output_w >= -gains_.output_max_w && output_w <= gains_.output_max_w;
  if (!inside && !unwinding && gains_.ki != 0.0f) {
    float bound_w = output_w > 0.0f ? gains_.output_max_w : -gains_.output_max_w;
    float bound_ws = (bound_w - proportional_w - derivative_w) / gains_.ki;
    float low_ws = smaller(integral_ws_, wanted_ws);
    wanted_ws = clamp(bound_ws, low_ws, larger(integral_ws_, wanted_ws));
  }
  integral_ws_ = wanted_ws;
}

void PidFilter::apply(PhaseValues *values, uint32_t now_ms) {
  float error_w = -values->total_w();
  float seconds = started_ ? static_cast<float>(elapsed_ms(now_ms, stepped_ms_)) / 1000.0f : 0.0f;
  float proportional_w = gains_.kp * error_w;
  float derivative_w = seconds > 0.0f ? gains_.kd * (error_w - error_w_) / seconds : 0.0f;
  if (seconds > 0.0f) integrate(error_w, proportional_w, derivative_w, seconds);
  started_ = true;
  error_w_ = error_w;
  stepped_ms_ = now_ms;
  float output_w = proportional_w + gains_.ki * integral_ws_ + derivative_w;
  output_w = clamp(output_w, -gains_.output_max_w, gains_.output_max_w);
  if (gains_.replace) {
    for (float &power_w : values->power_w) power_w = 0.0f;
  }
  values->add(output_w);
}

}  // namespace nullwatt
