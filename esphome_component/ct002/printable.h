#pragma once

namespace esphome::ct002 {

/// Names come from the network: control characters would let a sender forge log lines.
inline void make_printable(char *text) {
  for (; *text != '\0'; text++) {
    if (*text < ' ' || *text > '~')
      *text = '?';
  }
}

}  // namespace esphome::ct002
