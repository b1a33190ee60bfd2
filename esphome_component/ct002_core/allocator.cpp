#include "allocator.h"

#include <cmath>

#include "config.h"
#include "numeric.h"

namespace nullwatt {
namespace {

/// Remainders below this are not worth another round.
constexpr float kNothingW = 3.0f;

float room_in_box(const Share &share, bool up) {
  if (!(share.weight > 0.0f) || share.spare) return 0.0f;
  float room_w = up ? share.box_high_w - share.target_w : share.target_w - share.box_low_w;
  return larger(0.0f, room_w);
}

float room_to_stretch(const Share &share, bool up) {
  if (!(share.weight > 0.0f) || share.spare) return 0.0f;
  float room_w = up ? share.high_w - share.target_w : share.target_w - share.low_w;
  return larger(0.0f, smaller(room_w, up ? share.stretch_up_w : share.stretch_down_w));
}

/// Water-fills `rest_w` into the shares of one order, on top of what their limits force on them,
/// and leaves what they cannot take.
void fill_order(int order, float *rest_w, Share *shares, uint8_t count) {
  bool fixed[kMaxBatteries] = {};
  float level_w = *rest_w;
  for (uint8_t i = 0; i < count; i++) {
    fixed[i] = shares[i].order != order || !(shares[i].weight > 0.0f);
    if (!fixed[i]) level_w += shares[i].base_w;
  }
  float all_w = level_w;
  // Each round pins at least one share to its limit or ends, so it ends after `count` rounds.
  for (uint8_t round = 0; round < count; round++) {
    float weight = 0.0f;
    for (uint8_t i = 0; i < count; i++) {
      if (!fixed[i]) weight += shares[i].weight;
    }
    if (!(weight > 0.0f)) break;
    float level = level_w / weight;
    bool pinned = false;
    for (uint8_t i = 0; i < count; i++) {
      if (fixed[i]) continue;
      float wanted_w = shares[i].weight * level;
      shares[i].base_w = clamp(wanted_w, shares[i].low_w, shares[i].high_w);
      if (shares[i].base_w == wanted_w) continue;
      fixed[i] = true;
      pinned = true;
    }
    if (!pinned) break;
    level_w = all_w;
    for (uint8_t i = 0; i < count; i++) {
      if (fixed[i] && shares[i].order == order && shares[i].weight > 0.0f) level_w -= shares[i].base_w;
    }
  }
  *rest_w = all_w;
  for (uint8_t i = 0; i < count; i++) {
    if (shares[i].order == order && shares[i].weight > 0.0f) *rest_w -= shares[i].base_w;
  }
}

}  // namespace

void split_demand(float demand_w, Share *shares, uint8_t count) {
  float rest_w = demand_w;
  for (uint8_t i = 0; i < count; i++) {
    Share &share = shares[i];
    share.spare = false;
    share.base_w = clamp(0.0f, share.low_w, share.high_w);
    rest_w -= share.base_w;  // what it delivers without being asked, floors for one
  }
  bool nothing_yet = true;
  int order = -1;
  for (uint8_t round = 0; round < count; round++) {
    int next = INT16_MAX;
    for (uint8_t i = 0; i < count; i++) {
      if (shares[i].weight > 0.0f && shares[i].order > order && shares[i].order < next) next = shares[i].order;
    }
    if (next == INT16_MAX) return;
    order = next;
    bool spare = !nothing_yet && std::fabs(rest_w) <= kNothingW;
    for (uint8_t i = 0; i < count; i++) {
      if (shares[i].order == order) shares[i].spare = spare;
    }
    if (spare) continue;
    fill_order(order, &rest_w, shares, count);
    nothing_yet = false;
  }
}

void fit_boxes(float demand_w, Share *shares, uint8_t count) {
  float rest_w = demand_w;
  for (uint8_t i = 0; i < count; i++) {
    shares[i].target_w = clamp(shares[i].base_w, shares[i].box_low_w, shares[i].box_high_w);
    rest_w -= shares[i].target_w;
  }
  for (uint8_t pass = 0; pass < 2; pass++) {
    bool stretch = pass == 1;
    if (std::fabs(rest_w) <= kNothingW) return;
    bool up = rest_w > 0.0f;
    float total_w = 0.0f;
    for (uint8_t i = 0; i < count; i++) {
      total_w += stretch ? room_to_stretch(shares[i], up) : room_in_box(shares[i], up);
    }
    if (total_w <= 0.0f) continue;
    // In proportion to their reach, even beyond it: what cannot be done in time is at least begun together.
    float part = rest_w / total_w;
    if (!stretch) part = clamp(part, -1.0f, 1.0f);
    float given_w = 0.0f;
    for (uint8_t i = 0; i < count; i++) {
      float room_w = stretch ? room_to_stretch(shares[i], up) : room_in_box(shares[i], up);
      float target_w = clamp(shares[i].target_w + part * room_w, shares[i].low_w, shares[i].high_w);
      given_w += target_w - shares[i].target_w;
      shares[i].target_w = target_w;
    }
    rest_w -= given_w;
  }
}

}  // namespace nullwatt
