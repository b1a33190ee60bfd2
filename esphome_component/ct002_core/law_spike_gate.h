#pragma once
// The gate in front of the ramp and of the newer integrator: a reading that jumps although the own
// output did not move may be a spike of the meter.

#include "law.h"
#include "numeric.h"

namespace nullwatt {

/// Readings this much larger than the one before pass no gate at once.
inline constexpr int32_t kSpikeJumpW = 50;

inline bool looks_like_spike(Poll poll, Poll previous) {
  constexpr int32_t kSpikeReadingW = 20;
  constexpr int32_t kStillOutputW = 20;
  return magnitude(poll.reading) > kSpikeReadingW && magnitude(poll.reading - previous.reading) > kSpikeJumpW &&
         magnitude(poll.output - previous.output) < kStillOutputW;
}

/// Whether the one-shot filter of the newer integrator holds the reading back, which it does only once.
inline bool is_held_once(Poll poll, const LawMemory &memory) {
  return !memory.spike_held && looks_like_spike(poll, memory.previous);
}

/// The gates remember the poll. After all laws that share the memory have acted on it.
inline void pass_gates(Poll poll, LawMemory *memory) {
  memory->spike_held = is_held_once(poll, *memory);
  memory->previous = poll;
}

}  // namespace nullwatt
