#pragma once
// Time in the core: an unsigned millisecond counter given by the host, which wraps
// after 49.7 days. Only differences are meaningful, and only below half the range.

#include <cstdint>

namespace nullwatt {

/// Milliseconds from `then` to `now`. A `then` that lies ahead of `now` (a host whose clock
/// stepped back, two interrupts racing) counts as zero rather than as 49 days.
constexpr uint32_t elapsed_ms(uint32_t now_ms, uint32_t then_ms) {
  uint32_t difference = now_ms - then_ms;
  return difference < 0x80000000u ? difference : 0u;
}

}  // namespace nullwatt
