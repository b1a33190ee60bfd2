#pragma once
// How far a battery cannot do what is wanted of it: 0 = it follows, 1 = nothing comes. Charging
// and discharging apart: a full battery can still discharge.
//
// A score says "nothing comes", a learnt limit says "no more than this comes"; the score is
// shown to the user and decides in efficiency mode who is replaced. Everything is counted in
// seconds, so batteries that poll at different speeds get equal scores.

#include <cstdint>

namespace nullwatt {

struct SaturationRules {
  bool enabled = true;
  float rise = 0.15f;          ///< part of the way to 1 per second
  float decay = 0.995f;        ///< what is left of a score after a second
  float min_target_w = 20.0f;  ///< changes smaller than this say nothing
  float stall_s = 60.0f;       ///< of its grace, time after which one that has not moved is given up
};

class Saturation {
 public:
  /// Forgets the scores and gives the battery `grace_s` to start.
  void restart(float grace_s);

  /// A report: the battery delivers `power_w` while `wanted_w` is its share. Shares smaller than
  /// `start_w` cannot start it and say nothing.
  void update(const SaturationRules &rules, float wanted_w, float power_w, float start_w, uint32_t now_ms);

  /// It was tried and did not deliver.
  void condemn(bool discharging) { score_[discharging ? 1 : 0] = 1.0f; }

  float charge() const { return score_[0]; }
  float discharge() const { return score_[1]; }
  float score(bool discharging) const { return score_[discharging ? 1 : 0]; }

 private:
  bool in_grace(const SaturationRules &rules, bool telling, float wanted_w, float power_w, float seconds);

  float score_[2] = {0.0f, 0.0f};  ///< charge, discharge
  float grace_left_s_ = 0.0f;
  float waiting_s_ = 0.0f;  ///< time within grace that it was asked and nothing came
  uint32_t seen_ms_ = 0;
  bool started_ = false;
};

}  // namespace nullwatt
