#pragma once
// Tells the log once who came and who left. Names come from the network, so anybody could fill the log with
// them: past as many lines as there are places, the rest of ten seconds is one line that counts.

#include "esphome/components/ct002_core/emulator.h"

namespace esphome::ct002 {

class Roster {
 public:
  void update(const nullwatt::Emulator &emulator);

 protected:
  struct Entry {
    char key[nullwatt::kKeySize];
    bool present;
  };

  Entry *find_(const char *key);
  void add_(ct002_consumer battery);
  void sum_up_();
  /// Whether the log takes another name.
  bool may_name_();

  Entry entries_[nullwatt::kMaxBatteries]{};
  uint32_t window_ms_{0};
  uint16_t came_unnamed_{0};
  uint16_t left_unnamed_{0};
  uint8_t named_{0};
};

}  // namespace esphome::ct002
