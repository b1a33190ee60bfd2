#pragma once
// What past jumps of demand teach about the next one: whether a jump lasts longer than we
// could react to it, and whether it is one of a series of short pulses.

#include <cstdint>

namespace nullwatt {

class JumpMemory {
 public:
  /// Passes the time since the last meter sample.
  void advance(float seconds);

  /// A jump of `size_w` from level `from_w`.
  void add(float size_w, float from_w);

  /// Compares jumps older than `dead_time_s` with the level now, and learns which share of a
  /// jump is still there by the time a battery could have answered it.
  void judge(float level_w, float dead_time_s);

  /// Share of a fresh jump to believe, 0..1.
  float lasting_share() const { return lasting_share_; }

  /// Length of the pulse a jump of this size most likely begins, in seconds; 0 = it begins none.
  float expected_pulse_s(float size_w, float dead_time_s) const;

  /// Time since the last jump, seconds.
  float age_s() const { return age_s_; }

 private:
  static constexpr uint8_t kJumps = 12;

  struct Jump {
    float age_s = 1e6f;
    float size_w = 0.0f;
    float from_w = 0.0f;
    float reverted_after_s = -1.0f;  ///< negative = not (yet)
    bool judged = true;
  };

  Jump jumps_[kJumps];
  uint8_t next_ = 0;
  float lasting_share_ = 1.0f;
  float age_s_ = 1e6f;
};

}  // namespace nullwatt
