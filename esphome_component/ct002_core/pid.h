#pragma once
// A PID controller on the meter's total, for relay mode: its output is added to the reading (bias)
// or takes its place (replace). Error = -total.
//
// In replace mode the sign is opposite to a reading: with kp 1 an import of 500 W becomes -500.
// That is how the option always worked; with active control it is a mistake.

#include <cstdint>

#include "config.h"
#include "phase_values.h"

namespace nullwatt {

struct PidGains {
  float kp = 0.0f;
  float ki = 0.0f;  ///< per second
  float kd = 0.0f;  ///< seconds
  float output_max_w = 800.0f;
  bool replace = false;
};

class PidFilter {
 public:
  /// Whether it is on: it has a gain, or takes the place of the reading.
  bool configure(const Config &config);
  void apply(PhaseValues *values, uint32_t now_ms);
  /// Forgets integral, error and time.
  void reset();

 private:
  void integrate(float error_w, float proportional_w, float derivative_w, float seconds);

  PidGains gains_;
  float integral_ws_ = 0.0f;
  float error_w_ = 0.0f;
  uint32_t stepped_ms_ = 0;
  bool started_ = false;
};

}  // namespace nullwatt
