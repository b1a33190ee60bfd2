#pragma once
// MQTT insights: what is to be published when. The host has the connection; it asks for the next message, writes its
// topic and payload into buffers of its own, and says when the client has taken it:
//
//   while (insights.next(emulator, now_ms, &message)) { ...publish...; insights.sent(message, now_ms); }
//
// Rules
// 1. A message that the client did not take is asked for again, with what is true by then: an outage delivers no past.
// 2. After every connection everything is told anew, since the broker may have forgotten.
// 3. Of a battery: state, availability (on change only), state of the emulator, and at first sight its discovery.
// 4. One state per poll, at most one per `state_interval_ms`; polls that only inspect tell nothing.
// 5. A battery that left goes offline, and so does one that the broker remembers and that did not come back.

#include "insights_command.h"
#include "insights_topics.h"

namespace nullwatt {

enum class InsightsMessageKind : uint8_t {
  kOnline,
  kHubDiscovery,
  kBridge,
  kDeviceState,
  kDeviceDiscovery,
  kBatteryState,
  kBatteryOnline,
  kBatteryDiscovery,
  kBatteryOffline,
};

struct InsightsMessage {
  InsightsMessageKind kind = InsightsMessageKind::kOnline;
  uint8_t battery = kMaxBatteries;  ///< its place in the table of the session; this many = of none
  bool retain = true;
  uint8_t qos = 0;
  uint32_t seen = 0;  ///< what it tells: the polls of the battery, or whether control is active
};

class Insights {
 public:
  explicit Insights(const InsightsConfig &config) : config_(config) {}

  const InsightsConfig &config() const { return config_; }

  /// A connection is there, with nothing told on it yet.
  void connected(uint32_t now_ms);
  /// It is lost.
  void disconnected() { connected_ = false; }

  /// The message that is due; false = none now.
  bool next(const Emulator &emulator, uint32_t now_ms, InsightsMessage *message);
  /// The client has taken it.
  void sent(const InsightsMessage &message, uint32_t now_ms);

  void write_topic(const InsightsMessage &message, Writer *out) const;
  /// `unix_s` 0 = the time of day is not known.
  void write_payload(const InsightsMessage &message, const Emulator &emulator, uint32_t unix_s, Writer *out) const;

  /// A message that came in. `retained`: the broker kept it, as far as the client tells. What is to be done is the
  /// host's to do (apply()); what concerns this session is done.
  InsightsCommand received(Text topic, Text payload, bool retained, uint32_t now_ms);

 private:
  struct Battery {
    char key[kKeySize];
    uint32_t polls;      ///< as of the last state
    uint32_t state_ms;   ///< when that was told
    uint16_t type_hash;  ///< of its device type, on which the discovery depends
    bool used;
    bool there;  ///< in the core's table; if not, it left, or only the broker knows of it
    bool left;   ///< to be told offline
    // On this connection:
    bool state_told;
    bool online_told;
    bool discovery_told;
    bool device_due;  ///< the emulator's state follows that of the battery
  };

  void look(const Emulator &emulator, const ct002_state &state, uint32_t now_ms);
  void see(const ct002_consumer &consumer);
  Battery *find(const char *key);
  Battery *place_for(const char *key);
  bool next_of_meter(const ct002_state &state, uint32_t now_ms, InsightsMessage *message) const;
  bool next_of_battery(const Emulator &emulator, uint32_t now_ms, InsightsMessage *message);
  void sent_of_battery(const InsightsMessage &message, uint32_t now_ms);
  /// What follows a state; false = nothing.
  bool step_after_state(const Battery &battery, InsightsMessageKind *kind) const;
  /// `polls` becomes how often it has polled.
  bool wants_state(const Battery &battery, const Emulator &emulator, uint32_t now_ms, uint32_t *polls) const;
  /// The key of the battery whose topics have this name; `key` stays if there is none.
  void resolve(char (&key)[kKeySize]) const;

  InsightsConfig config_;
  Battery batteries_[kMaxBatteries] = {};
  uint32_t connected_ms_ = 0;
  uint32_t looked_ms_ = 0;
  uint32_t device_state_ms_ = 0;
  uint32_t replies_ = 0;  ///< of the core at the last look
  uint8_t first_ = 0;     ///< the battery whose turn it is
  bool connected_ = false;
  bool looked_ = false;
  bool online_told_ = false;
  bool hub_told_ = false;
  bool bridge_due_ = false;
  bool device_state_told_ = false;
  bool device_discovery_told_ = false;
  bool active_control_told_ = false;
};

}  // namespace nullwatt
