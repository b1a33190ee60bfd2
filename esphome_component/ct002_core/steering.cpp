#include "steering.h"

#include <cmath>

#include "allocator.h"
#include "config.h"
#include "law_dc_regulator.h"
#include "numeric.h"

namespace nullwatt {
namespace {

/// How far ahead this battery's own reach counts.
constexpr float kHorizonS = 1.5f;
/// Polls ahead that the others' reach counts: less when little is missing.
constexpr float kOthersPolls = 1.2f;
constexpr float kOthersPollsQuiet = 0.6f;
constexpr float kStretchS = 3.0f;
/// Errors below this are small: one battery corrects them, shares are evened out meanwhile.
constexpr float kSmallErrorW = 60.0f;
constexpr float kDeadbandSigmas = 1.2f;
/// A small error that takes a battery further than this from its share goes to another one.
constexpr float kShareToleranceW = 10.0f;
constexpr float kShareTolerance = 0.01f;
constexpr float kShareQuietS = 3.0f;
constexpr float kWakeW = 30.0f;
constexpr float kEarlyPolls = 2.0f;
/// A move that every firmware carries out.
constexpr float kLeastMoveW = 13.0f;
constexpr float kIdleStepW = 21.0f;
constexpr float kDropW = 150.0f;
/// A charging ramp moves in steps of 20 W: it rests a little on the export side.
constexpr float kChargingBiasW = 5.0f;

class Steering {
 public:
  Steering(const PoolMember *members, uint8_t count, uint8_t own, const DemandEstimator &demand,
           const SteeringStyle &style, uint32_t now_ms)
      : members_(members),
        count_(count),
        own_(own),
        demand_(demand),
        style_(style),
        now_ms_(now_ms),
        me_(*members[own].model) {}

  Move run() {
    demand_w_ = wanted_output_w(style_, demand_.demand_w(now_ms_, me_.poll_interval_s()));
    float heading_w = 0.0f;
    for (uint8_t i = 0; i < count_; i++) heading_w += members_[i].model->setpoint_w();
    allocate(std::fabs(demand_w_ - heading_w) > kSmallErrorW);
    missing_w_ = demand_w_ - counted_setpoints_w();
    Share &share = shares_[own_];
    // Beyond its own box it asks for its whole share: the firmware goes as far as it can.
    if (count_ > 1 && !members_[own_].pinned) {
      bool blocked_up = share.base_w > share.target_w && share.target_w >= share.box_high_w - 1.0f;
      bool blocked_down = share.base_w < share.target_w && share.target_w <= share.box_low_w + 1.0f;
      if ((blocked_up && share.target_w > me_.setpoint_w() + 5.0f) ||
          (blocked_down && share.target_w < me_.setpoint_w() - 5.0f)) {
        share.target_w = share.base_w;
      }
    }
    Move move;
    move.target_w = share.target_w;
    move.base_w = share.base_w;
    move.missing_w = missing_w_;
    move.wanted_w = demand_w_;
    move.uncovered_w = demand_w_;
    for (uint8_t i = 0; i < count_; i++) move.uncovered_w -= shares_[i].base_w;
    if (members_[own_].pinned) {
      move.target_w = share.target_w = clamp(members_[own_].pin_w, members_[own_].low_w, members_[own_].high_w);
      move.move_w = in_style(share.target_w - me_.setpoint_w());
    } else {
      move.move_w = in_style(count_ == 1 ? alone() : together());
    }
    return move;
  }

 private:
  /// A slow battery whose output the meter sees held until its next poll.
  bool is_slow(const BatteryModel &other) const {
    return demand_.held_output() && other.poll_interval_s() >= 1.5f &&
           other.poll_interval_s() >= 1.5f * me_.poll_interval_s();
  }

  /// Where another battery counts by the time this one's command shows.
  float counted_w(const PoolMember &member) const {
    const BatteryModel &other = *member.model;
    // Nobody knows yet whether it will start.
    if (member.pinned && other.idle()) return other.power_w();
    float setpoint_w = other.setpoint_w();
    if (!is_slow(other)) return setpoint_w;
    // The move shows at its next poll: meet it early, never late.
    float until_poll_s = other.poll_interval_s() - other.age_s(now_ms_);
    float change_w = setpoint_w - other.power_w();
    if (change_w < -kDropW || until_poll_s <= kEarlyPolls * me_.poll_interval_s()) return setpoint_w;
    bool soon = until_poll_s <= (kEarlyPolls + 1.0f) * me_.poll_interval_s();
    return soon && std::fabs(change_w) > 50.0f ? other.power_w() + 0.5f * change_w : other.power_w();
  }

  /// Polls of another battery until `polls` polls of this one have passed.
  int polls_ahead(const BatteryModel &other, float polls) const {
    float seconds = other.age_s(now_ms_) + polls * me_.poll_interval_s();
    return static_cast<int>(seconds / other.poll_interval_s());
  }

  void allocate(bool much_missing) {
    for (uint8_t i = 0; i < count_; i++) {
      const BatteryModel &model = *members_[i].model;
      Share &share = shares_[i];
      share.weight = members_[i].weight;
      share.order = demand_w_ < 0.0f ? members_[i].charge_order : members_[i].discharge_order;
      // A battery held somewhere by its own app goes on counting from there.
      share.low_w = larger(members_[i].low_w, i == own_ ? model.low_w() : model.sure_low_w());
      float most_w = i == own_ ? model.high_w() : model.sure_high_w();
      share.high_w = larger(share.low_w, smaller(members_[i].high_w, most_w));
      if (members_[i].floor_w > 0.0f) share.low_w = larger(share.low_w, smaller(members_[i].floor_w, share.high_w));
      float from_w = i == own_ ? model.setpoint_w() : counted_w(members_[i]);
      if (members_[i].pinned) {
        share.weight = 0.0f;
        share.low_w = share.high_w = i == own_ && model.idle() ? model.power_w() : from_w;
      }
      float up_s = kHorizonS;
      float down_s = kHorizonS;
      if (i != own_) {
        int polls = is_slow(model) ? 0 : polls_ahead(model, much_missing ? kOthersPolls : kOthersPollsQuiet);
        // When it is only about shares, nobody makes room for a battery before it has started.
        bool asleep = !much_missing && model.idle() && model.law() != LawKind::kDcRegulator;
        if (asleep) polls = 0;
        up_s = static_cast<float>(polls) * model.poll_interval_s();
        down_s = larger(kHorizonS, up_s);
        // Charging starts downwards: there no room is made for one whose limit is being tried again.
        if (asleep && demand_w_ < 0.0f && model.limit_known()) {
          up_s = kHorizonS;
          down_s = 0.0f;
        }
      }
      float up_w = up_s > 0.0f ? model.reach_w(up_s, true) : 0.0f;
      share.box_low_w = clamp(from_w - model.reach_w(down_s, false), share.low_w, share.high_w);
      share.box_high_w = clamp(from_w + up_w, share.low_w, share.high_w);
      bool open = i == own_ || share.box_high_w > share.box_low_w;
      share.stretch_up_w = open ? model.reach_w(kStretchS, true) : 0.0f;
      share.stretch_down_w = open ? model.reach_w(kStretchS, false) : 0.0f;
    }
    split_demand(demand_w_, shares_, count_);
    spare_small_starts();
    fit_boxes(demand_w_, shares_, count_);
  }

  /// A share too small to start an inverter is better given to one that runs, or all of it to one of them.
  void spare_small_starts() {
    for (uint8_t pass = 1; pass < count_; pass++) {
      uint8_t takers = 0;
      int smallest = -1;
      for (uint8_t i = 0; i < count_; i++) {
        const Share &share = shares_[i];
        if (!(share.weight > 0.0f) || std::fabs(share.base_w) < 1.0f) continue;
        takers++;
        bool starts = std::fabs(share.base_w) >= members_[i].start_w || !members_[i].model->idle();
        if (!starts && (smallest < 0 || share.base_w <= shares_[smallest].base_w)) smallest = i;
      }
      if (takers < 2 || smallest < 0) return;
      shares_[smallest].weight = 0.0f;
      split_demand(demand_w_, shares_, count_);
    }
  }

  /// Sum of the setpoints as they count, and what is being woken on the way.
  float counted_setpoints_w() {
    float sum_w = 0.0f;
    waking_up_w_ = waking_down_w_ = 0.0f;
    for (uint8_t i = 0; i < count_; i++) {
      const BatteryModel &model = *members_[i].model;
      float setpoint_w = i == own_ ? model.setpoint_w() : counted_w(members_[i]);
      if (model.limit_known()) {
        setpoint_w = i == own_ ? clamp(setpoint_w, model.low_w(), model.high_w())
                               : clamp(setpoint_w, model.sure_low_w(), model.sure_high_w());
      }
      sum_w += setpoint_w;
      if (i == own_ || members_[i].pinned) continue;
      if (model.law() == LawKind::kDcRegulator) {
        // It steps by a fixed amount at its next poll, which comes before this battery's one after.
        bool acts_soon = model.age_s(now_ms_) + 0.6f * me_.poll_interval_s() >= model.poll_interval_s();
        float way_w = shares_[i].base_w - model.setpoint_w();
        if (acts_soon && std::fabs(way_w) > kDcStepW) sum_w += way_w > 0.0f ? kDcStepW : -kDcStepW;
      } else if (model.idle() && std::fabs(model.setpoint_w()) > 5.0f &&
                 model.age_s(now_ms_) < 3.0f * model.poll_interval_s()) {
        (model.setpoint_w() > 0.0f ? waking_up_w_ : waking_down_w_) += model.setpoint_w();
      }
    }
    return sum_w;
  }

  float deadband_w(bool import) const {
    float band_w = larger(style_.deadband_w, kDeadbandSigmas * demand_.level_error_w());
    if (me_.law() == LawKind::kRamp && me_.power_w() < 1.0f && shares_[own_].target_w < -20.0f) {
      band_w = import ? larger(band_w - kChargingBiasW, 6.0f) : band_w + kChargingBiasW;
    }
    return demand_.hull_w() > 60.0f ? larger(band_w, 0.15f * demand_.hull_w()) : band_w;
  }

  bool error_matters() const { return std::fabs(missing_w_) > deadband_w(missing_w_ > 0.0f); }

  float alone() const {
    bool outside = me_.setpoint_w() > shares_[own_].high_w + 15.0f || me_.setpoint_w() < shares_[own_].low_w - 15.0f;
    return error_matters() || outside ? shares_[own_].target_w - me_.setpoint_w() : 0.0f;
  }

  float together() const {
    float way_w = shares_[own_].target_w - me_.setpoint_w();
    if (!(members_[own_].weight > 0.0f) && me_.idle()) return going_home(way_w);
    float move_w = wanted(way_w);
    move_w = no_faster_than_others(move_w);
    move_w = mind_waking(move_w);
    float setpoint_w = me_.setpoint_w();
    if (setpoint_w + move_w > shares_[own_].high_w) move_w = shares_[own_].high_w - setpoint_w;
    if (setpoint_w + move_w < shares_[own_].low_w) move_w = shares_[own_].low_w - setpoint_w;
    return move_w;
  }

  float in_style(float move_w) const {
    if (style_.max_slope_w_s > 0.0f) {
      float most_w = style_.max_slope_w_s * me_.poll_interval_s();
      move_w = clamp(move_w, -most_w, most_w);
    }
    if (style_.max_step_w <= 0.0f) return move_w;
    float setpoint_w = me_.setpoint_w();
    float low_w = me_.power_w() - style_.max_step_w;
    float high_w = me_.power_w() + style_.max_step_w;
    return clamp(setpoint_w + move_w, low_w, high_w) - setpoint_w;
  }

  float wanted(float way_w) const {
    // Weight 0 takes no part, in small errors neither; it only goes home.
    if (!(members_[own_].weight > 0.0f)) return going_home(way_w);
    float tolerance_w = larger(style_.share_tolerance_w, kShareTolerance * std::fabs(me_.setpoint_w()));
    if (!error_matters()) {
      bool even_out = style_.even_out && std::fabs(way_w) > tolerance_w && demand_.jump_age_s(now_ms_) > kShareQuietS;
      return even_out ? way_w : 0.0f;
    }
    if (std::fabs(missing_w_) < kSmallErrorW && std::fabs(way_w) < kSmallErrorW) {
      // Who has nothing to do while others work is not woken for it.
      if (me_.idle() && std::fabs(shares_[own_].base_w) < 1.0f && std::fabs(demand_w_) > kSmallErrorW) return 0.0f;
      // One battery takes all of a small error, unless that takes it further from its share.
      bool worse = way_w * missing_w_ < 0.0f && std::fabs(way_w) > kShareToleranceW;
      return worse ? 0.0f : missing_w_;
    }
    return way_w;
  }

  /// Parked batteries stop altogether: a few watts left cost more than they give.
  float going_home(float way_w) const {
    // One that delivers nothing has time; what is too much would come out on the other side.
    if (me_.idle()) way_w = clamp(way_w, -kIdleStepW, kIdleStepW);
    if (std::fabs(way_w) > style_.deadband_w) return way_w;
    bool leftover = std::fabs(shares_[own_].base_w) < 1.0f && !me_.idle();
    if (!leftover) return 0.0f;
    return me_.power_w() > 0.0f ? smaller(way_w, -kLeastMoveW) : larger(way_w, kLeastMoveW);
  }

  /// A pure move of shares goes no faster than the others can mirror it.
  float no_faster_than_others(float move_w) const {
    bool slow_self = demand_.held_output() && me_.poll_interval_s() > 1.5f;
    bool shares_only = (std::fabs(missing_w_) < std::fabs(move_w) && move_w * missing_w_ <= 0.0f) ||
                       std::fabs(move_w) > 2.0f * std::fabs(missing_w_);
    if (slow_self && shares_only) {
      float cap_w = std::fabs(missing_w_);
      for (uint8_t i = 0; i < count_; i++) {
        const BatteryModel &other = *members_[i].model;
        if (i != own_) cap_w += other.reach_w(other.poll_interval_s(), move_w < 0.0f);
      }
      cap_w = smaller(larger(cap_w, 50.0f), style_.share_step_w + std::fabs(missing_w_));
      move_w = clamp(move_w, -cap_w, cap_w);
    }
    if (std::fabs(missing_w_) >= kSmallErrorW) return move_w;
    float up_w = 0.0f;
    float down_w = 0.0f;
    for (uint8_t i = 0; i < count_; i++) {
      const BatteryModel &other = *members_[i].model;
      if (i == own_ || is_slow(other)) continue;
      int polls = polls_ahead(other, kOthersPolls);
      if (polls < 1) continue;
      up_w += other.reach_w(static_cast<float>(polls) * other.poll_interval_s(), true);
      down_w += other.reach_w(static_cast<float>(polls) * other.poll_interval_s(), false);
    }
    float mirrored_w = clamp(move_w, missing_w_ - smaller(up_w, style_.share_step_w),
                             missing_w_ + smaller(down_w, style_.share_step_w));
    // What wakes for its share delivers nothing yet: there is nothing to mirror, and taken back it never starts.
    float setpoint_w = me_.setpoint_w();
    bool taken_back = me_.idle() && mirrored_w * setpoint_w < 0.0f && move_w * setpoint_w >= 0.0f;
    return taken_back && std::fabs(setpoint_w) <= kWakeW ? 0.0f : mirrored_w;
  }

  /// Nobody hands over to a battery that has not started; one woken only for its share wakes gently.
  float mind_waking(float move_w) const {
    if (move_w < 0.0f && waking_up_w_ > 0.0f) {
      move_w = larger(move_w, smaller(0.0f, missing_w_ + waking_up_w_));
    } else if (move_w > 0.0f && waking_down_w_ < 0.0f) {
      move_w = smaller(move_w, larger(0.0f, missing_w_ + waking_down_w_));
    }
    if (!me_.idle() || me_.law() == LawKind::kDcRegulator) return move_w;
    float setpoint_w = me_.setpoint_w();
    if (move_w > 0.0f) return smaller(move_w, larger(larger(missing_w_, kWakeW - setpoint_w), 0.0f));
    return larger(move_w, smaller(smaller(missing_w_, -kWakeW - setpoint_w), 0.0f));
  }

  const PoolMember *members_;
  uint8_t count_;
  uint8_t own_;
  const DemandEstimator &demand_;
  const SteeringStyle &style_;
  uint32_t now_ms_;
  const BatteryModel &me_;
  Share shares_[kMaxBatteries];
  float demand_w_ = 0.0f;
  float missing_w_ = 0.0f;
  float waking_up_w_ = 0.0f;
  float waking_down_w_ = 0.0f;
};

}  // namespace

float wanted_output_w(const SteeringStyle &style, float demand_w) {
  if (style.peak_threshold_w <= 0.0f) return demand_w - style.grid_target_w;
  float house_w = demand_w + style.other_output_w;
  return demand_w - clamp(house_w, 0.0f, style.peak_threshold_w);
}

Move steer_pool(const PoolMember *members, uint8_t count, uint8_t own, const DemandEstimator &demand,
                const SteeringStyle &style, uint32_t now_ms) {
  return Steering(members, count, own, demand, style, now_ms).run();
}

}  // namespace nullwatt
