#include "ct_mac.h"

namespace nullwatt {

bool normalize_ct_mac(Text text, char (&out)[kMacSize]) {
  size_t count = 0;
  bool valid = true;
  for (size_t i = 0; i < text.size && valid; i++) {
    const char digit = lower(text[i]);
    if (digit == ':' || digit == '-' || digit == ' ' || (digit >= '\t' && digit <= '\r')) continue;
    valid = count < kMacSize - 1 && ((digit >= '0' && digit <= '9') || (digit >= 'a' && digit <= 'f'));
    if (valid) out[count++] = digit;
  }
  valid = valid && count == kMacSize - 1;
  out[valid ? count : 0] = '\0';
  return valid;
}

}  // namespace nullwatt
