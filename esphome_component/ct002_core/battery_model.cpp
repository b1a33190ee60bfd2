#include "battery_model.h"

#include <cmath>

#include "clock.h"
#include "law_dc_regulator.h"
#include "law_inversion.h"
#include "law_ramp.h"
#include "numeric.h"
#include "whole_watts.h"

namespace nullwatt {
namespace {

constexpr float kNone = 1e9f;
constexpr float kIdleW = 6.0f;
/// Setpoints this small do not start an inverter.
constexpr float kNoSetpointW = 5.0f;
constexpr float kToleranceW = 12.0f;
constexpr float kDcToleranceW = 20.0f;
constexpr float kStillW = 4.0f;
constexpr float kMoveW = 20.0f;
constexpr float kMinSlew = 60.0f;
/// Setpoints beyond this start every inverter that can start.
constexpr float kWakingW = 25.0f;
constexpr uint8_t kQuietPolls = 2;
/// A model trusted less than this makes no forecasts.
constexpr float kForecastConfidence = 0.5f;
constexpr float kLongAgoS = 1e6f;
/// Below this the law is not believed any more.
constexpr float kLeastConfidence = 0.3f;
constexpr float kRetryConfidence = 0.6f;
constexpr uint16_t kLongestGenericS = 3600;
/// Largest step of winding a setpoint back, growing while the output does not react.
constexpr uint16_t kFirstUnwindW = 60;
constexpr float kGentleUnwindW = 60.0f;
constexpr uint16_t kLargestUnwindW = 800;
/// An output that far on the other side of zero is not at a limit on this side.
constexpr float kOtherSideW = 30.0f;
/// While this much is missing and nobody covers it, learnt limits age so many times faster.
constexpr float kPressingW = 60.0f;
constexpr float kPushingS = 60.0f;
constexpr float kPushWaitS = 600.0f;
constexpr float kPressingHaste = 7.0f;

}  // namespace

void BatteryModel::reset(LawKind prior, uint8_t rest_band_w, float power_w, uint32_t now_ms) {
  *this = BatteryModel();
  declared_ = prior_ = prior;
  law_ = resting_law(Law{1.0f, prior_, rest_band_w}, power_w);
  identifier_.reset(prior_, rest_band_w, power_w);
  history_.reset(power_w, now_ms);
  power_w_ = previous_w_ = power_w;
}

// -- reports -------------------------------------------------------------------------------

void BatteryModel::note_time(uint32_t now_ms) {
  float seconds = static_cast<float>(elapsed_ms(now_ms, history_.newest_ms())) / 1000.0f;
  seconds_ = clamp(seconds, 0.05f, 10.0f);
  if (polls_ > 0) poll_interval_s_ += (polls_ > 1 ? 0.2f : 1.0f) * (seconds_ - poll_interval_s_);
  if (polls_ < 2) polls_++;
  high_limit_.advance(seconds);
  low_limit_.advance(seconds);
  since_lowered_s_ = smaller(since_lowered_s_ + seconds, kLongAgoS);
  generic_left_s_ = larger(0.0f, generic_left_s_ - seconds);
  push_wait_s_ = larger(0.0f, push_wait_s_ - seconds);
  if (command_age_s_ >= 0.0f) command_age_s_ += seconds;
}

float BatteryModel::age_s(uint32_t now_ms) const {
  return static_cast<float>(elapsed_ms(now_ms, history_.newest_ms())) / 1000.0f;
}

bool BatteryModel::idle() const { return std::fabs(power_w_) < kIdleW; }

void BatteryModel::report(float power_w, uint32_t now_ms) {
  bool first = polls_ == 0;
  note_time(now_ms);
  float earlier_w = power_w_ - previous_w_;
  earlier_move_ = static_cast<int8_t>(earlier_w > kMoveW ? 1 : earlier_w < -kMoveW ? -1 : 0);
  previous_w_ = power_w_;
  power_w_ = power_w;
  most_w_ = whole_watts(larger(power_w, static_cast<float>(most_w_)));
  least_w_ = whole_watts(smaller(power_w, static_cast<float>(least_w_)));
  if (!first) observe();
  history_.add(power_w, now_ms);
}

void BatteryModel::accompany(float power_w, uint32_t now_ms) {
  note_time(now_ms);
  previous_w_ = power_w_;
  power_w_ = power_w;
  place(power_w);
  identifier_.place(power_w);
  in_flight_w_ = 0.0f;
  idle_s_ = still_s_ = 0.0f;
  stuck_ = 0;
  history_.add(power_w, now_ms);
}

void BatteryModel::rejoin(float power_w, uint32_t now_ms) {
  power_w_ = previous_w_ = power_w;
  law_ = resting_law(law_, power_w);
  identifier_.place(power_w);
  history_.reset(power_w, now_ms);
  high_limit_.forget();
  low_limit_.forget();
  in_flight_w_ = idle_s_ = still_s_ = 0.0f;
  stuck_ = 0;
}

/// Output the setpoint leads to once the inverter has followed.
float BatteryModel::expected_w() const {
  float setpoint_w = law_.shown_w[identifier_.delay()];
  if (std::fabs(setpoint_w) < kNoSetpointW) setpoint_w = 0.0f;
  setpoint_w = clamp(setpoint_w, range().low_w, range().high_w);
  return clamp(setpoint_w, low_limit_.expected_w(-kNone), high_limit_.expected_w(kNone));
}

void BatteryModel::observe() {
  bool hasty = false;
  bool disproved = high_limit_.disproved(power_w_, &hasty);
  if (low_limit_.disproved(power_w_, &hasty)) disproved = true;
  if (disproved && hasty) confidence_ *= 0.7f;
  was_settled_ = settled_;
  identify();
  if (law_.kind != LawKind::kGeneric && !surely_dc() && confidence_ < kLeastConfidence) give_up();
  if (law_.kind == LawKind::kGeneric && prior_ != LawKind::kGeneric && generic_left_s_ <= 0.0f &&
      std::fabs(power_w_ - previous_w_) < 8.0f) {
    retry();
  }
  if (law_.kind == LawKind::kGeneric) {
    observe_generic(seconds_);
    return;
  }
  float expected = expected_w();
  float gap_w = expected - previous_w_;
  float moved_w = power_w_ - previous_w_;
  float tolerance_w = law_.kind == LawKind::kDcRegulator ? kDcToleranceW : kToleranceW;
  float most_w = slew_w_s_ * seconds_;
  settled_ = std::fabs(power_w_ - expected) <= tolerance_w;
  if (settled_) command_age_s_ = -1.0f;
  settle_offset(moved_w);
  if (std::fabs(moved_w - clamp(gap_w, -most_w, most_w)) <= tolerance_w) {
    still_s_ = 0.0f;
    collapsing_ = false;
    if (std::fabs(moved_w) > kMoveW) {
      confidence_ += 0.2f * (1.0f - confidence_);
      stuck_ = 0;
      if (fits_ < UINT8_MAX) fits_++;
      if (std::fabs(gap_w) > kMoveW) note_lag();
    }
    if (settled_) idle_s_ = 0.0f;
  } else if (std::fabs(gap_w) > tolerance_w && (gap_w > 0.0f ? moved_w : -moved_w) > 3.0f) {
    moved_as_told(gap_w, tolerance_w);
  } else if (std::fabs(moved_w) <= kStillW) {
    stood_still(expected, gap_w, tolerance_w);
  } else {
    moved_otherwise(gap_w, tolerance_w);
  }
}

/// Slower or faster than predicted, or past the setpoint, but in the commanded direction.
void BatteryModel::moved_as_told(float gap_w, float tolerance_w) {
  float moved_w = power_w_ - previous_w_;
  float most_w = slew_w_s_ * seconds_;
  if (std::fabs(previous_w_) < kIdleW && idle_s_ > 0.0f) {
    start_delay_s_ += 0.5f * (idle_s_ + 0.5f * seconds_ - start_delay_s_);
  } else {
    note_lag();
  }
  idle_s_ = still_s_ = 0.0f;
  stuck_ = 0;
  collapsing_ = false;
  float rest_w = power_w_ - (previous_w_ + gap_w);
  if (std::fabs(moved_w) > std::fabs(gap_w) + tolerance_w) {
    place(law_.kind == LawKind::kDcRegulator ? power_w_ : law_.shown_w[identifier_.delay()] + rest_w);
    doubt(0.1f);
    return;
  }
  float rate = std::fabs(moved_w) / seconds_;
  if (std::fabs(moved_w) > most_w + tolerance_w) {
    slew_w_s_ += 0.7f * (rate - slew_w_s_);
  } else if (std::fabs(gap_w) > 0.9f * most_w) {
    slew_w_s_ += 0.3f * (larger(kMinSlew, rate) - slew_w_s_);
  } else if (lag_s_ < 1.6f * poll_interval_s_ && law_.kind != LawKind::kDcRegulator) {
    place_law(&law_, law_.setpoint_w() + 0.35f * rest_w);  // it should have arrived
    doubt(0.05f);
  }
}

/// No move although one was expected: late, too weak a command, or at a limit.
void BatteryModel::stood_still(float expected, float gap_w, float tolerance_w) {
  bool was_idle = std::fabs(previous_w_) < kIdleW && idle();
  bool upper = gap_w > 0.0f;
  still_s_ += seconds_;
  if (was_idle) idle_s_ += seconds_;
  float patience_s = was_idle ? start_delay_s_ + 1.2f + 1.5f * poll_interval_s_
                              : larger(lag_s_ + 0.6f, lag_s_ + 0.7f * poll_interval_s_);
  if (law_.kind == LawKind::kDcRegulator) patience_s += 2.0f;
  if (still_s_ < patience_s || std::fabs(expected - power_w_) <= tolerance_w) return;
  still_s_ = idle_s_ = 0.0f;
  // After a clear command it sleeps through the gentle one, too: no rest band does that.
  bool asleep = was_idle && stuck_ > 0 && std::fabs(expected) > kWakingW;
  // A little output on the other side of zero is a small command that did not pass, not the limit again.
  bool beside = (upper ? power_w_ : -power_w_) < -kIdleW && law_.kind != LawKind::kDcRegulator;
  bool met_again = limit(upper).met_at(power_w_) && !beside;
  bool telling = std::fabs(expected - power_w_) > 40.0f || met_again || asleep;
  float given_up_w = law_.setpoint_w();
  place(power_w_);
  if (telling) {
    stuck_++;
    if (stuck_ >= 2 && fits_ < 3 && !surely_dc()) {
      give_up();  // the law never fitted, so nothing can be said about limits
      return;
    }
    bool other_side = (upper ? power_w_ : -power_w_) < -kOtherSideW;
    if (other_side) {
      // Not full and not empty, yet it does not come back: held by its own app. Nothing is wrong with the law.
      if (stuck_ >= 3 || limit(upper).frozen()) {
        stuck_ = 0;
        freeze();
      }
      return;
    }
    if (stuck_ >= 2 || limit(upper).known()) {
      stuck_ = 0;
      // Full or empty, the firmware has integrated all the while: its setpoint lies beyond. A limit of power it knows.
      if (learn_limit(power_w_, upper) && limit(upper).shut() && law_.kind != LawKind::kDcRegulator) {
        place_law(&law_, clamp(given_up_w + wound_w_, -2500.0f, 2500.0f));
        unwind_w_ = 60;
      }
      wound_w_ = 0.0f;
      return;
    }
    wound_w_ = given_up_w - power_w_;
    doubt(0.3f);
  } else {
    doubt(0.02f);  // a small move that did not come says little: every firmware has a rest band
  }
}

/// Moved without a command, or against it.
void BatteryModel::moved_otherwise(float gap_w, float tolerance_w) {
  float moved_w = power_w_ - previous_w_;
  bool shrinking = std::fabs(power_w_) < std::fabs(previous_w_) && power_w_ * previous_w_ >= 0.0f;
  // Still on its way from an earlier command, or just told: that is no refusal.
  bool under_way = static_cast<float>(earlier_move_) * moved_w > 0.0f;
  bool fresh_command = since_lowered_s_ <= 2.5f * poll_interval_s_ || under_way;
  bool upper = gap_w > 0.0f;
  bool was_producing = previous_w_ > 0.0f;
  still_s_ = 0.0f;
  if (law_.kind == LawKind::kDcRegulator) {
    place(power_w_);
  } else if (std::fabs(gap_w) > tolerance_w && (upper ? moved_w : -moved_w) < -25.0f && !fresh_command) {
    learn_limit(previous_w_, upper);  // asked one way, went the other
    place(power_w_);
  } else if (collapsing_ && shrinking) {
    limit(was_producing).follow(power_w_);
  } else if (shrinking && std::fabs(gap_w) <= tolerance_w && std::fabs(moved_w) > 25.0f && !limit_known() &&
             since_lowered_s_ > 2.5f * poll_interval_s_ + lag_s_) {
    learn_limit(power_w_, was_producing);  // empty, full or derated: the setpoint stands where it was
    collapsing_ = true;
    unwind_w_ = kFirstUnwindW;
  } else {
    place(power_w_);
    doubt(0.1f);
  }
}

/// An output that rests a little beside its setpoint shows an offset of the inverter or a step the
/// model counted wrong. Left alone it would stay in the sum of the setpoints for ever.
void BatteryModel::settle_offset(float moved_w) {
  bool quiet = last_reading_ == 0 && std::fabs(moved_w) <= kStillW;
  uint8_t wanted = static_cast<uint8_t>(kQuietPolls + identifier_.delay());
  quiet_polls_ = !quiet ? 0 : quiet_polls_ < wanted ? static_cast<uint8_t>(quiet_polls_ + 1) : wanted;
  if (quiet_polls_ == wanted && settled_ && !idle() && !limit_known()) place(power_w_);
}

void BatteryModel::note_lag() {
  if (command_age_s_ < 0.0f) return;
  lag_s_ += 0.3f * (clamp(command_age_s_, 0.3f, 6.0f) - lag_s_);
  command_age_s_ = -1.0f;
}

void BatteryModel::freeze() {
  high_limit_.freeze(power_w_);
  low_limit_.freeze(power_w_);
}

bool BatteryModel::learn_limit(float power_w, bool upper) {
  if ((upper ? power_w : -power_w) < -kOtherSideW) {
    confidence_ *= 0.7f;
    return false;
  }
  limit(upper).learn(power_w);
  return true;
}

/// The setpoint whose effect shows now turned out to be `power_w`; what was commanded since stands.
void BatteryModel::place(float power_w) {
  place_law(&law_, law_.setpoint_w() + power_w - law_.shown_w[identifier_.delay()]);
}

// -- which law -----------------------------------------------------------------------------

void BatteryModel::identify() {
  if (law_.kind == LawKind::kIdeal) return;
  Evidence evidence;
  evidence.power_w = power_w_;
  evidence.previous_w = previous_w_;
  evidence.seconds = seconds_;
  evidence.slew_w_s = slew_w_s_;
  evidence.low_w = low_limit_.expected_w(-kNone);
  evidence.high_w = high_limit_.expected_w(kNone);
  evidence.limited = limit_known();
  LawState better;
  if (identifier_.weigh(evidence, law_, fits_, &better)) {
    adopt(better);
  } else {
    refine_gain(std::fabs(power_w_ - previous_w_) > 0.93f * slew_w_s_ * seconds_);
  }
}

void BatteryModel::adopt(const LawState &law) {
  law_ = law;
  prior_ = law.kind;
  confidence_ = larger(confidence_, 0.8f);
  stuck_ = 0;
  still_s_ = 0.0f;
  fits_ = 0;
}

/// A single unlimited move shows the gain directly.
void BatteryModel::refine_gain(bool slew_limited) {
  bool integrates = law_.kind == LawKind::kIntegrator || law_.kind == LawKind::kIntegrator2;
  float moved_w = power_w_ - previous_w_;
  if (!integrates || slew_limited || limit_known() || !was_settled_ || lag_s_ >= 1.6f * poll_interval_s_) return;
  if (last_reading_ > -60 && last_reading_ < 60) return;
  if (std::fabs(moved_w) <= kMoveW || std::fabs(previous_w_) <= kIdleW) return;
  float gain = (moved_w + (last_reading_ > 0 ? 5.0f : 0.0f)) / static_cast<float>(last_reading_);
  if (gain > 0.2f && gain < 1.1f) law_.gain += 0.3f * (clamp(gain, 0.3f, 1.0f) - law_.gain);
}

void BatteryModel::give_up() {
  law_.kind = LawKind::kGeneric;
  in_flight_w_ = 0.0f;
  last_reading_ = 0;
  still_s_ = 0.0f;
  stuck_ = 0;
  generic_s_ = doubled(generic_s_, kLongestGenericS);
  generic_left_s_ = generic_s_;
  high_limit_.forget();
  low_limit_.forget();
}

void BatteryModel::retry() {
  law_ = resting_law(Law{law_.gain, prior_, law_.rest_band_w}, power_w_);
  confidence_ = kRetryConfidence;
  still_s_ = idle_s_ = 0.0f;
  stuck_ = 0;
  fits_ = 0;
}

void BatteryModel::observe_generic(float seconds) {
  settled_ = std::fabs(power_w_ - previous_w_) < 8.0f;
  in_flight_w_ *= 0.5f;
  if (!settled_) stuck_ = 0;
  // Pushed one way for long without getting any further: that is a limit, even if the output saws
  // up and down below it as some firmware does.
  bool pushing = magnitude(last_reading_) > (limit_known() ? 15 : 20);
  bool up = last_reading_ > 0;
  float furthest_w = static_cast<float>(furthest_w_);
  float further_w = up ? power_w_ - furthest_w : furthest_w - power_w_;
  if (!pushing || up != pushed_up_ || further_w > 15.0f) {
    still_s_ = 0.0f;
    furthest_w_ = whole_watts(power_w_);
    if (up != pushed_up_ || further_w > 15.0f) pushing_free_ = false;
    pushed_up_ = up;
    return;
  }
  still_s_ += seconds;
  // After leaning on the opposite limit its setpoint may be wound up: it gets time to come back.
  float patience_s = start_delay_s_ + (limit(!up).known() || pushing_free_ ? 28.0f : 8.0f);
  if (still_s_ <= patience_s) return;
  still_s_ = 0.0f;
  if ((up ? power_w_ : -power_w_) < -kOtherSideW) {
    freeze();
    return;
  }
  // One that has stopped altogether was further only while it fell.
  learn_limit(idle() ? power_w_ : furthest_w, up);
  if (pushing_free_) push_failed();
}

// -- commands ------------------------------------------------------------------------------

float BatteryModel::high_w() const { return smaller(range().high_w, high_limit_.allowed_w(kNone)); }

float BatteryModel::low_w() const { return larger(range().low_w, low_limit_.allowed_w(-kNone)); }

float BatteryModel::sure_high_w() const { return smaller(range().high_w, high_limit_.sure_w(kNone)); }

float BatteryModel::sure_low_w() const { return larger(range().low_w, low_limit_.sure_w(-kNone)); }

float BatteryModel::reach_w(float seconds, bool up) const {
  float inverter_w = slew_w_s_ * seconds;
  int polls = static_cast<int>(seconds / poll_interval_s_);
  if (polls < 1) polls = 1;
  switch (law_.kind) {
    case LawKind::kRamp: {
      if (!up) return inverter_w;
      float sum_w = 0.0f;
      int position = law_.memory.last < 60 ? 0 : -law_.memory.ramp;
      for (int poll = 0; poll < polls && sum_w < inverter_w; poll++) sum_w += ramp_gain_w(position + poll);
      return smaller(sum_w, inverter_w);
    }
    case LawKind::kDcRegulator:
      return kDcStepW * static_cast<float>(polls);
    case LawKind::kGeneric:
      return 0.5f * inverter_w;
    default:
      return inverter_w;
  }
}

int32_t BatteryModel::reading_for(float move_w) const {
  InversionContext context;
  context.output = static_cast<int32_t>(power_w_);
  context.filter_certain = identifier_.telling_reports() > 4;
  context.still = settled_;
  context.maybe_wound = pushing_free_ || limit(move_w < 0.0f).known();
  context.moved_w = power_w_ - previous_w_;
  context.last_reading = last_reading_;
  return invert_law(law_, move_w, context);
}

void BatteryModel::commit(int32_t reading) {
  float before_w = law_.setpoint_w();
  Poll poll{whole_watts(reading), whole_watts(power_w_)};
  if (law_.kind == LawKind::kGeneric) {
    in_flight_w_ = 0.6f * in_flight_w_ + 0.5f * static_cast<float>(reading);
  } else {
    step_law(&law_, poll);
  }
  if (law_.kind != LawKind::kIdeal) identifier_.sent(poll);
  float after_w = law_.setpoint_w();
  if (after_w != before_w && std::fabs(after_w) < std::fabs(before_w)) since_lowered_s_ = 0.0f;
  if (std::fabs(after_w - before_w) > 30.0f && command_age_s_ < 0.0f && settled_) command_age_s_ = 0.0f;
  last_reading_ = poll.reading;
  bool sure = law_.kind != LawKind::kGeneric && confidence_ > kForecastConfidence && !idle();
  if (sure) history_.expect(expected_w(), slew_w_s_);
}

void BatteryModel::press(float uncovered_w) {
  if (std::fabs(uncovered_w) <= kPressingW) return;
  bool up = uncovered_w > 0.0f;
  limit(up).advance(kPressingHaste * seconds_);
  bool tried = limit(!up).shut() || limit(up).confirmed();
  if (idle() && limit(up).shut() && !limit(up).believed() && tried && push_wait_s_ <= 0.0f && !surely_dc()) {
    push_free(up);
  }
}

/// Nothing comes, and probes do not help. It may be full or empty; but it may also be that its firmware has
/// integrated against the opposite limit for so long that its setpoint lies far on that side. So it is pushed,
/// without assuming where the setpoint is, until it moves or has been pushed across its whole range.
void BatteryModel::push_free(bool up) {
  law_.kind = LawKind::kGeneric;
  in_flight_w_ = 0.0f;
  last_reading_ = 0;
  still_s_ = 0.0f;
  stuck_ = 0;
  generic_left_s_ = kPushingS;
  furthest_w_ = whole_watts(power_w_);
  pushed_up_ = up;
  pushing_free_ = true;
  limit(up).forget();
}

/// It did not move: its setpoint is now at the end of its range, as far as that is known, and is wound back from
/// there. Winding back further could bring it out on the other side.
void BatteryModel::push_failed() {
  pushing_free_ = false;
  push_wait_s_ = kPushWaitS;
  retry();
  place_law(&law_, static_cast<float>(pushed_up_ ? most_w_ : least_w_));
  unwind_w_ = kFirstUnwindW;
}

float BatteryModel::unwinding_w(float target_w) {
  if (law_.kind == LawKind::kDcRegulator || law_.kind == LawKind::kGeneric) return 0.0f;
  bool above = law_.setpoint_w() > high_w() + 15.0f && high_limit_.known();
  bool below = law_.setpoint_w() < low_w() - 15.0f && low_limit_.known();
  float back_w = target_w - law_.setpoint_w();
  if ((!above && !below) || std::fabs(back_w) <= 15.0f || (back_w > 0.0f) != below) return 0.0f;
  float most_w = static_cast<float>(unwind_w_);
  // At a limit of zero nothing shows before it comes out on the other side: not more than is wanted there.
  if (limit(above).shut()) most_w = smaller(most_w, larger(kGentleUnwindW, above ? -target_w : target_w));
  float step_w = clamp(back_w, -most_w, most_w);
  // As long as the output does not react, the setpoint is still far beyond the limit.
  if (std::fabs(power_w_ - previous_w_) < kIdleW) unwind_w_ = doubled(unwind_w_, kLargestUnwindW);
  return step_w;
}

}  // namespace nullwatt
