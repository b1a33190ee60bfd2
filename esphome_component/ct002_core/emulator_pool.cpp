// The emulator's batteries as a pool: who belongs to it, who works, and what each is told.

#include <cmath>

#include "clock.h"
#include "emulator.h"
#include "numeric.h"

namespace nullwatt {
namespace {

constexpr float kNoBoundW = 1e6f;

/// Reading that keeps a B2500 at its floor. It moves in steps of 34 W, so it is left alone up to a
/// step above; where the exact difference is too small to move it, a larger one lifts it by a step.
float keep_awake(const Consumer &consumer, float floor_w) {
  constexpr float kStepW = 36.0f;
  constexpr float kSureReadingW = 30.0f;
  float gap_w = floor_w - static_cast<float>(consumer.power_w);
  if (gap_w <= 0.0f) return gap_w > -kStepW ? 0.0f : gap_w;
  bool told_before = consumer.reading_w > 0.0f && consumer.model.standing_still();
  return gap_w > 1.0f && told_before ? larger(gap_w, kSureReadingW) : gap_w;
}

}  // namespace

// -- steering ------------------------------------------------------------------------------

float Emulator::steer(Consumer *consumer) {
  if (consumer->repeated) return consumer->reading_w;
  PoolMember members[kMaxBatteries];
  uint8_t own = 0;
  uint8_t count = pool_members(members, consumer, &own);
  style_.other_output_w = 0.0f;
  for (const Consumer &other : consumers_) {
    if (other.used && !other.in_pool && !is_expired(other)) style_.other_output_w += static_cast<float>(other.power_w);
  }
  take_turns(members, count, own);
  // A hand-over that nobody is in a hurry for goes in small steps.
  constexpr uint32_t kResettlingMs = 30000;
  constexpr float kSmallToleranceW = 12.0f;
  constexpr float kSmallStepW = 40.0f;
  bool small = efficiency_.fading() || (resettling_ && elapsed_ms(now_ms_, resettled_ms_) < kResettlingMs);
  if (!small) resettling_ = false;
  style_.share_tolerance_w = smaller(config_.balance_deadband, small ? kSmallToleranceW : config_.balance_deadband);
  style_.share_step_w = small ? kSmallStepW : SteeringStyle().share_step_w;
  Move move = steer_pool(members, count, own, demand_, style_, now_ms_);
  missing_w_ = move.missing_w;
  pool_wanted_w_ = move.wanted_w;
  consumer->target_w = move.target_w;
  consumer->target_known = true;
  consumer->steered_sample = grid_.sequence();
  consumer->model.press(move.uncovered_w);
  note_saturation(members, count, own, consumer, move);
  float floor_w = members[own].floor_w;
  if (floor_w > 0.0f && move.target_w <= floor_w + 1.0f && consumer->model.law() == LawKind::kDcRegulator) {
    return keep_awake(*consumer, floor_w);
  }
  bool takes_part = members[own].weight > 0.0f;
  float unwinding_w = takes_part ? consumer->model.unwinding_w(move.target_w) : 0.0f;
  return static_cast<float>(consumer->model.reading_for(unwinding_w != 0.0f ? unwinding_w : move.move_w));
}

uint8_t Emulator::pool_members(PoolMember *members, const Consumer *wanted, uint8_t *own) {
  uint8_t count = 0;
  for (Consumer &consumer : consumers_) {
    if (!consumer.in_pool) continue;
    if (&consumer == wanted) *own = count;
    members[count++] = pool_member(&consumer);
  }
  return count;
}

PoolMember Emulator::pool_member(Consumer *consumer) const {
  const Settings &settings = settings_of(*consumer);
  const DeviceTraits &traits = consumer->traits;
  PoolMember member;
  member.model = &consumer->model;
  member.weight = settings.weight;
  bool charge_bound = settings.max_charge_w >= 0.0f;
  member.low_w = !traits.ac_chargeable ? 0.0f : charge_bound ? -settings.max_charge_w : -kNoBoundW;
  member.high_w = settings.max_discharge_w >= 0.0f ? settings.max_discharge_w : kNoBoundW;
  // Only units without an inverter of their own fall asleep at 0 W.
  float usual_floor_w = traits.inverter || traits.ac_chargeable ? 0.0f : config_.min_dc_output;
  float floor_w = settings.min_dc_output_w >= 0.0f ? settings.min_dc_output_w : usual_floor_w;
  member.floor_w = settings.weight > 0.0f ? smaller(floor_w, member.high_w) : 0.0f;
  member.start_w = settings.start_power_w >= 0.0f ? settings.start_power_w : static_cast<float>(traits.start_w);
  member.charge_order = settings.charge_order;
  member.discharge_order = settings.discharge_order;
  return member;
}

/// Efficiency mode: who works, and how much of its share it takes while it fades in or out.
void Emulator::take_turns(PoolMember *members, uint8_t count, uint8_t own) {
  if (!efficiency_.enabled()) return;
  TurnMember turns[kMaxBatteries];
  uint8_t n = 0;
  for (Consumer &consumer : consumers_) {
    if (!consumer.in_pool) continue;
    const PoolMember &member = members[n];
    TurnMember &turn = turns[n++];
    turn.turn = &consumer.turn;
    turn.saturation = &consumer.saturation;
    turn.weight = settings_of(consumer).weight;
    turn.window_weight = settings_of(consumer).window_weight;
    turn.charge_room_w = -larger(member.low_w, member.model->low_w());
    turn.discharge_room_w = smaller(member.high_w, member.model->high_w());
    turn.power_w = member.model->power_w();
    turn.charge_order = member.charge_order;
    turn.discharge_order = member.discharge_order;
  }
  efficiency_.advance(turns, n, own, wanted_output_w(style_, demand_.demand_w(now_ms_, 0.0f)), now_ms_);
  for (uint8_t i = 0; i < count; i++) {
    members[i].pinned = turns[i].turn->state == TurnState::kCandidate;
    members[i].pin_w = efficiency_.probe_w();
    members[i].weight *= turns[i].turn->presence;
  }
}

/// What was wanted of the battery, had nobody learnt its limits, against what it delivers.
void Emulator::note_saturation(const PoolMember *members, uint8_t count, uint8_t own, Consumer *consumer,
                               const Move &move) {
  // While a battery is on trial, the trial decides.
  if (consumer->turn.state == TurnState::kCandidate || consumer->turn.state == TurnState::kLeaving) return;
  constexpr float kNothingW = 20.0f;
  const PoolMember &member = members[own];
  const BatteryModel &model = consumer->model;
  float wanted_w = move.base_w;
  bool limited = move.wanted_w > 0.0f ? model.high_w() < kNothingW : model.low_w() > -kNothingW;
  if (limited && member.weight > 0.0f) {
    float weights = 0.0f;
    for (uint8_t i = 0; i < count; i++) weights += members[i].weight;
    wanted_w = clamp(move.wanted_w * member.weight / weights, member.low_w, member.high_w);
  }
  consumer->saturation.update(saturation_rules_, wanted_w, model.power_w(), member.start_w, now_ms_);
}

// -- members -------------------------------------------------------------------------------

bool Emulator::is_expired(const Consumer &consumer) const {
  return expired(consumer, config_.consumer_ttl_ms, now_ms_);
}

/// Whether the battery acts on readings that we choose, as against raw meter values.
bool Emulator::is_steered(const Consumer &consumer) const {
  return config_.active_control && consumer.phase != Phase::kUnassigned;
}

bool Emulator::belongs_to_pool(const Consumer &consumer) const {
  return consumer.used && consumer.modelled && is_steered(consumer) && consumer.participates &&
         settings_of(consumer).active && !settings_of(consumer).manual && !is_expired(consumer);
}

void Emulator::sync_pool() {
  for (Consumer &consumer : consumers_) {
    bool belongs = belongs_to_pool(consumer);
    if (belongs == consumer.in_pool) continue;
    consumer.in_pool = belongs;
    // Whoever comes while others rest waits for its turn; whoever was on trial when it left is not any more.
    consumer.turn = efficiency_.newcomer();
    consumer.saturation.restart(0.0f);
    float power_w = static_cast<float>(consumer.power_w);
    demand_.shift(belongs ? power_w : -power_w);
    believed_w_ += belongs ? power_w : -power_w;
    frozen_.reset();
    consumer.target_known = false;
    // A new battery among those that have settled takes its share gently; when all are new, all are in a hurry.
    constexpr uint32_t kNewPolls = 10;
    if (belongs && consumer.polls < kNewPolls && has_settled()) resettle();
  }
}

bool Emulator::has_settled() const {
  constexpr uint32_t kSettledPolls = 60;
  for (const Consumer &consumer : consumers_) {
    if (consumer.in_pool && consumer.polls > kSettledPolls) return true;
  }
  return false;
}

float Emulator::pool_output_w() const {
  float sum_w = 0.0f;
  for (const Consumer &consumer : consumers_) {
    if (consumer.in_pool) sum_w += static_cast<float>(consumer.power_w);
  }
  return sum_w;
}

void Emulator::expire() {
  sync_pool();
  for (Consumer &consumer : consumers_) {
    if (consumer.used && is_expired(consumer)) consumers_.remove(&consumer);
  }
}

void Emulator::tick(uint32_t now_ms) {
  now_ms_ = now_ms;
  take_sample(grid_.settle(now_ms));
  expire();
}

void Emulator::restart_control() {
  for (Consumer &consumer : consumers_) {
    consumer.in_pool = false;
    consumer.target_known = false;
    consumer.modelled = false;
    consumer.turn = Turn();
    consumer.saturation.restart(0.0f);
  }
  efficiency_.restart();
  demand_.reset();
  missing_w_ = 0.0f;
  take_sample(false);
}

}  // namespace nullwatt
