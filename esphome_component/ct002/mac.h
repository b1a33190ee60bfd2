#pragma once

#include <cstddef>

namespace esphome::ct002 {

/// A MAC as the core writes it: 12 lower-case hex digits, whatever separators `text` has. False if it is none.
inline bool normalize_mac(const char *text, char (&mac)[13]) {
  size_t n = 0;
  for (; *text != '\0'; text++) {
    if (*text == ':' || *text == '-')
      continue;
    const char digit = *text >= 'A' && *text <= 'F' ? static_cast<char>(*text - 'A' + 'a') : *text;
    const bool hex = (digit >= '0' && digit <= '9') || (digit >= 'a' && digit <= 'f');
    if (!hex || n == sizeof(mac) - 1)
      return false;
    mac[n++] = digit;
  }
  mac[n] = '\0';
  return n == sizeof(mac) - 1;
}

}  // namespace esphome::ct002
