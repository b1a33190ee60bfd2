#pragma once
// The other direction of the laws: which reading moves the setpoint where it is wanted.
//
// Two rules keep a wrong model harmless: a reading has the sign of the wanted move, and never
// exceeds it by more than the law's known bias. A wrong law costs time, not stability.

#include <cstdint>

#include "law.h"

namespace nullwatt {

struct InversionContext {
  int32_t output = 0;           ///< last report, W
  int32_t last_reading = 0;     ///< last reading sent
  float moved_w = 0.0f;         ///< between the last two reports
  bool still = true;            ///< the output has arrived where it was heading
  bool maybe_wound = false;     ///< it leaned on the limit of the opposite direction not long ago
  bool filter_certain = false;  ///< the one-shot spike filter is known to be there
};

/// Reading that moves the setpoint closest to `move_w` from where it is; 0 = no reading does any good.
int32_t invert_law(const LawState &law, float move_w, const InversionContext &context);

}  // namespace nullwatt
