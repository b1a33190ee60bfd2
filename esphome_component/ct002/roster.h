#pragma once
// Tells the log once who came and who left.

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

  Entry entries_[nullwatt::kMaxBatteries]{};
};

}  // namespace esphome::ct002
