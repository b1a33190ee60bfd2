#pragma once
// The B2500's DC regulator: two channels, only discharge, each stepping its command by a fixed
// amount towards measured output + 90 % of the reading.

#include "law.h"

namespace nullwatt {

/// One step of both channels together, about 17 W each.
inline constexpr float kDcStepW = 34.0f;

void step_dc_regulator(LawState *state, int32_t reading, int32_t output, PowerRange range);
/// Sets the command to the one that delivers `power_w`.
void place_dc_regulator(LawState *state, float power_w, PowerRange range);

}  // namespace nullwatt
