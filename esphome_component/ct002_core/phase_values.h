#pragma once
// One meter sample on its way through the filters: watts per phase, + = import, all finite.

#include <cstdint>

namespace nullwatt {

struct PhaseValues {
  float power_w[3] = {0.0f, 0.0f, 0.0f};
  uint8_t count = 0;  ///< phases the meter has, 1..3; the others are 0 W

  float total_w() const { return power_w[0] + power_w[1] + power_w[2]; }

  /// Changes the total to `wanted_w` and keeps the phases plausible: in proportion where they mostly
  /// pull the same way, by equal amounts where they nearly cancel (a ratio would explode there).
  void spread(float wanted_w);

  /// Adds the same power to each phase, `power_w` in all.
  void add(float total_power_w);
};

}  // namespace nullwatt
