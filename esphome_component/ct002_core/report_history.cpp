#include "report_history.h"

#include "clock.h"
#include "numeric.h"
#include "whole_watts.h"

namespace nullwatt {

void ReportHistory::reset(float power_w, uint32_t now_ms) {
  newest_ = 0;
  count_ = 1;
  slew_w_s_ = 0.0f;
  power_w_[0] = whole_watts(power_w);
  newest_ms_ = now_ms;
}

void ReportHistory::add(float power_w, uint32_t now_ms) {
  uint32_t interval_ms = elapsed_ms(now_ms, newest_ms_);
  slew_w_s_ = 0.0f;
  newest_ = static_cast<uint8_t>((newest_ + 1) % kReports);
  if (count_ < kReports) count_++;
  power_w_[newest_] = whole_watts(power_w);
  interval_ms_[newest_] = static_cast<uint16_t>(interval_ms < UINT16_MAX ? interval_ms : UINT16_MAX);
  newest_ms_ = now_ms;
}

void ReportHistory::expect(float goal_w, float slew_w_s) {
  goal_w_ = goal_w;
  slew_w_s_ = slew_w_s;
}

void ReportHistory::add_outputs(uint32_t at_ms, uint32_t step_ms, uint8_t count, float *held_w, float *linear_w) const {
  // Both the moments and the reports go back in time, so each report is passed once.
  uint8_t back = 0;
  uint8_t current = newest_;
  uint8_t later = newest_;
  uint32_t current_ms = newest_ms_;
  float current_w = static_cast<float>(power_w_[current]);
  for (uint8_t i = 0; i < count; i++, at_ms -= step_ms) {
    int32_t since_ms = static_cast<int32_t>(at_ms - current_ms);
    while (since_ms < 0 && back + 1 < count_) {
      back++;
      later = current;
      current_ms -= interval_ms_[current];
      current = static_cast<uint8_t>((current + kReports - 1) % kReports);
      current_w = static_cast<float>(power_w_[current]);
      since_ms = static_cast<int32_t>(at_ms - current_ms);
    }
    float power_w = current_w;
    held_w[i] += power_w;
    if (since_ms > 0 && back == 0) {
      float most_w = slew_w_s_ * static_cast<float>(since_ms) / 1000.0f;
      power_w += clamp(goal_w_ - power_w, -most_w, most_w);
    } else if (since_ms > 0) {
      float part = static_cast<float>(since_ms) / static_cast<float>(interval_ms_[later]);
      power_w += part * (static_cast<float>(power_w_[later]) - power_w);
    }
    linear_w[i] += power_w;
  }
}

}  // namespace nullwatt
