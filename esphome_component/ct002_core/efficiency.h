#pragma once
// Efficiency mode: while the house needs little, only as many batteries work as can do so at a
// power worth their losses, and they take turns.
//
// How many: demand divided by the least efficient power, with hysteresis, and never fewer than
// can carry the demand. Which: the battery that served least in proportion to its window weight.
// A parked battery takes over only after it has proved that it delivers; until then the one it
// replaces stays. Time is counted in seconds, never in polls.
//
// A host that knows when it builds that the mode stays off can leave it out: CT002_NO_EFFICIENCY, the
// same for every file.
//
// Watts, + = discharge.

#include <cstdint>

#include "config.h"
#include "saturation.h"

namespace nullwatt {

enum class TurnState : uint8_t {
  kActive,
  kParked,
  kCandidate,  ///< is being tried; its power does not count yet
  kLeaving,    ///< goes on until the candidate has proved itself
};

/// A battery's place in the rotation.
struct Turn {
  float presence = 1.0f;  ///< part of its share: 0 = parked, 1 = all, between them while it fades
  float served_s = 0.0f;  ///< active time divided by its window weight
  float held_s = 0.0f;    ///< since it became active
  TurnState state = TurnState::kActive;
};

struct TurnMember {
  Turn *turn = nullptr;
  Saturation *saturation = nullptr;
  float weight = 1.0f;         ///< share of the load; 0 = never active
  float window_weight = 1.0f;  ///< share of the active time; 0 = only when the others cannot cover
  float charge_room_w = 0.0f;  ///< most it can deliver as far as anybody knows
  float discharge_room_w = 0.0f;
  float power_w = 0.0f;
  uint8_t charge_order = 0;  ///< order of use, lower first
  uint8_t discharge_order = 0;
};

#ifdef CT002_NO_EFFICIENCY

/// In the place of efficiency mode where the build leaves it out: everybody works, always.
class Efficiency {
 public:
  void configure(const Config & /*config*/) {}
  void set_least_power(const Config & /*config*/) {}
  bool enabled() const { return false; }
  void advance(const TurnMember * /*members*/, uint8_t /*count*/, uint8_t /*own*/, float /*wanted_w*/,
               uint32_t /*now_ms*/) {}
  void force_rotation() {}
  void restart() {}
  bool limiting() const { return false; }
  Turn newcomer() const { return Turn(); }
  bool fading() const { return false; }
  float probe_w() const { return 0.0f; }
};

#else

class Efficiency {
 public:
  void configure(const Config &config);
  /// Turns go on where they are, unless that switches the mode on or off.
  void set_least_power(const Config &config);

  /// False = everybody works, and there is nothing to advance.
  bool enabled() const { return least_charge_w_ > 0.0f || least_discharge_w_ > 0.0f; }

  /// Passes the time since the last call. `own` is the member that reports now, `wanted_w` what
  /// the whole pool should deliver.
  void advance(const TurnMember *members, uint8_t count, uint8_t own, float wanted_w, uint32_t now_ms);

  /// The next battery takes over now.
  void force_rotation() { forced_ = true; }

  /// Forgets everything but the options.
  void restart();

  /// Batteries are being parked.
  bool limiting() const { return limiting_; }
  /// The place of a battery that joins.
  Turn newcomer() const;
  /// A hand-over is under way.
  bool fading() const { return fading_; }
  /// What the candidate should deliver now.
  float probe_w() const { return discharging_ ? probe_w_ : -probe_w_; }

 private:
  void measure(float wanted_w, float seconds);
  bool count_slots(const TurnMember *members, uint8_t count);
  void fill_slots(const TurnMember *members, uint8_t count);
  void retire(const TurnMember *members, uint8_t count) const;
  const TurnMember *best_resting(const TurnMember *members, uint8_t count) const;
  const TurnMember *most_dispensable(const TurnMember *members, uint8_t count, float spare_w) const;
  void activate_all(const TurnMember *members, uint8_t count);
  void count_time(const TurnMember *members, uint8_t count, float seconds);
  void rotate(const TurnMember *members, uint8_t count);
  void start_probe(const TurnMember &candidate, const TurnMember &leaving);
  void run_probe(const TurnMember *members, uint8_t count, uint8_t own, float seconds);
  void commit(const TurnMember *members, uint8_t count, const TurnMember &candidate);
  void reject(const TurnMember *members, uint8_t count, const TurnMember &candidate);
  void cancel_probe(const TurnMember *members, uint8_t count);
  void fade(const TurnMember *members, uint8_t count, float seconds);

  float grace_s() const;
  float cover_w() const;
  float room_w(const TurnMember &member) const;
  uint8_t order(const TurnMember &member) const;
  float least_power_w() const { return discharging_ ? least_discharge_w_ : least_charge_w_; }
  bool usable(const TurnMember &member) const;
  bool saturated(const TurnMember &member) const;
  bool works(const TurnMember &member) const;
  bool rests(const TurnMember &member) const;
  bool goes_first(const TurnMember &a, const TurnMember &b) const;
  void activate(const TurnMember &member) const;
  void park(const TurnMember &member) const;

  float least_charge_w_ = 0.0f;
  float least_discharge_w_ = 0.0f;
  float probe_least_w_ = 80.0f;
  float step_w_ = 5.0f;  ///< growth of the probe per second, at least
  float proof_w_ = 20.0f;
  float interval_s_ = 900.0f;
  float fade_ = 0.15f;
  float smoothing_ = 0.1f;
  float swap_score_ = 0.4f;
  float grace_s_ = 90.0f;

  float wanted_w_ = 0.0f;
  float size_w_ = 0.0f;  ///< |wanted|, smoothed
  float probe_w_ = 0.0f;
  float probe_s_ = 0.0f;
  float first_w_ = 0.0f;  ///< first output of the candidate; 0 = none yet
  uint32_t seen_ms_ = 0;
  uint8_t slots_ = 0;  ///< batteries that are to work
  uint8_t able_ = 0;   ///< batteries that could
  uint8_t proofs_ = 0;
  bool started_ = false;
  bool limiting_ = false;
  bool discharging_ = true;
  bool probing_ = false;
  bool forced_ = false;
  bool fading_ = false;
};

#endif

}  // namespace nullwatt
