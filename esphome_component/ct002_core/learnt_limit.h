#pragma once
// A power limit in one direction that nobody told us: full, empty, derated, or set in another
// app. Learnt from a battery that does not follow, believed for a while, then probed.

#include <cstdint>

#include "numeric.h"

namespace nullwatt {

class LearntLimit {
 public:
  /// Upper limit (discharge) or lower limit (charge).
  explicit LearntLimit(bool upper) : upper_(upper) {}

  void forget() { known_ = false; }

  /// Passes the time since the last report.
  void advance(float seconds) {
    left_s_ = larger(0.0f, left_s_ - seconds);
    age_s_ = smaller(age_s_ + seconds, 1e6f);
  }

  /// The battery did not go beyond `power_w`. Confirming a limit doubles the time it is believed.
  void learn(float power_w);

  /// The battery stays at `power_w` whatever it is told, even on the other side of zero: somebody
  /// else holds it there.
  void freeze(float power_w);

  /// The battery slid further back on its own: the limit follows, its time does not.
  void follow(float power_w);

  /// True and forgotten if this report lies beyond the limit. `hasty` tells whether the limit
  /// was young, so that what taught it deserves less trust.
  bool disproved(float power_w, bool *hasty);

  bool known() const { return known_; }
  /// Nothing to speak of comes in this direction.
  /// Met again and again.
  bool confirmed() const { return known_ && belief_s_ >= 80; }
  bool shut() const { return known_ && power_w_ > -50 && power_w_ < 50; }
  /// Learnt by freeze(), on the other side of zero.
  bool frozen() const { return known_ && outwards(limit_w()) < 0.0f; }
  /// True while the limit is believed; afterwards it is probed with a small excess.
  bool believed() const { return known_ && left_s_ > 0.0f; }
  /// Output at which the limit was met.
  bool met_at(float power_w) const;
  /// Most that should be asked for in this direction; `none` where no limit is known.
  float allowed_w(float none) const {
    constexpr float kProbeW = 80.0f;
    if (!known_) return none;
    return left_s_ > 0.0f ? limit_w() : limit_w() + outwards(kProbeW);
  }
  /// Most that others may count on: a probe may fail.
  float sure_w(float none) const { return known_ ? limit_w() : none; }
  /// Most that can be expected in this direction.
  float expected_w(float none) const { return believed() ? limit_w() : none; }

 private:
  float limit_w() const { return static_cast<float>(power_w_); }
  /// + = beyond the limit.
  float outwards(float power_w) const { return upper_ ? power_w : -power_w; }

  float left_s_ = 0.0f;
  float age_s_ = 0.0f;
  uint16_t belief_s_ = 20;
  int16_t power_w_ = 0;
  int16_t report_w_ = 0;
  bool upper_;
  bool known_ = false;
};

}  // namespace nullwatt
