#pragma once
// The one table of options. Everything that speaks of an option reads it here:
// the C++ Config (config.h), access by name (options.cpp), the Python door and
// the host's YAML through the C API, the ESPHome schema and the reference in
// docs by parsing this file (options.py).
//
// A row is KIND(group, key, default, min, max, unit, help), one line each.
//   group    block the key stands in: "" = top level of `ct002:`, else its sub-block
//   SECONDS  is written in seconds and kept in milliseconds
//   TEXT     has choices separated by | in place of min (<mac> = empty or 12 hex digits,
//            optionally separated by : or -), and its capacity in place of max
// NO_LIMIT in min or max = no bound on that side. A default below min, NOT_SET, stands for an
// option that is not set.
//
// Rows of `balancer` and `saturation` load with the names, ranges and defaults
// that users already have in their files. Where the help says "needless", the value is accepted and
// held, and no code acts on it: the battery model does what the option was for; whoever sets it is told so.

#define NULLWATT_NO_LIMIT 3.4e38f
#define NULLWATT_NOT_SET -1.0f

// clang-format off
#define NULLWATT_OPTIONS(TEXT, BOOL, INT, FLOAT, SECONDS) \
  TEXT("", ct_type, "HME-4", "HME-4|HME-3", 8, "", "CT model told to the batteries: HME-4 = CT002, HME-3 = CT003") \
  TEXT("", ct_mac, "", "<mac>", 18, "", "own MAC, 12 hex digits; empty = answer every request and echo the MAC it asks for") \
  INT("", wifi_rssi, -50, -127, 0, "dBm", "signal strength told to the batteries") \
  INT("", udp_port, 12345, 1, 65535, "", "UDP port the batteries poll") \
  BOOL("", active_control, true, 0, 1, "", "steer the batteries; false = relay the measured values") \
  SECONDS("", max_sensor_age, 30.0f, 0.0f, NULLWATT_NO_LIMIT, "s", "a phase older than this makes the meter unavailable; 0 = never") \
  SECONDS("", consumer_ttl, NULLWATT_NOT_SET, 0.0f, NULLWATT_NO_LIMIT, "s", "silence after which a battery is forgotten; not set = adaptive, 2 polls but at least 5 s") \
  SECONDS("", dedupe_window, 0.0f, 0.0f, NULLWATT_NO_LIMIT, "s", "polls of one battery this soon after its last accepted one are dropped; 0 = off") \
  INT("filters", hampel_window, 0, 0, 64, "", "samples that outliers are judged by; 0 = off") \
  FLOAT("filters", hampel_n_sigma, 3.0f, 0.0f, NULLWATT_NO_LIMIT, "", "distance from the median that is accepted, in standard deviations") \
  FLOAT("filters", hampel_min_threshold, 50.0f, 0.0f, NULLWATT_NO_LIMIT, "W", "distance from the median that is always accepted") \
  FLOAT("filters", smoothing_alpha, NULLWATT_NOT_SET, 0.0f, 1.0f, "", "weight of a new sample in the average; not set = off") \
  FLOAT("filters", smoothing_max_step, 0.0f, 0.0f, NULLWATT_NO_LIMIT, "W", "largest change of the average per sample; 0 = none") \
  FLOAT("filters", deadband, 0.0f, 0.0f, NULLWATT_NO_LIMIT, "W", "totals smaller than this count as zero; 0 = off") \
  FLOAT("filters", pid_kp, 0.0f, -NULLWATT_NO_LIMIT, NULLWATT_NO_LIMIT, "", "proportional gain on the total; for relay mode") \
  FLOAT("filters", pid_ki, 0.0f, -NULLWATT_NO_LIMIT, NULLWATT_NO_LIMIT, "1/s", "integral gain") \
  FLOAT("filters", pid_kd, 0.0f, -NULLWATT_NO_LIMIT, NULLWATT_NO_LIMIT, "s", "derivative gain") \
  FLOAT("filters", pid_output_max, 800.0f, 0.0f, NULLWATT_NO_LIMIT, "W", "largest output of the PID") \
  TEXT("filters", pid_mode, "bias", "bias|replace", 8, "", "bias adds the output to the reading, replace sends it instead, with the opposite sign of a reading") \
  TEXT("balancer", steering, "adaptive", "adaptive|gentle", 9, "", "adaptive = as fast as the batteries can, gentle = calm: slower moves, small errors left alone") \
  FLOAT("balancer", grid_target, 0.0f, -NULLWATT_NO_LIMIT, NULLWATT_NO_LIMIT, "W", "grid power to hold, + = import") \
  FLOAT("balancer", peak_shaving_threshold, 0.0f, 0.0f, NULLWATT_NO_LIMIT, "W", "import up to this is left to the grid, batteries cover the rest; surplus is charged as usual; 0 = off") \
  BOOL("balancer", fair_distribution, true, 0, 1, "", "even out the batteries' shares") \
  FLOAT("balancer", balance_gain, 0.2f, 0.0f, 1.0f, "", "gain of evening out (needless)") \
  FLOAT("balancer", balance_deadband, 25.0f, 0.0f, NULLWATT_NO_LIMIT, "W", "imbalance that is left alone") \
  FLOAT("balancer", error_boost_threshold, 150.0f, 0.0f, NULLWATT_NO_LIMIT, "W", "imbalance at which the boost is full (needless)") \
  FLOAT("balancer", error_boost_max, 0.5f, 0.0f, NULLWATT_NO_LIMIT, "", "largest boost of the gain (needless)") \
  FLOAT("balancer", error_reduce_threshold, 20.0f, 0.0f, NULLWATT_NO_LIMIT, "W", "imbalance below which the gain falls (needless)") \
  FLOAT("balancer", max_correction_per_step, 80.0f, 0.0f, NULLWATT_NO_LIMIT, "W", "cap of one evening-out step; 0 = none (needless)") \
  FLOAT("balancer", max_target_step, 0.0f, 0.0f, NULLWATT_NO_LIMIT, "W", "a target stays this close to what the battery reports; 0 = off") \
  FLOAT("balancer", pace_base_step, 30.0f, 0.0f, NULLWATT_NO_LIMIT, "W/s", "least speed of a move with steering gentle: a lower pace_max_step counts as this") \
  FLOAT("balancer", pace_max_step, 100.0f, 0.0f, NULLWATT_NO_LIMIT, "W/s", "speed of a move with steering gentle") \
  FLOAT("balancer", osc_damp_max, 0.95f, 0.0f, 1.0f, "", "strongest damping of hunting; 0 = off (needless)") \
  FLOAT("balancer", osc_damp_alpha, 0.3f, 0.0f, 1.0f, "", "rise of the hunting score (needless)") \
  FLOAT("balancer", osc_damp_decay, 0.05f, 0.0f, 1.0f, "", "decay of the hunting score (needless)") \
  FLOAT("balancer", osc_damp_threshold, 300.0f, 0.0f, NULLWATT_NO_LIMIT, "W", "errors above this are never damped (needless)") \
  FLOAT("balancer", min_efficient_power, 0.0f, 0.0f, NULLWATT_NO_LIMIT, "W", "power below which a battery is better parked; 0 = off") \
  FLOAT("balancer", min_efficient_charge, NULLWATT_NOT_SET, 0.0f, NULLWATT_NO_LIMIT, "W", "the same while charging; not set = min_efficient_power") \
  FLOAT("balancer", min_efficient_discharge, NULLWATT_NOT_SET, 0.0f, NULLWATT_NO_LIMIT, "W", "the same while discharging; not set = min_efficient_power") \
  FLOAT("balancer", probe_min_power, 80.0f, 0.0f, NULLWATT_NO_LIMIT, "W", "least power a probed battery is asked for") \
  SECONDS("balancer", efficiency_rotation_interval, 900.0f, 0.0f, NULLWATT_NO_LIMIT, "s", "time between rotations of the active batteries") \
  FLOAT("balancer", efficiency_fade_alpha, 0.15f, 0.01f, 1.0f, "", "speed of fading a battery in or out") \
  FLOAT("balancer", efficiency_saturation_threshold, 0.4f, 0.0f, 1.0f, "", "saturation at which a battery is swapped; 0 = off") \
  FLOAT("balancer", efficiency_demand_alpha, 0.1f, 0.01f, 1.0f, "", "smoothing of demand when counting batteries; 1 = off") \
  FLOAT("balancer", min_dc_output, 0.0f, 0.0f, NULLWATT_NO_LIMIT, "W", "output that keeps a DC-coupled battery awake; 0 = off") \
  FLOAT("balancer", grid_predict_trust, 0.5f, 0.0f, 1.0f, "", "trust in fresh meter samples; 0 = off (needless)") \
  FLOAT("balancer", concentrate_deadband, 60.0f, 0.0f, NULLWATT_NO_LIMIT, "W", "errors below this go to one battery; 0 = off (needless)") \
  FLOAT("balancer", import_trim_w, 15.0f, 0.0f, NULLWATT_NO_LIMIT, "W", "nudge against a lasting small import; 0 = off (needless)") \
  BOOL("saturation", saturation_enabled, true, 0, 1, "", "learn which battery cannot deliver") \
  FLOAT("saturation", saturation_alpha, 0.15f, 0.01f, 1.0f, "1/s", "rise of the saturation score") \
  FLOAT("saturation", saturation_min_target, 20.0f, 1.0f, NULLWATT_NO_LIMIT, "W", "targets below this say nothing about saturation") \
  FLOAT("saturation", saturation_decay_factor, 0.995f, 0.0f, 1.0f, "1/s", "decay of the saturation score") \
  SECONDS("saturation", saturation_grace_seconds, 90.0f, 0.0f, NULLWATT_NO_LIMIT, "s", "time a new battery has to start") \
  SECONDS("saturation", saturation_stall_timeout_seconds, 60.0f, 0.0f, NULLWATT_NO_LIMIT, "s", "time after which a battery that never moved is given up")
// clang-format on
