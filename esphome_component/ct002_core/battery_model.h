#pragma once
// One battery as the controller imagines it: where its output is heading, and which
// reading moves it where it is wanted. Watts, + = discharge.
//
// This model knows no firmware law. It counts what was commanded and is not yet visible
// in the reports ("in flight"), and asks for half of what is missing. Each command fades
// from the count as reports come in, so a battery that ignores it is asked again.

#include <cstdint>

namespace nullwatt {

class BatteryModel {
 public:
  /// Forgets everything; the battery is at `power_w` and still.
  void reset(float power_w);

  /// The battery's report, once per poll and before reading_for().
  void report(float power_w);

  /// The number to send so that the output moves to `target_w`; also counts it as sent.
  float reading_for(float target_w);

  /// Nothing was asked of the battery at this poll.
  void hold();

  /// Output the battery is expected to reach with what it has been told so far.
  float setpoint_w() const { return power_w_ + in_flight_w_; }

 private:
  float power_w_ = 0.0f;
  float in_flight_w_ = 0.0f;
  float last_reading_w_ = 0.0f;
  bool still_ = true;
};

}  // namespace nullwatt
