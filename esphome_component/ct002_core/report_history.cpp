#include "report_history.h"

#include "numeric.h"

namespace nullwatt {

void ReportHistory::reset(float power_w, uint32_t now_ms) {
  newest_ = 0;
  count_ = 1;
  slew_w_s_ = 0.0f;
  power_w_[0] = power_w;
  stamp_ms_[0] = now_ms;
}

void ReportHistory::add(float power_w, uint32_t now_ms) {
  slew_w_s_ = 0.0f;
  newest_ = static_cast<uint8_t>((newest_ + 1) % kReports);
  if (count_ < kReports) count_++;
  power_w_[newest_] = power_w;
  stamp_ms_[newest_] = now_ms;
}

void ReportHistory::expect(float goal_w, float slew_w_s) {
  goal_w_ = goal_w;
  slew_w_s_ = slew_w_s;
}

float ReportHistory::power_at(uint32_t at_ms, bool linear) const {
  float later_w = 0.0f;
  int32_t later_ms = 0;  // after at_ms
  for (uint8_t back = 0; back < count_; back++) {
    uint8_t i = static_cast<uint8_t>((newest_ + kReports - back) % kReports);
    int32_t before_ms = static_cast<int32_t>(at_ms - stamp_ms_[i]);
    if (before_ms >= 0) {
      if (!linear) return power_w_[i];
      if (back == 0) {
        float most_w = slew_w_s_ * static_cast<float>(before_ms) / 1000.0f;
        return power_w_[i] + clamp(goal_w_ - power_w_[i], -most_w, most_w);
      }
      float part = static_cast<float>(before_ms) / static_cast<float>(before_ms + later_ms);
      return power_w_[i] + part * (later_w - power_w_[i]);
    }
    later_w = power_w_[i];
    later_ms = -before_ms;
  }
  return later_w;
}

}  // namespace nullwatt
