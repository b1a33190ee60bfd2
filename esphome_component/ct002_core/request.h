#pragma once
// What a battery says in a poll. Texts are views into the datagram.

#include <cstdint>

#include "frame.h"
#include "text.h"

namespace nullwatt {

/// Where a battery is connected. Unassigned = inspecting: it only looks at the meter.
enum class Phase : uint8_t { kUnassigned, kA, kB, kC, kCombined };

/// '0', 'A', 'B', 'C' or 'D', as on the wire.
char phase_letter(Phase phase);

struct Request {
  Text device_type;
  Text mac;
  Text ct_type;
  Text ct_mac;
  Phase phase = Phase::kUnassigned;
  int32_t power_w = 0;  ///< own output, + = discharge; 0 if missing or not an integer
  bool participates = true;
};

/// kNone or kTooFewFields. Fields after the seventh are ignored.
DropReason parse_request(Text body, Request *request);

}  // namespace nullwatt
