#pragma once
// Decides, at a battery's poll, how far its setpoint should move now.
//
// The batteries' setpoints should sum to what the house needs. This battery moves towards its
// share of that, but no further than the others can mirror: a hand-over between batteries must
// not show at the grid. Small errors are given to whoever polls first instead of to all, and
// errors inside the noise are left alone.

#include <cstdint>

#include "battery_model.h"
#include "demand_estimator.h"

namespace nullwatt {

/// A battery of the pool.
struct PoolMember {
  BatteryModel *model = nullptr;
  float weight = 1.0f;
  float low_w = -1e6f;       ///< lowest target it may get; 0 for one that cannot, or must not, charge
  float high_w = 1e6f;       ///< highest target it may get
  float floor_w = 0.0f;      ///< it is kept at this output at least, as long as it can; 0 = no floor
  float start_w = 0.0f;      ///< least output its inverter starts with
  float pin_w = 0.0f;        ///< output it is to have, if it is pinned
  uint8_t charge_order = 0;  ///< order of use, lower first
  uint8_t discharge_order = 0;
  bool pinned = false;  ///< on trial: it gets no share and counts only with what it delivers
};

/// What the user asks of the steering as a whole.
struct SteeringStyle {
  float deadband_w = 12.0f;         ///< errors below this are left alone
  float share_tolerance_w = 25.0f;  ///< imbalance that is left alone
  float share_step_w = 120.0f;      ///< share that changes hands per poll, at most
  float max_step_w = 0.0f;          ///< a setpoint stays this close to the report; 0 = off
  float max_slope_w_s = 0.0f;       ///< speed of a setpoint; 0 = off
  float grid_target_w = 0.0f;       ///< grid power to hold, + = import
  float peak_threshold_w = 0.0f;    ///< import that is left to the grid; 0 = off
  float other_output_w = 0.0f;      ///< output of batteries that are not steered, part of the house's supply
  bool even_out = true;             ///< move shares although nothing is missing
};

struct Move {
  float move_w = 0.0f;       ///< wanted change of this battery's setpoint
  float target_w = 0.0f;     ///< output wanted from it
  float base_w = 0.0f;       ///< its fair share, reachable or not
  float missing_w = 0.0f;    ///< demand minus what the pool is heading for
  float wanted_w = 0.0f;     ///< output wanted from the whole pool
  float uncovered_w = 0.0f;  ///< demand beyond what the pool's limits, known and learnt, allow
};

/// What the pool should deliver at a demand of `demand_w`, so that the grid is where it is wanted.
float wanted_output_w(const SteeringStyle &style, float demand_w);

/// The move of member `own` of a pool of `count` members, 1..kMaxBatteries.
Move steer_pool(const PoolMember *members, uint8_t count, uint8_t own, const DemandEstimator &demand,
                const SteeringStyle &style, uint32_t now_ms);

}  // namespace nullwatt
