#pragma once
// Tells once who came, who left and who cannot deliver: the log, and whoever wants to know. Names come from the
// network, so anybody could fill the log with them: past as many lines as there are places, the rest of ten seconds is
// one line that counts.

#include "esphome/components/ct002_core/emulator.h"

namespace esphome::ct002 {

enum class BatteryEvent : uint8_t { APPEARED, LOST, SATURATED };

/// Where the events go. Keys are lower-case MACs, or ip:port of a battery without one, and printable.
class RosterListener {
 public:
  virtual void on_battery(BatteryEvent event, const char *key) = 0;

 protected:
  ~RosterListener() = default;
};

class Roster {
 public:
  void update(const nullwatt::Emulator &emulator, RosterListener *listener);
  bool is_there(const char *key) const { return key[0] != '\0' && this->find_(key) != nullptr; }
  /// False for batteries that are not there.
  bool is_saturated(const char *key) const;

 protected:
  struct Entry {
    char key[nullwatt::kKeySize];
    bool present;
    bool saturated;
  };

  const Entry *find_(const char *key) const;
  Entry *find_(const char *key) { return const_cast<Entry *>(static_cast<const Roster *>(this)->find_(key)); }
  void add_(ct002_consumer battery, RosterListener *listener);
  void judge_(Entry *entry, const ct002_consumer &battery, RosterListener *listener);
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
