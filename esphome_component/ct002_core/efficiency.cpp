#include "efficiency.h"

#ifndef CT002_NO_EFFICIENCY

#include <cmath>

#include "clock.h"
#include "numeric.h"

namespace nullwatt {
namespace {

constexpr float kLongestStepS = 5.0f;
/// A battery that can deliver less than this is no help.
constexpr float kLeastRoomW = 30.0f;
/// Demand beyond zero that turns the pool's direction.
constexpr float kTurnW = 20.0f;
/// Demand has to exceed a slot's power by so much before one more battery is woken.
constexpr float kGrow = 1.2f;
/// One battery more than the slots stays while the others would be at their limits without it.
constexpr float kCoverMargin = 1.05f;
constexpr float kSureStartW = 200.0f;
constexpr float kProbeGrowth = 0.35f;
constexpr float kProbeStep = 0.25f;
constexpr uint8_t kProofs = 2;
/// A first output above this comes from an inverter that needs so much to start.
constexpr float kFloorW = 50.0f;
constexpr float kFloorMargin = 1.1f;
constexpr float kNothingW = 6.0f;
constexpr float kNoDemandW = 10.0f;
constexpr float kFaded = 0.05f;
constexpr float kFadeW = 25.0f;
constexpr float kShortW = 40.0f;
constexpr float kLeastWindow = 0.01f;
/// Intervals that a battery which could not serve may catch up afterwards.
constexpr float kCatchUpIntervals = 2.0f;

}  // namespace

void Efficiency::set_least_power(const Config &config) {
  float both_w = config.min_efficient_power;
  least_charge_w_ = config.min_efficient_charge < 0.0f ? both_w : config.min_efficient_charge;
  least_discharge_w_ = config.min_efficient_discharge < 0.0f ? both_w : config.min_efficient_discharge;
}

void Efficiency::configure(const Config &config) {
  set_least_power(config);
  probe_least_w_ = config.probe_min_power;
  proof_w_ = config.saturation_min_target;
  step_w_ = kProbeStep * proof_w_;
  interval_s_ = larger(1.0f, static_cast<float>(config.efficiency_rotation_interval_ms) / 1000.0f);
  fade_ = config.efficiency_fade_alpha;
  smoothing_ = config.efficiency_demand_alpha;
  swap_score_ = config.efficiency_saturation_threshold;
  grace_s_ = static_cast<float>(config.saturation_grace_seconds_ms) / 1000.0f;
  restart();
}

void Efficiency::restart() {
  slots_ = able_ = 0;
  started_ = limiting_ = probing_ = forced_ = fading_ = false;
  probe_w_ = 0.0f;
}

Turn Efficiency::newcomer() const {
  Turn turn;
  if (limiting_) turn.state = TurnState::kParked;
  if (limiting_) turn.presence = 0.0f;
  return turn;
}

/// What those who work must be able to deliver.
float Efficiency::cover_w() const { return larger(std::fabs(wanted_w_), size_w_); }

/// Time a battery gets to start once it is woken.
float Efficiency::grace_s() const { return smaller(grace_s_, interval_s_); }

// -- views of a member ---------------------------------------------------------------------

float Efficiency::room_w(const TurnMember &member) const {
  return discharging_ ? member.discharge_room_w : member.charge_room_w;
}

uint8_t Efficiency::order(const TurnMember &member) const {
  return discharging_ ? member.discharge_order : member.charge_order;
}

bool Efficiency::saturated(const TurnMember &member) const {
  return swap_score_ > 0.0f && member.saturation->score(discharging_) >= swap_score_;
}

bool Efficiency::usable(const TurnMember &member) const {
  return member.weight > 0.0f && room_w(member) >= kLeastRoomW;
}

/// It carries load, or soon will.
bool Efficiency::works(const TurnMember &member) const {
  bool active = member.turn->state == TurnState::kActive || member.turn->state == TurnState::kLeaving;
  return active && usable(member);
}

/// It does not, but could.
bool Efficiency::rests(const TurnMember &member) const {
  bool resting = member.turn->state == TurnState::kParked || member.turn->state == TurnState::kCandidate;
  return resting && usable(member);
}

/// Whether `a` is to serve rather than `b`.
bool Efficiency::goes_first(const TurnMember &a, const TurnMember &b) const {
  if (saturated(a) != saturated(b)) return saturated(b);
  if ((a.window_weight > 0.0f) != (b.window_weight > 0.0f)) return a.window_weight > 0.0f;
  if (order(a) != order(b)) return order(a) < order(b);
  return a.turn->served_s < b.turn->served_s;
}

void Efficiency::activate(const TurnMember &member) const {
  member.turn->state = TurnState::kActive;
  member.turn->held_s = 0.0f;
  member.saturation->restart(grace_s());
}

void Efficiency::park(const TurnMember &member) const { member.turn->state = TurnState::kParked; }

// -- time ----------------------------------------------------------------------------------

void Efficiency::advance(const TurnMember *members, uint8_t count, uint8_t own, float wanted_w, uint32_t now_ms) {
  float seconds = started_ ? smaller(static_cast<float>(elapsed_ms(now_ms, seen_ms_)) / 1000.0f, kLongestStepS) : 0.0f;
  seen_ms_ = now_ms;
  measure(wanted_w, seconds);
  started_ = true;
  limiting_ = count_slots(members, count);
  if (!limiting_) {
    activate_all(members, count);
    forced_ = false;
  } else {
    count_time(members, count, seconds);
    if (probing_) run_probe(members, count, own, seconds);
    fill_slots(members, count);
    rotate(members, count);
  }
  fade(members, count, seconds);
}

void Efficiency::measure(float wanted_w, float seconds) {
  float size_w = std::fabs(wanted_w);
  if (size_w > kTurnW || !started_) discharging_ = wanted_w >= 0.0f;
  size_w_ += (started_ ? 1.0f - power(1.0f - smoothing_, seconds) : 1.0f) * (size_w - size_w_);
  wanted_w_ = wanted_w;
}

/// How many batteries are to work; false = all of them.
bool Efficiency::count_slots(const TurnMember *members, uint8_t count) {
  uint8_t able = 0;
  for (uint8_t i = 0; i < count; i++) {
    if (usable(members[i])) able++;
  }
  float least_w = least_power_w();
  if (least_w <= 0.0f || count < 2 || able == 0) return false;
  float all_w = least_w * static_cast<float>(able);
  if (able > 1 && size_w_ >= (limiting_ ? kGrow : 1.0f) * all_w) return false;
  float most = static_cast<float>(able > 1 ? able - 1 : 1);
  uint8_t needed = static_cast<uint8_t>(clamp(size_w_ / least_w, 1.0f, most));
  uint8_t allowed = static_cast<uint8_t>(clamp(size_w_ / (kGrow * least_w), 1.0f, most));
  // Who has just come may have been missing all along.
  if (!limiting_ || able > able_ || needed < slots_) slots_ = needed;
  able_ = able;
  if (allowed > slots_) slots_ = allowed;
  return true;
}

void Efficiency::activate_all(const TurnMember *members, uint8_t count) {
  probing_ = false;
  for (uint8_t i = 0; i < count; i++) {
    Turn *turn = members[i].turn;
    if (turn->state == TurnState::kLeaving) turn->state = TurnState::kActive;
    if (turn->state != TurnState::kActive) activate(members[i]);
  }
}

void Efficiency::count_time(const TurnMember *members, uint8_t count, float seconds) {
  float most_s = 0.0f;
  float least_s = 1e9f;
  bool windows = false;
  for (uint8_t i = 0; i < count; i++) windows = windows || members[i].window_weight > 0.0f;
  for (uint8_t i = 0; i < count; i++) {
    Turn *turn = members[i].turn;
    if (works(members[i])) {
      turn->held_s += seconds;
      turn->served_s += seconds / (windows ? larger(members[i].window_weight, kLeastWindow) : 1.0f);
    }
    most_s = larger(most_s, turn->served_s);
    least_s = smaller(least_s, turn->served_s);
  }
  // Only differences count; and who could not serve for hours does not make up for all of them.
  float floor_s = larger(least_s, most_s - kCatchUpIntervals * interval_s_);
  for (uint8_t i = 0; i < count; i++) {
    members[i].turn->served_s = larger(0.0f, members[i].turn->served_s - floor_s);
  }
}

/// Parks those that are no use, if there is anybody better.
void Efficiency::retire(const TurnMember *members, uint8_t count) const {
  bool relief = false;
  for (uint8_t i = 0; i < count; i++) relief = relief || (rests(members[i]) && !saturated(members[i]));
  for (uint8_t i = 0; i < count; i++) {
    const TurnMember &member = members[i];
    bool useless = !usable(member) || (saturated(member) && relief);
    if (member.turn->state != TurnState::kActive || !useless) continue;
    park(member);
    member.turn->presence = 0.0f;  // it carries nothing, so its share is free at once
  }
}

/// The one to wake next.
const TurnMember *Efficiency::best_resting(const TurnMember *members, uint8_t count) const {
  const TurnMember *best = nullptr;
  for (uint8_t i = 0; i < count; i++) {
    if (rests(members[i]) && (best == nullptr || goes_first(members[i], *best))) best = &members[i];
  }
  return best;
}

/// The one to park next: the others can do without at least `spare_w` of what can be delivered.
const TurnMember *Efficiency::most_dispensable(const TurnMember *members, uint8_t count, float spare_w) const {
  const TurnMember *worst = nullptr;
  for (uint8_t i = 0; i < count; i++) {
    const TurnMember &member = members[i];
    bool free = member.turn->state == TurnState::kActive && works(member) && room_w(member) <= spare_w;
    if (free && (worst == nullptr || goes_first(*worst, member))) worst = &member;
  }
  return worst;
}

/// Wakes those that are missing, parks those that are too many.
void Efficiency::fill_slots(const TurnMember *members, uint8_t count) {
  retire(members, count);
  for (uint8_t pass = 0; pass < count; pass++) {
    uint8_t working = 0;
    float room_sum_w = 0.0f;
    for (uint8_t i = 0; i < count; i++) {
      if (!works(members[i])) continue;
      working++;
      room_sum_w += room_w(members[i]);
    }
    if (working < slots_ || room_sum_w < cover_w()) {
      const TurnMember *next = best_resting(members, count);
      if (next == nullptr) return;
      if (next->turn->state == TurnState::kCandidate) cancel_probe(members, count);
      activate(*next);
    } else if (working > slots_) {
      const TurnMember *last = most_dispensable(members, count, room_sum_w - kCoverMargin * cover_w());
      if (last == nullptr) return;
      park(*last);
    } else {
      return;
    }
  }
}

/// Somebody has held its place for its time and another one has served less: it is that one's turn.
void Efficiency::rotate(const TurnMember *members, uint8_t count) {
  bool forced = forced_;
  if (probing_ && !forced) return;
  forced_ = false;
  const TurnMember *given_up = nullptr;  // a candidate whose trial is cut short comes last
  float most = 0.0f;
  float room_sum_w = 0.0f;
  for (uint8_t i = 0; i < count; i++) {
    most = larger(most, members[i].window_weight);
    if (members[i].turn->state == TurnState::kCandidate) given_up = &members[i];
    if (works(members[i])) room_sum_w += room_w(members[i]);
  }
  cancel_probe(members, count);
  const TurnMember *next = nullptr;
  for (uint8_t i = 0; i < count; i++) {
    const TurnMember &member = members[i];
    if (!rests(member) || saturated(member) || (member.window_weight <= 0.0f && most > 0.0f)) continue;
    bool sooner = next == nullptr || next == given_up || (&member != given_up && goes_first(member, *next));
    if (sooner) next = &member;
  }
  if (next == nullptr) return;
  const TurnMember *leaving = nullptr;
  for (uint8_t i = 0; i < count; i++) {
    const TurnMember &member = members[i];
    bool covered = room_sum_w - room_w(member) + room_w(*next) >= kCoverMargin * cover_w();
    if (!works(member) || !covered) continue;
    float hold_s = most > 0.0f ? interval_s_ * member.window_weight / most : interval_s_;
    bool out_of_order = order(*next) < order(member);
    bool rather_not = member.window_weight <= 0.0f && most > 0.0f;
    bool over =
        order(*next) == order(member) && member.turn->held_s >= hold_s && next->turn->served_s < member.turn->served_s;
    if (!forced && !out_of_order && !rather_not && !over) continue;
    if (leaving == nullptr || goes_first(*leaving, member)) leaving = &member;
  }
  if (leaving != nullptr) start_probe(*next, *leaving);
}

// -- handing over --------------------------------------------------------------------------

void Efficiency::start_probe(const TurnMember &candidate, const TurnMember &leaving) {
  candidate.turn->state = TurnState::kCandidate;
  candidate.saturation->restart(grace_s_);
  leaving.turn->state = TurnState::kLeaving;
  probing_ = true;
  probe_w_ = probe_s_ = first_w_ = 0.0f;
  proofs_ = 0;
}

void Efficiency::run_probe(const TurnMember *members, uint8_t count, uint8_t own, float seconds) {
  const TurnMember *candidate = nullptr;
  bool leaving = false;
  for (uint8_t i = 0; i < count; i++) {
    if (members[i].turn->state == TurnState::kCandidate) candidate = &members[i];
    if (members[i].turn->state == TurnState::kLeaving) leaving = true;
  }
  if (candidate == nullptr || !leaving || candidate->weight <= 0.0f) {
    cancel_probe(members, count);
    return;
  }
  float size_w = std::fabs(wanted_w_);
  float delivered_w = discharging_ ? candidate->power_w : -candidate->power_w;
  if (size_w < kNoDemandW) {
    probe_w_ = larger(0.0f, probe_w_ - proof_w_ * seconds);
    return;
  }
  probe_s_ += seconds;
  probe_w_ += seconds * larger(step_w_, kProbeGrowth * probe_w_);
  // Until something comes, no more than starts any inverter: it would come all at once.
  float ceiling_w = larger(first_w_ > 0.0f ? size_w : smaller(size_w, kSureStartW), probe_least_w_);
  probe_w_ = smaller(larger(probe_w_, delivered_w), ceiling_w);
  if (first_w_ <= 0.0f && delivered_w > kNothingW) first_w_ = delivered_w;
  if (candidate == &members[own]) proofs_ = delivered_w >= proof_w_ ? static_cast<uint8_t>(proofs_ + 1) : 0;
  if (proofs_ >= kProofs) {
    commit(members, count, *candidate);
  } else if (probe_s_ > grace_s_) {
    reject(members, count, *candidate);
  }
}

/// It delivers: from now on shares move, beginning at what everybody delivers now.
void Efficiency::commit(const TurnMember *members, uint8_t count, const TurnMember &candidate) {
  float others_w = 0.0f;
  float weights = 0.0f;
  for (uint8_t i = 0; i < count; i++) {
    if (&members[i] == &candidate) continue;
    others_w += std::fabs(members[i].power_w);
    weights += members[i].weight * members[i].turn->presence;
    if (members[i].turn->state == TurnState::kLeaving) park(members[i]);
  }
  activate(candidate);
  float part = others_w > 1.0f ? std::fabs(candidate.power_w) / others_w : 1.0f;
  candidate.turn->presence = clamp(part * weights / candidate.weight, 0.0f, 1.0f);
  // An inverter that does not run at less than its first output cannot be faded in or out below it.
  if (first_w_ > kFloorW && std::fabs(wanted_w_) < 2.0f * kFloorMargin * first_w_) {
    candidate.turn->presence = 1.0f;
    for (uint8_t i = 0; i < count; i++) {
      if (members[i].turn->state == TurnState::kParked) members[i].turn->presence = 0.0f;
    }
  }
  probing_ = false;
}

void Efficiency::reject(const TurnMember *members, uint8_t count, const TurnMember &candidate) {
  float most_s = 0.0f;
  for (uint8_t i = 0; i < count; i++) most_s = larger(most_s, members[i].turn->served_s);
  candidate.turn->served_s = most_s + interval_s_;
  candidate.turn->presence = 0.0f;
  candidate.saturation->condemn(discharging_);
  cancel_probe(members, count);
}

void Efficiency::cancel_probe(const TurnMember *members, uint8_t count) {
  probing_ = false;
  for (uint8_t i = 0; i < count; i++) {
    TurnState *state = &members[i].turn->state;
    if (*state == TurnState::kCandidate) *state = TurnState::kParked;
    if (*state == TurnState::kLeaving) *state = TurnState::kActive;
  }
}

void Efficiency::fade(const TurnMember *members, uint8_t count, float seconds) {
  float part = 1.0f - power(1.0f - fade_, seconds);
  // No faster than the one that leaves can follow the one that comes.
  float most = kFadeW * seconds / larger(std::fabs(wanted_w_), kFadeW);
  float short_w = wanted_w_;
  for (uint8_t i = 0; i < count; i++) short_w -= members[i].power_w;
  if (!discharging_) short_w = -short_w;
  // Nobody withdraws while the others do not yet deliver what they should, nobody comes while they still do.
  fading_ = false;
  for (uint8_t i = 0; i < count; i++) {
    Turn *turn = members[i].turn;
    if (turn->state == TurnState::kCandidate) continue;
    float goal = turn->state == TurnState::kParked ? 0.0f : 1.0f;
    bool wait = goal > turn->presence ? short_w < -kShortW : short_w > kShortW;
    if (!wait) turn->presence += clamp(part * (goal - turn->presence), -most, most);
    if (std::fabs(goal - turn->presence) < kFaded) turn->presence = goal;
    fading_ = fading_ || turn->presence != goal;
  }
}

}  // namespace nullwatt

#endif
