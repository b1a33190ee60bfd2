#pragma once
// The last reports of one battery, to tell what it delivered at some moment in the past:
// a meter sample shows the house as it was, not as it is.

#include <cstdint>

namespace nullwatt {

class ReportHistory {
 public:
  /// Forgets everything; the battery has delivered `power_w` all along.
  void reset(float power_w, uint32_t now_ms);
  void add(float power_w, uint32_t now_ms);

  /// Where the output is heading since the last report, and how fast. A battery that polls every
  /// three seconds has moved long before it says so.
  void expect(float goal_w, float slew_w_s);

  /// Adds the outputs at `at_ms`, `at_ms - step_ms`, ... to `held_w` and `linear_w`, `count` each.
  /// held: the report in force then. linear: the line between the reports around it, after the
  /// last one the line towards where it is heading. Before the first report it is the first.
  void add_outputs(uint32_t at_ms, uint32_t step_ms, uint8_t count, float *held_w, float *linear_w) const;

  /// When the last report came.
  uint32_t newest_ms() const { return newest_ms_; }

 private:
  static constexpr uint8_t kReports = 16;

  int16_t power_w_[kReports] = {};
  uint16_t interval_ms_[kReports] = {};  ///< since the report before; a silence of more than a minute is cut
  uint32_t newest_ms_ = 0;
  float goal_w_ = 0.0f;
  float slew_w_s_ = 0.0f;  ///< 0 = nothing is expected
  uint8_t newest_ = 0;
  uint8_t count_ = 0;
};

}  // namespace nullwatt
