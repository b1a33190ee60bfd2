#pragma once
// What the Marstek app asks a CT over MQTT, and what it is answered. Bytes only: the broker is the host's affair.
//
// Where implementations of this protocol differ, the one that serves the app best was taken:
// - a later duplicate of a key wins, and integers are whole (`1abc` is none);
// - watts are rounded half to even, as in the replies to batteries;
// - slaves are sorted by key, their phase is in upper case and a message holds five of them, as a real CT's.

#include <cstddef>
#include <cstdint>

#include "ct_mac.h"
#include "emulator.h"
#include "text.h"

namespace nullwatt {

// -- topics --------------------------------------------------------------------------------

/// The vendor's two names: every topic exists under each, and every answer goes to both in this order.
inline constexpr uint8_t kAppPrefixes = 2;
enum class AppTopic : uint8_t {
  kPoll,   ///< from the app: subscribe
  kAnswer  ///< to the app: publish, not retained
};
/// Room for the longest topic and its zero byte.
inline constexpr size_t kAppTopicSize = 64;

/// Terminated topic for a MAC of 12 lower-case digits; `prefix` < kAppPrefixes. Its size, 0 if it does not fit.
size_t write_app_topic(AppTopic kind, uint8_t prefix, Text ct_type, Text mac, char *out, size_t capacity);

/// The topic is one of the two under which the app polls this CT. The MAC may come in any case.
bool is_app_poll(Text topic, Text ct_type, Text mac);

// -- polls ---------------------------------------------------------------------------------

enum class AppPoll : uint8_t { kNone, kRuntime, kSlaves };

/// What the payload asks for; kNone also for what is no poll at all.
AppPoll parse_app_poll(Text payload);

// -- answers -------------------------------------------------------------------------------

struct AppReadings {
  float power_w[3] = {0.0f, 0.0f, 0.0f};  ///< of the meter, unfiltered, + = import; not finite counts as 0
  int32_t rssi_dbm = -50;
  int32_t version = 148;
  uint8_t slaves = 0;  ///< batteries that have reported and are not forgotten
};

/// Room for the longest answers.
inline constexpr size_t kRuntimeFrameSize = 256;
inline constexpr size_t kSlaveListSize = 768;
inline constexpr uint8_t kSlavesPerMessage = 5;

/// Answer to kRuntime, not terminated. Its size, 0 if it does not fit.
size_t write_runtime_frame(const AppReadings &readings, char *out, size_t capacity);

/// A battery as the app sees it.
struct AppSlave {
  Text type;
  Text id;
  Text address;  ///< ip or ip:port; empty = unknown
  char phase = '0';
};

/// Answer to kSlaves, not terminated: the first five in order of their ids, whatever order they come in. Its size; 0
/// for none, which is an answer too, and if it does not fit.
size_t write_slave_list(const AppSlave *slaves, size_t count, char *out, size_t capacity);
/// The same of the batteries in the table.
size_t write_slave_list(const Emulator &emulator, char *out, size_t capacity);

// -- pace ----------------------------------------------------------------------------------

/// When to answer, and when to tell unasked. One message is in work at a time; polls meanwhile are dropped.
class AppPacer {
 public:
  /// 0 = no broadcasts.
  explicit AppPacer(uint32_t interval_ms) : interval_ms_(interval_ms) {}

  /// The broker is there (again), or lost.
  void set_connected(bool connected);
  /// A poll has come: true = answer it, then call finish().
  bool accept(AppPoll poll);
  /// A runtime frame is due: true = publish it, then call finish(). The first one right after connecting, or as soon as
  /// the MAC is known.
  bool broadcast_due(bool mac_known, uint32_t now_ms);
  /// The answer was published or given up.
  void finish() { busy_ = false; }

 private:
  uint32_t interval_ms_;
  uint32_t sent_ms_ = 0;
  bool connected_ = false;
  bool busy_ = false;
  bool due_ = false;
};

}  // namespace nullwatt
