#include "allocator.h"

#include "config.h"

namespace nullwatt {
namespace {

/// What a share takes at level `level` (watts per unit of weight).
float at_level(const Share &share, float level) {
  float target = share.weight * level;
  if (target < share.low_w) return share.low_w;
  if (target > share.high_w) return share.high_w;
  return target;
}

}  // namespace

void split_demand(float demand_w, Share *shares, uint8_t count) {
  bool fixed[kMaxBatteries] = {};
  float rest_w = demand_w;
  for (uint8_t i = 0; i < count; i++) {
    shares[i].target_w = 0.0f;
    fixed[i] = !(shares[i].weight > 0.0f);
  }
  // Each round pins at least one share to its limit or ends, so it ends after `count` rounds.
  for (uint8_t round = 0; round < count; round++) {
    float weight = 0.0f;
    for (uint8_t i = 0; i < count; i++) {
      if (!fixed[i]) weight += shares[i].weight;
    }
    if (!(weight > 0.0f)) return;
    float level = rest_w / weight;
    bool pinned = false;
    for (uint8_t i = 0; i < count; i++) {
      if (fixed[i]) continue;
      shares[i].target_w = at_level(shares[i], level);
      if (shares[i].target_w == shares[i].weight * level) continue;
      fixed[i] = true;
      pinned = true;
    }
    if (!pinned) return;
    rest_w = demand_w;
    for (uint8_t i = 0; i < count; i++) {
      if (fixed[i]) rest_w -= shares[i].target_w;
    }
  }
}

}  // namespace nullwatt
