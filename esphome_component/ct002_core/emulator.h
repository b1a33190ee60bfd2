#pragma once
// The CT002/CT003 emulator: a state machine without IO, clock or heap. This header is the
// core's door for C++ hosts; c_api.h is the one for everybody else.
//
// Rules
// 1. Time comes from the host as a wrapping millisecond counter (clock.h). tick() at >= 1 Hz.
// 2. Every byte of a request is hostile: whatever comes in, handle() answers it correctly or not at all.
// 3. Nothing is allocated after construction; every loop is bounded by kMaxBatteries or kMaxDatagram.
// 4. Signs: battery power + = discharge, grid and reading + = import.
//
// How one poll flows: grid input -> demand -> allocator -> battery model -> reading -> reply.

#include <cstddef>
#include <cstdint>

#include "config.h"
#include "consumer_table.h"
#include "demand_estimator.h"
#include "efficiency.h"
#include "frame.h"
#include "frozen_meter.h"
#include "grid_input.h"
#include "overrides.h"
#include "reply.h"
#include "request.h"
#include "state.h"
#include "steering.h"

namespace nullwatt {

enum class SettingError : uint8_t { kNone, kRange, kTableFull };

class Emulator {
 public:
  explicit Emulator(const Config &config);

  /// A fresh meter sample: `count` 1..3 phases in W. Non-finite = unavailable.
  void update_grid(const float *power_w, uint8_t count, uint32_t now_ms);
  /// One phase (0..2) of a meter with `count` phases whose values arrive one by one. Values
  /// that arrive between two polls or ticks make up one sample; each phase ages by itself.
  void update_grid_phase(uint8_t phase, uint8_t count, float power_w, uint32_t now_ms);
  /// The meter is gone: batteries hold until its next sample.
  void invalidate_grid(uint32_t now_ms);
  /// No meter belongs to the batteries that poll next: each is served the reading it was
  /// served last, none is steered. Ends with the next update or invalidation.
  void unassign_grid();

  /// One datagram. `source` is the sender as ip:port. Returns the size of the reply, 0 = stay
  /// silent; `reason` says why. At most kMaxDatagram bytes are written. The buffers must not overlap.
  size_t handle(const uint8_t *request, size_t size, const char *source, uint32_t now_ms, uint8_t *reply,
                size_t capacity, DropReason *reason = nullptr);

  /// Housekeeping: ages the meter, forgets silent batteries.
  void tick(uint32_t now_ms);

  /// Changes the settings of a battery, known or not yet; `which` is a set of SettingBit.
  /// On an error nothing changes.
  SettingError set_override(Text mac, const Settings &settings, uint16_t which);
  /// Efficiency mode: hand over to the next battery now. Nothing while that mode is off.
  void force_rotation() {
    if (efficiency_.limiting()) efficiency_.force_rotation();
  }
  void set_active_control(bool active);
  /// Unlike reconfigure(), leaves control running.
  void set_dedupe_window(uint32_t window_ms) { config_.dedupe_window_ms = static_cast<int32_t>(window_ms); }
  /// Takes over what may change while control goes on, and nothing else of `config`: grid_target,
  /// peak_shaving_threshold, min_efficient_power, min_efficient_charge, min_efficient_discharge.
  void tune(const Config &config);
  /// Only polls for this MAC are answered from now on; empty = all. Separators are dropped. Control goes on.
  void set_ct_mac(Text mac);
  /// Replaces the options and restarts control; batteries and their settings stay.
  void reconfigure(const Config &config);
  const Config &config() const { return config_; }

  /// State as of the last call that carried a time.
  void state(ct002_state *out) const;
  /// The `index`-th battery of the table; false past the last one.
  bool consumer(uint8_t index, ct002_consumer *out) const;
  /// What the batteries charge (<= 0) and discharge (>= 0) in sum, by bucket, exactly as replies tell it.
  void sums(int32_t (&charge_w)[kBuckets], int32_t (&discharge_w)[kBuckets]) const {
    Reply reply;
    const float nothing_w[3] = {0.0f, 0.0f, 0.0f};
    sum_buckets(*consumers_.begin(), nothing_w, &reply);  // who asks changes the counts alone
    for (uint8_t i = 0; i < kBuckets; i++) {
      charge_w[i] = reply.charge_w[i];
      discharge_w[i] = reply.discharge_w[i];
    }
  }

 private:
  DropReason process(const uint8_t *datagram, size_t size, const char *source, uint8_t *reply, size_t capacity,
                     size_t *reply_size);
  bool accepts_ct_mac(Text ct_mac) const;
  Consumer *admit(const char *key);
  void note_request(Consumer *consumer, const Request &request, const char *source);
  void note_report(Consumer *consumer, uint32_t interval_ms);
  /// Fills the three phase fields for this requester and records what it was told.
  void choose_values(Consumer *consumer, float *phase_w);
  float reading_for(Consumer *consumer);
  float steer(Consumer *consumer);
  uint8_t pool_members(PoolMember *members, const Consumer *wanted, uint8_t *own);
  void take_turns(PoolMember *members, uint8_t count, uint8_t own);
  void note_saturation(const PoolMember *members, uint8_t count, uint8_t own, Consumer *consumer, const Move &move);
  PoolMember pool_member(Consumer *consumer) const;
  /// Shares have changed, not demand: nobody is in a hurry.
  void resettle() {
    resettling_ = true;
    resettled_ms_ = now_ms_;
  }
  size_t answer(const Request &request, Consumer *consumer, const float *phase_w, uint8_t *reply, size_t capacity);
  void sum_buckets(const Consumer &requester, const float *phase_w, Reply *reply) const;
  void take_sample(bool fresh);
  void estimate_demand();
  void sync_pool();
  void set_grid_goal();
  void expire();
  void restart_control();
  const Settings &settings_of(const Consumer &consumer) const { return overrides_.at(consumer.settings); }
  bool is_steered(const Consumer &consumer) const;
  bool belongs_to_pool(const Consumer &consumer) const;
  bool is_expired(const Consumer &consumer) const;
  float pool_output_w() const;
  bool has_settled() const;

  Config config_;
  SteeringStyle style_;
  GridInput grid_;
  DemandEstimator demand_;
  FrozenMeter frozen_;
  Efficiency efficiency_;
  SaturationRules saturation_rules_;
  ConsumerTable consumers_;
  OverrideTable overrides_;
  uint32_t now_ms_ = 0;
  uint32_t replies_ = 0;
  uint32_t drops_ = 0;
  uint32_t refused_full_ = 0;
  uint32_t refused_overrides_ = 0;
  float missing_w_ = 0.0f;
  float pool_wanted_w_ = 0.0f;
  float believed_w_ = 0.0f;       ///< demand when the meter last said something new
  float waiting_total_w_ = 0.0f;  ///< meter sample that waits for the reports after it
  uint32_t waiting_ms_ = 0;
  uint32_t resettled_ms_ = 0;  ///< when a setting last changed the shares
  bool waiting_ = false;
  bool grid_assigned_ = true;
  bool resettling_ = false;
  uint8_t info_index_ = 0;
};

}  // namespace nullwatt
