#include "law_identifier.h"

#include <cmath>

#include "law_spike_gate.h"
#include "numeric.h"

namespace nullwatt {
namespace {

struct Row {
  LawKind kind;
  float gain;
};
constexpr Row kRows[] = {{LawKind::kRamp, 1.0f},         {LawKind::kIntegrator, 1.0f},  {LawKind::kIntegrator, 0.5f},
                         {LawKind::kIntegrator2, 1.0f},  {LawKind::kIntegrator2, 0.7f}, {LawKind::kIntegrator2, 0.5f},
                         {LawKind::kIntegrator2, 0.35f}, {LawKind::kDcRegulator, 1.0f}};

constexpr float kIdleW = 6.0f;
/// Setpoints this small do not start an inverter.
constexpr float kNoSetpointW = 5.0f;
constexpr float kToleranceW = 12.0f;
constexpr float kTellingW = 25.0f;
constexpr float kCostGain = 0.25f;
constexpr float kMaxCost = 150.0f;
constexpr float kUnlikelyCost = 6.0f;
constexpr float kDelayCost = 3.0f;
constexpr float kGoodCost = 12.0f;
constexpr float kGoodFirstCost = 20.0f;
constexpr float kMargin = 12.0f;
constexpr float kUnknownCost = 40.0f;
constexpr uint16_t kMinTelling = 2;
constexpr uint16_t kMinTellingStrange = 4;
constexpr float kChargingW = -20.0f;
constexpr float kLeapW = 80.0f;
constexpr uint8_t kLeapsTooMany = 2;

}  // namespace

Law LawIdentifier::law_of(uint8_t index) const { return Law{kRows[index].gain, kRows[index].kind, rest_band_w_}; }

void LawIdentifier::reset(LawKind prior, uint8_t rest_band_w, float power_w) {
  *this = LawIdentifier();
  prior_ = prior;
  rest_band_w_ = rest_band_w;
  memory_ = resting_memory(power_w);
  for (uint8_t i = 0; i < kCandidates; i++) {
    Candidate &candidate = candidates_[i];
    place_law(kRows[i].kind, power_w, &candidate.setpoints, &memory_);
    float start = kRows[i].kind == prior && kRows[i].gain == 1.0f ? 0.0f : kUnlikelyCost;
    for (uint8_t delay = 0; delay < kDelays; delay++)
      candidate.cost[delay] = start + kDelayCost * static_cast<float>(delay);
  }
}

void LawIdentifier::sent(Poll poll) {
  for (uint8_t i = 0; i < kCandidates; i++) act_on(poll, law_of(i), &candidates_[i].setpoints, &memory_);
  pass_gates(poll, &memory_);
  stepped_ = true;
}

void LawIdentifier::shift(uint8_t index, float power_w) {
  Setpoints &setpoints = candidates_[index].setpoints;
  place_law(kRows[index].kind, setpoints.setpoint_w() + power_w, &setpoints, &memory_);
}

void LawIdentifier::place(float power_w) {
  for (uint8_t i = 0; i < kCandidates; i++) shift(i, power_w - candidates_[i].setpoints.setpoint_w());
  stepped_ = false;
}

/// Fills the errors of all candidates. True if they differ enough to tell the laws apart.
bool LawIdentifier::predict(const Evidence &evidence, Errors *errors_w) {
  float moved_w = evidence.power_w - evidence.previous_w;
  float most_w = evidence.slew_w_s * evidence.seconds;
  float rate_w_s = std::fabs(moved_w) / evidence.seconds;
  // A move as fast as the fastest seen may be the inverter's slew limit: falling short then proves nothing.
  bool ambiguous = rate_w_s >= 80.0f && rate_w_s >= 0.85f * fastest_w_s_;
  fastest_w_s_ = larger(fastest_w_s_, rate_w_s);
  // It never charges and never moves further than one step; only sun passing through may move it more.
  bool running = std::fabs(evidence.previous_w) > kIdleW && std::fabs(evidence.power_w) > kIdleW;
  bool leaps = prior_ != LawKind::kDcRegulator && running && std::fabs(moved_w) > kLeapW;
  if (leaps && leaps_ < kLeapsTooMany) leaps_++;  // one may be the end of a start
  if (evidence.power_w < kChargingW || leaps_ == kLeapsTooMany) dc_ruled_out_ = true;
  float least_error_w = 1e9f;
  float most_error_w = 0.0f;
  for (uint8_t i = 0; i < kCandidates; i++) {
    Candidate &candidate = candidates_[i];
    float *error_w = (*errors_w)[i];
    bool dc = kRows[i].kind == LawKind::kDcRegulator;
    PowerRange range = range_of(kRows[i].kind);
    for (uint8_t delay = 0; delay < kDelays; delay++) {
      float goal_w = candidate.setpoints.shown_w[delay];
      if (std::fabs(goal_w) < kNoSetpointW) goal_w = 0.0f;
      goal_w = clamp(clamp(goal_w, range.low_w, range.high_w), evidence.low_w, evidence.high_w);
      if (dc) goal_w = larger(goal_w, 0.0f);
      error_w[delay] = moved_w - clamp(goal_w - evidence.previous_w, -most_w, most_w);
      bool excused = ambiguous && error_w[delay] * moved_w < 0.0f && std::fabs(error_w[delay]) > kToleranceW;
      if (excused) error_w[delay] = 0.0f;
    }
    if (dc && dc_ruled_out_) {
      for (float &cost : candidate.cost) cost = kMaxCost;
      continue;
    }
    least_error_w = smaller(least_error_w, std::fabs(error_w[delay_]));
    most_error_w = larger(most_error_w, std::fabs(error_w[delay_]));
  }
  return most_error_w - least_error_w > kTellingW && !evidence.limited;
}

void LawIdentifier::learn_costs(const Errors &errors_w) {
  if (telling_ != UINT16_MAX) telling_++;
  float least = 1e9f;
  for (uint8_t i = 0; i < kCandidates; i++) {
    Candidate &candidate = candidates_[i];
    bool impossible = kRows[i].kind == LawKind::kDcRegulator && dc_ruled_out_;
    for (uint8_t delay = 0; delay < kDelays; delay++) {
      float error = smaller(std::fabs(errors_w[i][delay]), kMaxCost);
      if (!impossible) candidate.cost[delay] += kCostGain * (error - candidate.cost[delay]);
      float cost = candidate.cost[delay] + kDelayCost * static_cast<float>(delay);
      if (cost >= least) continue;
      least = cost;
      delay_ = delay;
    }
  }
}

uint8_t LawIdentifier::index_of(const Law &law) {
  uint8_t found = kCandidates;
  for (uint8_t i = 0; i < kCandidates; i++) {
    if (kRows[i].kind != law.kind) continue;
    if (found == kCandidates || std::fabs(kRows[i].gain - law.gain) < std::fabs(kRows[found].gain - law.gain))
      found = i;
  }
  return found;
}

bool LawIdentifier::weigh(const Evidence &evidence, const Law &active, uint16_t fits, LawState *better) {
  // From rest an inverter starts late and somewhere between two reports: that says nothing about the law.
  if (std::fabs(evidence.previous_w) < kIdleW || !stepped_) return false;
  Errors errors_w;
  if (predict(evidence, &errors_w)) learn_costs(errors_w);
  float moved_w = std::fabs(evidence.power_w - evidence.previous_w);
  bool slew_limited = moved_w > 0.93f * evidence.slew_w_s * evidence.seconds;
  uint8_t best = 0;
  for (uint8_t i = 0; i < kCandidates; i++) {
    float error_w = errors_w[i][delay_];
    if (std::fabs(error_w) > kToleranceW && !slew_limited) shift(i, error_w);
    if (candidates_[i].cost[delay_] < candidates_[best].cost[delay_]) best = i;
  }
  float best_cost = candidates_[best].cost[delay_];
  bool good = best_cost < kGoodCost || (best_cost < kGoodFirstCost && fits < 3 && switches_ == 0);
  if (!good || telling_ < kMinTelling) return false;
  // A B2500 calls itself one. Anything else that moves in small steps mostly has another reason.
  bool strange = kRows[best].kind == LawKind::kDcRegulator && prior_ != LawKind::kDcRegulator;
  if (strange && telling_ < kMinTellingStrange) return false;
  uint8_t own = index_of(active);
  float own_cost = own < kCandidates ? candidates_[own].cost[delay_] : kUnknownCost;
  float hysteresis = 1.0f + 0.3f * smaller(static_cast<float>(fits), 20.0f) + static_cast<float>(switches_);
  if (own == best || own_cost <= best_cost + kMargin * hysteresis) return false;
  if (switches_ != UINT8_MAX) switches_++;
  static_cast<Law &>(*better) = law_of(best);
  static_cast<Setpoints &>(*better) = candidates_[best].setpoints;
  better->memory = memory_;
  return true;
}

}  // namespace nullwatt
