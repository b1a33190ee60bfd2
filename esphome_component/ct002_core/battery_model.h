#pragma once
// One battery as the controller imagines it: which law its firmware runs, where its setpoint
// stands, how fast and how late its output follows, and where its limits are.
//
// At every poll the report is compared with what was predicted, and the comparison decides what
// to believe: the setpoint, the inverter's speed, a limit, or that the law is another one.
// When nothing fits, the model stops assuming a law at all (kGeneric) and merely counts what is
// in flight; later it tries again.
//
// Watts, + = discharge; reading + = import.

#include <cstdint>

#include "law.h"
#include "law_identifier.h"
#include "learnt_limit.h"
#include "report_history.h"

namespace nullwatt {

class BatteryModel {
 public:
  /// A battery seen for the first time, at `power_w`. `prior` is the law its type suggests.
  void reset(LawKind prior, uint8_t rest_band_w, float power_w, uint32_t now_ms);

  /// Its report, once per poll and before commit().
  void report(float power_w, uint32_t now_ms);

  /// A report while something else than our control moves the battery: learn nothing from it.
  void accompany(float power_w, uint32_t now_ms);

  /// Back after a silence in which anybody may have moved it: starts from its report, keeps what
  /// was learnt about its law and its speed.
  void rejoin(float power_w, uint32_t now_ms);

  /// The reading that brings the setpoint closest to `move_w` from here. 0 = leave it alone.
  int32_t reading_for(float move_w) const;

  /// The reading was sent: the predicted firmware acts on it.
  void commit(int32_t reading);

  /// What nobody in the pool can cover within the learnt limits: they are put to the test the sooner.
  void press(float uncovered_w);

  /// Setpoint beyond a learnt limit: how far it should be wound back now, 0 = not needed.
  float unwinding_w(float target_w);

  LawKind law() const { return law_.kind; }
  float gain() const { return law_.gain; }
  float power_w() const { return power_w_; }
  float setpoint_w() const { return law_.kind == LawKind::kGeneric ? generic_setpoint_w() : law_.setpoint_w(); }
  float confidence() const { return confidence_; }
  float poll_interval_s() const { return poll_interval_s_; }
  /// Seconds since the last report.
  float age_s(uint32_t now_ms) const;
  bool idle() const;
  /// Its output did not move between the last two reports.
  bool standing_still() const { return power_w_ == previous_w_; }
  const ReportHistory &history() const { return history_; }

  /// Most and least that should be asked for: the law's range inside the learnt limits.
  float high_w() const;
  float low_w() const;
  /// The same without what is only being tried out.
  float sure_high_w() const;
  float sure_low_w() const;
  bool limit_known() const { return high_limit_.known() || low_limit_.known(); }

  /// How far the setpoint can move within `seconds`, upwards or downwards.
  float reach_w(float seconds, bool up) const;

 private:
  void note_time(uint32_t now_ms);
  void observe();
  void identify();
  void refine_gain(bool slew_limited);
  void adopt(const LawState &law);
  PowerRange range() const { return range_of(prior_); }
  void observe_generic(float seconds);
  void moved_as_told(float gap_w, float tolerance_w);
  void stood_still(float expected_w, float gap_w, float tolerance_w);
  void moved_otherwise(float gap_w, float tolerance_w);
  void give_up();
  void push_free(bool up);
  void push_failed();
  /// A B2500 that says so: its law is not in doubt.
  bool surely_dc() const { return law_.kind == LawKind::kDcRegulator && declared_ == LawKind::kDcRegulator; }
  void retry();
  bool learn_limit(float power_w, bool upper);
  /// It stays where it is, whatever it is told.
  void freeze();
  void place(float power_w);
  void doubt(float share) { confidence_ -= share * confidence_; }
  void note_lag();
  void settle_offset(float moved_w);
  float expected_w() const;
  float generic_setpoint_w() const { return power_w_ + in_flight_w_; }
  const LearntLimit &limit(bool upper) const { return upper ? high_limit_ : low_limit_; }
  LearntLimit &limit(bool upper) { return upper ? high_limit_ : low_limit_; }

  LawState law_;
  LawIdentifier identifier_;
  LearntLimit high_limit_{true};
  LearntLimit low_limit_{false};
  ReportHistory history_;

  float power_w_ = 0.0f;
  float previous_w_ = 0.0f;
  float seconds_ = 1.0f;          ///< between the last two reports
  float poll_interval_s_ = 1.0f;  ///< smoothed
  float slew_w_s_ = 400.0f;
  float start_delay_s_ = 3.0f;
  float lag_s_ = 1.2f;
  float confidence_ = 1.0f;
  float in_flight_w_ = 0.0f;      ///< kGeneric: commanded and not yet visible
  float idle_s_ = 0.0f;           ///< time at zero although a setpoint stands
  float still_s_ = 0.0f;          ///< time without a move although a setpoint stands
  float command_age_s_ = -1.0f;   ///< age of the command whose effect is awaited; negative = none
  float since_lowered_s_ = 1e6f;  ///< since the last command towards zero
  float wound_w_ = 0.0f;          ///< setpoint given up when the output stood still
  float generic_left_s_ = 0.0f;
  float push_wait_s_ = 0.0f;  ///< time until a battery that does not move may be pushed again
  uint16_t generic_s_ = 120;
  uint16_t unwind_w_ = 60;
  int16_t furthest_w_ = 0;  ///< kGeneric: furthest output in the direction it is pushed
  int16_t last_reading_ = 0;
  int16_t most_w_ = 0;  ///< largest output seen
  int16_t least_w_ = 0;
  uint8_t polls_ = 0;
  uint8_t fits_ = 0;  ///< correct predictions of moves since the last switch
  uint8_t stuck_ = 0;
  uint8_t quiet_polls_ = 0;               ///< polls in a row without a command and without a move
  int8_t earlier_move_ = 0;               ///< direction of the move before the last one; 0 = hardly any
  LawKind prior_ = LawKind::kGeneric;     ///< law it runs, or ran before it became generic
  LawKind declared_ = LawKind::kGeneric;  ///< law that its type suggests
  bool settled_ = true;
  bool was_settled_ = true;
  bool collapsing_ = false;
  bool pushed_up_ = false;
  bool pushing_free_ = false;
};

}  // namespace nullwatt
