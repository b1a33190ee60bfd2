#pragma once
// Hampel filter on the meter's total: a sample that lies far outside the recent ones is replaced
// by their median.
//
// It never latches. The median is taken over cleaned samples, so that one outlier does not open the
// door for the next; the spread over raw ones, so that cleaning cannot narrow it until everything
// is an outlier; and once more than half a window in a row lies on the same side, that is no
// outlier but the new level.

#include <cstdint>

#include "config.h"
#include "phase_values.h"

namespace nullwatt {

class HampelFilter {
 public:
  static constexpr uint8_t kMaxWindow = 64;

  /// Whether it is on: it has a window, of 1..64 samples. Accepted is what lies `hampel_n_sigma` standard
  /// deviations from the median, but at least `hampel_min_threshold` W; 0 and 0 accept everything.
  bool configure(const Config &config);
  void apply(PhaseValues *values);
  void reset();

 private:
  float median(const float *values) const;
  /// Distance from the median of `values` beyond which a value is an outlier; 0 = none is.
  float limit_w(const float *values, float middle_w) const;

  float clean_w_[kMaxWindow] = {};
  float raw_w_[kMaxWindow] = {};
  float sigmas_ = 3.0f;
  float floor_w_ = 50.0f;
  uint8_t window_ = 7;
  uint8_t next_ = 0;
  uint8_t count_ = 0;
  uint8_t run_ = 0;  ///< samples in a row that lie off the cleaned ones on the same side
  bool run_above_ = false;
};

}  // namespace nullwatt
