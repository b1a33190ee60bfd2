#include "frozen_meter.h"

#include <cmath>

#include "clock.h"

namespace nullwatt {
namespace {

constexpr float kMovedW = 15.0f;
/// Later than this no meter shows what has happened.
constexpr uint32_t kLatestMs = 4500;

}  // namespace

bool FrozenMeter::repeats(float grid_w, float output_w, uint32_t now_ms) {
  if (!known_ || grid_w != grid_w_) {
    known_ = true;
    moved_ = false;
    grid_w_ = grid_w;
    output_w_ = output_w;
    since_ms_ = now_ms;
    return false;
  }
  // Reports of what happened before may still come in.
  if (elapsed_ms(now_ms, since_ms_) <= kLatestMs) output_w_ = output_w;
  bool was_moved = moved_;
  moved_ = std::fabs(output_w - output_w_) > kMovedW;
  if (moved_ && !was_moved) moved_ms_ = now_ms;
  return moved_ && elapsed_ms(now_ms, moved_ms_) > kLatestMs;
}

}  // namespace nullwatt
