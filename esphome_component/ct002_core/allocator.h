#pragma once
// Splits what the house needs among the batteries: water-filling by weight inside each
// battery's limits, then inside what each can reach by the time it matters. Pure functions.
// Watts, + = discharge.

#include <cstdint>

namespace nullwatt {

/// One battery's part in a split.
struct Share {
  float weight = 1.0f;
  float low_w = 0.0f;      ///< most negative target it can follow
  float high_w = 0.0f;     ///< largest target it can follow
  float box_low_w = 0.0f;  ///< what it can reach in time, inside its limits
  float box_high_w = 0.0f;
  float stretch_up_w = 0.0f;  ///< what it could add in a few seconds, if the boxes do not suffice
  float stretch_down_w = 0.0f;
  float base_w = 0.0f;    ///< fair share, reachable or not
  float target_w = 0.0f;  ///< what to ask for now
  uint8_t order = 0;      ///< lower ones are used up before higher ones get anything
  bool spare = false;     ///< those before it suffice: it gets nothing, not even remainders
};

/// Sets `base_w` of each share so that they sum to `demand_w` as far as the limits allow.
/// A share of weight 0 gets 0, or what its limits force on it; what the limits of some keep back
/// goes to the others. Shares of one order are served together, orders one after the other.
void split_demand(float demand_w, Share *shares, uint8_t count);

/// Sets `target_w`: each share's base inside its box, the remainder given to those with room
/// left, and what still remains to those that could stretch beyond their box.
void fit_boxes(float demand_w, Share *shares, uint8_t count);

}  // namespace nullwatt
