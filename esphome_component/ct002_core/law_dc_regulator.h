#pragma once
// The B2500's DC regulator: two channels, only discharge, each stepping its command by a fixed
// amount towards measured output + 90 % of the reading.

#include "law.h"

namespace nullwatt {

/// One step of both channels together, about 17 W each.
inline constexpr float kDcStepW = 34.0f;

/// Moves the command of a channel. Returns the output it leads to.
float step_dc_regulator(Poll poll, int16_t *command);
/// Sets the command to the one that delivers `power_w`. Returns the output it leads to.
float place_dc_regulator(float power_w, int16_t *command);

}  // namespace nullwatt
