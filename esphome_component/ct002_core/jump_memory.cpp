#include "jump_memory.h"

#include <cmath>

#include "numeric.h"

namespace nullwatt {
namespace {

constexpr float kForgetS = 1e6f;
/// An opposite jump counts as the end of a pulse up to this long after its beginning.
constexpr float kLongestPulseS = 7.0f;
/// Pulses older than this belong to another series.
constexpr float kSeriesS = 120.0f;
/// A series needs this many pulses, and this share of all similar jumps, to be believed.
constexpr uint8_t kSeriesPulses = 2;
constexpr float kSeriesShare = 0.6f;
/// Chasing a pulse costs about twice the dead time, holding costs its length.
constexpr float kWorthHolding = 1.6f;
constexpr float kJudgedJumpW = 50.0f;
constexpr float kLearning = 0.2f;
constexpr float kRecoveryS = 60.0f;

bool similar(float a_w, float b_w) { return a_w * b_w > 0.0f && std::fabs(a_w - b_w) < 0.35f * std::fabs(b_w) + 20.0f; }

bool reverts(float first_w, float second_w) {
  return first_w * second_w < 0.0f && std::fabs(first_w + second_w) < 0.4f * std::fabs(first_w) + 15.0f;
}

}  // namespace

void JumpMemory::advance(float seconds) {
  for (Jump &jump : jumps_) jump.age_s = smaller(jump.age_s + seconds, kForgetS);
  age_s_ = smaller(age_s_ + seconds, kForgetS);
  lasting_share_ += (1.0f - lasting_share_) * smaller(1.0f, seconds / kRecoveryS);
}

void JumpMemory::add(float size_w, float from_w) {
  for (Jump &jump : jumps_) {
    if (jump.reverted_after_s < 0.0f && jump.age_s <= kLongestPulseS && reverts(jump.size_w, size_w)) {
      jump.reverted_after_s = jump.age_s;
    }
  }
  jumps_[next_] = Jump{0.0f, size_w, from_w, -1.0f, false};
  next_ = static_cast<uint8_t>((next_ + 1) % kJumps);
  age_s_ = 0.0f;
}

void JumpMemory::judge(float level_w, float dead_time_s) {
  for (Jump &jump : jumps_) {
    if (jump.judged || jump.age_s < dead_time_s) continue;
    jump.judged = true;
    if (std::fabs(jump.size_w) <= kJudgedJumpW) continue;
    float lasted = clamp((level_w - jump.from_w) / jump.size_w, 0.0f, 1.0f);
    lasting_share_ += kLearning * (lasted - lasting_share_);
  }
}

float JumpMemory::expected_pulse_s(float size_w, float dead_time_s) const {
  uint8_t alike = 0;
  uint8_t reverted = 0;
  float total_s = 0.0f;
  for (const Jump &jump : jumps_) {
    if (jump.age_s >= kSeriesS || jump.age_s <= 1.0f || !similar(jump.size_w, size_w)) continue;
    alike++;
    if (jump.reverted_after_s < 0.0f) continue;
    reverted++;
    total_s += jump.reverted_after_s;
  }
  if (reverted < kSeriesPulses || static_cast<float>(reverted) < kSeriesShare * static_cast<float>(alike)) return 0.0f;
  float mean_s = total_s / static_cast<float>(reverted);
  return mean_s <= kWorthHolding * dead_time_s ? mean_s : 0.0f;
}

}  // namespace nullwatt
