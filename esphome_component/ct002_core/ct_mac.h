#pragma once
// The MAC of the emulated meter as the cloud and the app know it.

#include "text.h"

namespace nullwatt {

inline constexpr size_t kMacSize = 13;  ///< 12 digits and a zero byte

/// `:`, `-` and blanks dropped, lower case. False, and `out` empty, if that leaves anything but 12 hex digits.
bool normalize_ct_mac(Text text, char (&out)[kMacSize]);

}  // namespace nullwatt
