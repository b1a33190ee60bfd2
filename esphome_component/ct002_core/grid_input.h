#pragma once
// The grid meter as the core sees it: up to three phases, each with its own age.
//
// Rules
// 1. A value that is not finite, or beyond 10 MW, makes its phase unavailable; nothing else is touched.
// 2. The meter is available when every phase it has is available and young enough.
// 3. Freshness is counted (sequence), never guessed from values that differ.
// 4. What is served is filtered, once per fresh sample. An outage longer than the greatest age
//    makes the filters start anew; a shorter one leaves no trace in them.

#include <cstdint>

#include "filter_chain.h"
#include "phase_values.h"

namespace nullwatt {

class GridInput {
 public:
  /// Age after which a phase is unavailable; 0 = never.
  void set_max_age(uint32_t max_age_ms) { max_age_ms_ = max_age_ms; }

  /// Sets up the filters and forgets what they have seen.
  void set_filters(const Config &config) { filters_.configure(config); }

  /// A complete sample. `count` 1..3; further values are ignored, missing phases count 0 W.
  void update(const float *power_w, uint8_t count, uint32_t now_ms);

  /// One phase of a meter whose phases arrive one by one. The sample is complete at settle().
  void update_phase(uint8_t phase, uint8_t count, float power_w, uint32_t now_ms);

  /// Makes single phases that arrived since the last call one sample, and drops old phases.
  /// True if there is a fresh sample.
  bool settle(uint32_t now_ms);

  /// The meter is gone until its next sample.
  void invalidate();

  bool available() const { return available_; }
  uint8_t phases() const { return count_; }
  /// Watts of a phase 0..2, filtered, + = import; 0 for phases the meter does not have.
  float phase_w(uint8_t phase) const { return filtered_.power_w[phase]; }
  float total_w() const { return filtered_.total_w(); }
  /// The same before filtering.
  float raw_total_w() const { return power_w_[0] + power_w_[1] + power_w_[2]; }
  /// Samples accepted so far.
  uint32_t sequence() const { return sequence_; }
  /// Age of the oldest phase.
  uint32_t age_ms(uint32_t now_ms) const;

 private:
  float power_w_[3] = {0.0f, 0.0f, 0.0f};
  uint32_t stamp_ms_[3] = {0, 0, 0};
  bool valid_[3] = {false, false, false};
  PhaseValues filtered_;
  FilterChain filters_;
  uint32_t max_age_ms_ = 0;
  uint32_t filtered_ms_ = 0;
  uint32_t sequence_ = 0;
  uint8_t count_ = 0;
  bool pending_ = false;
  bool available_ = false;
};

}  // namespace nullwatt
