#pragma once
// Notices a meter that keeps repeating its last value as if it were a new one.
//
// Values that stay the same are nothing strange: the batteries hold the grid at zero. But if the
// batteries' output has moved and the grid has not, for longer than a meter can be late, then
// either the house moved the other way by the same watt, or the meter is stuck. Believing it
// would turn every error of a battery into a change of demand.

#include <cstdint>

namespace nullwatt {

class FrozenMeter {
 public:
  /// A sample, and what the batteries delivered when it arrived. True = it is a repetition.
  bool repeats(float grid_w, float output_w, uint32_t now_ms);
  /// The output has moved and the value has not yet.
  bool suspicious() const { return moved_; }
  void reset() { known_ = moved_ = false; }

 private:
  float grid_w_ = 0.0f;
  float output_w_ = 0.0f;  ///< when the value had come to rest
  uint32_t since_ms_ = 0;
  uint32_t moved_ms_ = 0;
  bool known_ = false;
  bool moved_ = false;  ///< the output has moved since
};

}  // namespace nullwatt
