#pragma once
// What the house needs: the power the steered batteries would have to deliver together for the
// grid to read zero. demand = grid + output of the pool at the moment the meter measured, W.
//
// When the meter measured is unknown: it may be late by up to 3.5 s, and it may see a battery's
// output move in steps (at its polls) or smoothly. Each combination is a hypothesis. The right
// one makes the reconstructed demand quiet while the batteries move; a wrong one shows their
// moves. Where the hypotheses still disagree, demand is only known to lie between them.
//
// Nothing is integrated: readings of the meter enter the control only through this estimate.

#include <cstdint>

#include "jump_memory.h"
#include "level_filter.h"
#include "report_history.h"

namespace nullwatt {

/// The reports of the batteries being steered.
struct PoolReports {
  const ReportHistory *const *members = nullptr;
  uint8_t count = 0;
  float poll_interval_s = 1.0f;  ///< typical time between the polls of one battery
};

class DemandEstimator {
 public:
  DemandEstimator();

  /// A meter sample that arrived at `sample_ms`. Best called once the batteries have reported
  /// after that moment: only then is it known what they delivered then.
  void sample(float grid_total_w, const PoolReports &pool, uint32_t sample_ms);

  /// A battery joined (+ its output) or left (- its output) the pool: what it delivers moves
  /// between the two sides of the sum, the house itself did not change.
  void shift(float output_w);

  /// The meter is gone. What was learnt about it stays, the level does not.
  void reset() { known_ = false; }

  bool known() const { return known_; }

  /// Demand to steer for: follows the slope over the sample's age, the meter's delay and
  /// `lead_s`, the time until a command shows.
  float demand_w(uint32_t now_ms, float lead_s) const;

  /// What the samples say, without looking ahead.
  float level_w() const { return filter_.level_w(); }
  /// Uncertainty of the level, W.
  float level_error_w() const;
  /// Width of the hull of the plausible hypotheses, W.
  float hull_w() const { return hull_w_; }
  /// Most likely age of a meter reading when it arrives.
  float latency_s() const;
  /// True if the meter sees outputs as held between the batteries' polls.
  bool held_output() const { return best_ < kLatencies; }
  /// Time since the last jump of demand.
  float jump_age_s(uint32_t now_ms) const;

 private:
  static constexpr uint8_t kLatencies = 15;  // 0 to 3.5 s
  static constexpr uint8_t kHypotheses = 2 * kLatencies;

  void start(float grid_total_w);
  void score(const float *demand_w);
  void follow(float best_w, float low_w, float high_w, float seconds, float poll_interval_s);
  float dead_time_s(float poll_interval_s) const;

  float cost_[kHypotheses];
  float previous_w_[kHypotheses] = {};
  LevelFilter filter_;
  JumpMemory jumps_;
  float sample_interval_s_ = 1.0f;
  float hull_w_ = 0.0f;
  float doubted_w_ = 0.0f;     ///< part of fresh jumps not yet believed
  float held_level_w_ = 0.0f;  ///< level before the pulse being waited for
  float held_jump_w_ = 0.0f;
  float hold_s_ = 0.0f;  ///< time left to wait for the end of a pulse
  uint32_t sample_ms_ = 0;
  uint8_t best_ = 4;
  bool known_ = false;
};

}  // namespace nullwatt
