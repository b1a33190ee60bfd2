#pragma once
// A power limit in one direction that nobody told us: full, empty, derated, or set in another
// app. Learnt from a battery that does not follow, believed for a while, then probed.

#include <cstdint>

namespace nullwatt {

class LearntLimit {
 public:
  /// `sign` +1 = upper limit (discharge), -1 = lower limit (charge).
  explicit LearntLimit(float sign) : sign_(sign) {}

  void forget() { known_ = false; }

  /// Passes the time since the last report.
  void advance(float seconds);

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
  /// True while the limit is believed; afterwards it is probed with a small excess.
  bool believed() const { return known_ && left_s_ > 0.0f; }
  float power_w() const { return power_w_; }
  /// Output at which the limit was met.
  bool met_at(float power_w) const;
  /// Most that should be asked for in this direction; `none` where no limit is known.
  float allowed_w(float none) const {
    constexpr float kProbeW = 80.0f;
    return !known_ ? none : left_s_ > 0.0f ? power_w_ : power_w_ + kProbeW * sign_;
  }
  /// Most that can be expected in this direction.
  float expected_w(float none) const { return believed() ? power_w_ : none; }

 private:
  float sign_;
  float power_w_ = 0.0f;
  float report_w_ = 0.0f;
  float left_s_ = 0.0f;
  float belief_s_ = 20.0f;
  float age_s_ = 0.0f;
  bool known_ = false;
};

}  // namespace nullwatt
