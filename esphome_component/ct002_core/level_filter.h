#pragma once
// Level, slope and noise of a signal that is mostly flat, sometimes ramps and sometimes jumps:
// the household's demand.
//
// Small innovations are averaged (the longer, the noisier the signal is), large ones are taken
// at once as jumps, and a two-sided CUSUM finds shifts too small to be jumps.

#include <cstdint>

namespace nullwatt {

class LevelFilter {
 public:
  /// Starts afresh at `level_w`.
  void reset(float level_w);

  /// Passes time: the level follows its slope.
  void predict(float seconds);

  /// Innovation of a reconstruction `best_w` whose uncertainty is the hull [low_w, high_w].
  float innovation(float best_w, float low_w, float high_w) const;

  /// Whether an innovation is too large to be noise.
  bool is_jump(float innovation_w) const;

  /// Takes an innovation as a jump. A return to the level before the last jump restores that level.
  void jump(float innovation_w);

  /// Takes an innovation as noise around a slowly moving level.
  void track(float innovation_w, float seconds);

  /// The house changed by a known amount (a battery joined or left).
  void shift(float power_w);

  float level_w() const { return level_w_; }
  float slope_w_s() const { return slope_w_s_; }
  float noise_w() const { return noise_w_; }
  /// Samples the level rests on, 1 = the last one only.
  float samples() const { return samples_; }

 private:
  struct Cusum {
    float score = 0.0f;
    float sum_w = 0.0f;
    float count = 0.0f;
  };
  /// True when the run has become too long to be noise.
  static bool accumulate(Cusum *run, float score_step, float innovation_w);

  float level_w_ = 0.0f;
  float slope_w_s_ = 0.0f;
  float noise_w_ = 8.0f;
  float samples_ = 1.0f;
  float previous_innovation_w_ = 0.0f;
  float before_jump_w_ = 0.0f;
  float before_jump_samples_ = 1.0f;
  float since_jump_s_ = 1e6f;
  Cusum up_;
  Cusum down_;
};

}  // namespace nullwatt
