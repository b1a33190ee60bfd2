#include "law_integrator.h"

#include <cmath>

#include "law_spike_gate.h"
#include "numeric.h"

namespace nullwatt {
namespace {

constexpr int32_t kSmallImportW = 10;
constexpr PowerRange kRange = range_of(LawKind::kIntegrator);

}  // namespace

float step_integrator(float setpoint_w, float gain, int32_t reading) {
  float reading_w = static_cast<float>(reading);
  if (reading >= kIntegratorBandW) {
    setpoint_w += gain * reading_w - kIntegratorBiasW;
  } else if (reading < -10) {
    setpoint_w += gain * reading_w;
  } else if (reading < 0) {
    setpoint_w += reading_w - kIntegratorBiasW;
  }
  setpoint_w = clamp(static_cast<float>(static_cast<int32_t>(setpoint_w)), kRange.low_w, kRange.high_w);
  return std::fabs(setpoint_w) < kIntegratorBandW && reading < kIntegratorBandW ? 0.0f : setpoint_w;
}

float step_integrator2(float setpoint_w, const Law &law, Poll poll, const LawMemory &memory) {
  if (is_held_once(poll, memory)) return setpoint_w;
  bool at_rest = magnitude(poll.reading) < law.rest_band_w && poll.output < 1;
  bool small_import = poll.reading >= 0 && poll.reading < kSmallImportW;
  // The sample after a spike passes every gate.
  if (!memory.spike_held && (at_rest || small_import)) return setpoint_w;
  return step_integrator(setpoint_w, law.gain, poll.reading);
}

}  // namespace nullwatt
