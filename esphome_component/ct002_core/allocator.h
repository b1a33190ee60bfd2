#pragma once
// Splits what the house needs among the batteries of the pool: water-filling by weight
// inside each battery's limits. Pure functions.

#include <cstdint>

namespace nullwatt {

/// One battery's part in a split. Watts, + = discharge.
struct Share {
  float weight = 1.0f;
  float low_w = 0.0f;   ///< most negative target it can follow, <= 0
  float high_w = 0.0f;  ///< largest target it can follow, >= 0
  float target_w = 0.0f;
};

/// Sets `target_w` of each share so that they sum to `demand_w` as far as the limits allow.
/// A share of weight 0 gets 0; what the limits of some keep back goes to the others.
void split_demand(float demand_w, Share *shares, uint8_t count);

}  // namespace nullwatt
