#pragma once
// The integer integrator of Venus A, D and E: setpoint += gain * reading - 5 W on its own stored
// setpoint, never on the measured output. The newer form has a one-shot spike filter and a rest
// band in front; HMG-50 told that its CT is an HME-4 runs it too, with a wider band.

#include "law.h"

namespace nullwatt {

/// Imports move the setpoint by this much less than the reading asks.
inline constexpr float kIntegratorBiasW = 5.0f;
/// Smallest reading the integrator acts on in full, and the band in which it parks at zero.
inline constexpr int32_t kIntegratorBandW = 11;

/// Each returns the setpoint after a poll.
float step_integrator(float setpoint_w, float gain, int32_t reading);
float step_integrator2(float setpoint_w, const Law &law, Poll poll, const LawMemory &memory);

}  // namespace nullwatt
