#include "battery_model.h"

#include <cmath>

namespace nullwatt {
namespace {

constexpr float kGain = 0.5f;
/// Largest single command: a wrong guess costs at most this much.
constexpr float kMaxReadingW = 400.0f;
/// Firmware holds inside its rest band (+-10 W, on HMG-50 +-20 W): a smaller command would be ignored.
constexpr float kMinReadingW = 21.0f;
/// Errors below this are left alone; correcting them costs more travel than it saves.
constexpr float kDeadbandW = 12.0f;
/// HMG-50 discards jumps above 50 W while its own output is still.
constexpr float kSpikeGateW = 50.0f;
constexpr float kStillW = 8.0f;
/// Part of a command still invisible after the next report.
constexpr float kReportFade = 0.5f;
constexpr float kCommandFade = 0.6f;

float clamp(float value, float low, float high) { return value < low ? low : value > high ? high : value; }

}  // namespace

void BatteryModel::reset(float power_w) {
  power_w_ = power_w;
  in_flight_w_ = 0.0f;
  last_reading_w_ = 0.0f;
  still_ = true;
}

void BatteryModel::report(float power_w) {
  still_ = std::fabs(power_w - power_w_) < kStillW;
  power_w_ = power_w;
  in_flight_w_ *= kReportFade;
}

float BatteryModel::reading_for(float target_w) {
  float missing_w = target_w - setpoint_w();
  float reading_w = 0.0f;
  if (std::fabs(missing_w) >= kDeadbandW) {
    reading_w = clamp(kGain * missing_w, -kMaxReadingW, kMaxReadingW);
    if (std::fabs(reading_w) < kMinReadingW) reading_w = missing_w < 0.0f ? -kMinReadingW : kMinReadingW;
    if (still_) reading_w = clamp(reading_w, last_reading_w_ - kSpikeGateW, last_reading_w_ + kSpikeGateW);
  }
  last_reading_w_ = reading_w;
  in_flight_w_ = kCommandFade * in_flight_w_ + kGain * reading_w;
  return reading_w;
}

void BatteryModel::hold() {
  last_reading_w_ = 0.0f;
  in_flight_w_ *= kCommandFade;
}

}  // namespace nullwatt
