#pragma once
// The batteries that poll us: identity, last report, what they were last told.
// Fixed capacity; who is silent for longer than its time to live leaves the table.

#include <cstdint>

#include "battery_model.h"
#include "config.h"
#include "device_type.h"
#include "efficiency.h"
#include "overrides.h"
#include "request.h"
#include "saturation.h"

namespace nullwatt {

struct Consumer {
  char key[kKeySize] = {};
  char device_type[16] = {};
  char source[48] = {};
  DeviceTraits traits{};
  Phase phase = Phase::kUnassigned;
  bool used = false;
  bool participates = true;
  bool in_pool = false;
  bool served = false;    ///< served_w holds a meter reading
  bool repeated = false;  ///< the poll being answered says nothing new
  bool modelled = false;  ///< the model knows this battery; false = start it at the next report
  /// Wanted net output before any shaping; known only once a control step ran.
  bool target_known = false;
  int32_t power_w = 0;          ///< last report
  uint32_t seen_ms = 0;         ///< last accepted poll
  uint32_t steered_sample = 0;  ///< meter sample of the last control step
  uint32_t polls = 0;
  uint8_t last_index = 0;         ///< index of its last reply
  uint16_t poll_interval_ds = 0;  ///< tenths of a second, smoothed; means nothing before the second poll
  float served_w[3] = {0.0f, 0.0f, 0.0f};
  float target_w = 0.0f;
  float reading_w = 0.0f;
  float instructed_w = 0.0f;
  uint8_t settings = kNoSettings;  ///< place of the user's settings in the override table
  Turn turn;
  Saturation saturation;
  BatteryModel model;
};

class ConsumerTable {
 public:
  Consumer *find(const char *key);
  /// A free entry for a new battery; nullptr when the table is full.
  Consumer *admit(const char *key);
  void remove(Consumer *consumer) { *consumer = Consumer(); }

  Consumer *begin() { return entries_; }
  Consumer *end() { return entries_ + kMaxBatteries; }
  const Consumer *begin() const { return entries_; }
  const Consumer *end() const { return entries_ + kMaxBatteries; }
  uint8_t count() const;

 private:
  Consumer entries_[kMaxBatteries];
};

/// Silence that is tolerated. `fixed_ttl_ms` < 0 = adaptive: 30 s before the second poll,
/// then two poll intervals but at least 5 s.
uint32_t time_to_live_ms(const Consumer &consumer, int32_t fixed_ttl_ms);

bool expired(const Consumer &consumer, int32_t fixed_ttl_ms, uint32_t now_ms);

/// Counts an accepted poll and, from the second one on, smooths the poll interval.
void note_poll(Consumer *consumer, uint32_t now_ms);

}  // namespace nullwatt
