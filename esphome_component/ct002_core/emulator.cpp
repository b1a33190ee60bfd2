#include "emulator.h"

#include <cmath>

#include "clock.h"
#include "numeric.h"

namespace nullwatt {
namespace {

/// A second poll this soon with nothing new in it is the same one again (sent twice by the network
/// or the battery): it gets the same reading, and the model does not count it twice.
constexpr uint32_t kRepeatedPollMs = 150;
/// With steering gentle, errors up to this are left alone.
constexpr float kGentleDeadbandW = 25.0f;
/// A battery silent for longer than this many polls may have been moved by anybody.
constexpr float kForgottenPolls = 6.0f;
constexpr float kForgottenS = 8.0f;
constexpr float kMaxManualTargetW = 100000.0f;
/// Reports and readings beyond this are no home battery's; the model does not follow them there.
constexpr float kMostPlausibleW = 100000.0f;

/// Slot of the three phase fields a battery reads. A combined battery reads the total, which
/// is the sum of the three, so its value stands in the first one.
uint8_t own_slot(Phase phase) {
  return phase == Phase::kCombined || phase == Phase::kUnassigned ? 0 : static_cast<uint8_t>(phase) - 1;
}

uint8_t bucket_of(Phase phase) { return static_cast<uint8_t>(phase); }

bool within(float value, float low, float high) { return value >= low && value <= high; }

int32_t clamp_sum(int64_t value) {
  if (value > INT32_MAX) return INT32_MAX;
  if (value < -INT32_MAX) return -INT32_MAX;
  return static_cast<int32_t>(value);
}

static_assert(static_cast<uint8_t>(Phase::kUnassigned) == kBucketX, "buckets follow the phases");
static_assert(static_cast<uint8_t>(Phase::kCombined) == kBucketAbc, "buckets follow the phases");

}  // namespace

Emulator::Emulator(const Config &config) { reconfigure(config); }

void Emulator::reconfigure(const Config &config) {
  config_ = config;
  set_ct_mac(text_of(config.ct_mac));
  grid_.set_max_age(static_cast<uint32_t>(config_.max_sensor_age_ms));
  grid_.set_filters(config_);
  bool gentle = equal_ignoring_case(text_of(config_.steering), text_of("gentle"));
  style_ = SteeringStyle();
  if (gentle) style_.deadband_w = kGentleDeadbandW;
  style_.max_slope_w_s = gentle ? larger(config_.pace_max_step, config_.pace_base_step) : 0.0f;
  style_.max_step_w = config_.max_target_step;
  style_.even_out = config_.fair_distribution;
  set_grid_goal();
  saturation_rules_.enabled = config_.saturation_enabled;
  saturation_rules_.rise = config_.saturation_alpha;
  saturation_rules_.decay = config_.saturation_decay_factor;
  saturation_rules_.min_target_w = config_.saturation_min_target;
  saturation_rules_.stall_s = static_cast<float>(config_.saturation_stall_timeout_seconds_ms) / 1000.0f;
  efficiency_.configure(config_);
  restart_control();
}

void Emulator::set_ct_mac(Text mac) {
  // It may be written with separators; batteries send it without.
  size_t n = 0;
  for (size_t i = 0; i < mac.size && n + 1 < sizeof(config_.ct_mac); i++) {
    if (mac[i] != ':' && mac[i] != '-') config_.ct_mac[n++] = mac[i];
  }
  config_.ct_mac[n] = '\0';
}

void Emulator::set_grid_goal() {
  style_.grid_target_w = clamp(config_.grid_target, -kMostPlausibleW, kMostPlausibleW);
  style_.peak_threshold_w = config_.peak_shaving_threshold;
}

void Emulator::tune(const Config &config) {
  config_.grid_target = config.grid_target;
  config_.peak_shaving_threshold = config.peak_shaving_threshold;
  config_.min_efficient_power = config.min_efficient_power;
  config_.min_efficient_charge = config.min_efficient_charge;
  config_.min_efficient_discharge = config.min_efficient_discharge;
  set_grid_goal();
  bool took_turns = efficiency_.enabled();
  efficiency_.set_least_power(config_);
  if (took_turns == efficiency_.enabled()) return;
  // Everybody works until the first turns are taken; shares move gently there and back.
  efficiency_.restart();
  for (Consumer &consumer : consumers_) consumer.turn = Turn();
  resettle();
}

// -- meter ---------------------------------------------------------------------------------

void Emulator::update_grid(const float *power_w, uint8_t count, uint32_t now_ms) {
  now_ms_ = now_ms;
  grid_assigned_ = true;
  if (count == 0) {
    grid_.invalidate();
  } else {
    grid_.update(power_w, count, now_ms);
  }
  take_sample(grid_.settle(now_ms));
}

void Emulator::update_grid_phase(uint8_t phase, uint8_t count, float power_w, uint32_t now_ms) {
  now_ms_ = now_ms;
  grid_assigned_ = true;
  grid_.update_phase(phase, count, power_w, now_ms);
}

void Emulator::invalidate_grid(uint32_t now_ms) {
  now_ms_ = now_ms;
  grid_assigned_ = true;
  grid_.invalidate();
  take_sample(false);
}

void Emulator::unassign_grid() { grid_assigned_ = false; }

void Emulator::take_sample(bool fresh) {
  if (!grid_.available()) {
    demand_.reset();
    frozen_.reset();
    waiting_ = false;
    return;
  }
  if (!fresh && demand_.known()) return;
  estimate_demand();
  sync_pool();
  waiting_total_w_ = grid_.total_w();
  waiting_ms_ = now_ms_;
  waiting_ = true;
  if (!demand_.known()) estimate_demand();
}

/// Hands the waiting sample to the estimator, if there is one.
void Emulator::estimate_demand() {
  if (!waiting_) return;
  waiting_ = false;
  const ReportHistory *histories[kMaxBatteries];
  PoolReports pool;
  float intervals_s = 0.0f;
  for (const Consumer &consumer : consumers_) {
    if (!consumer.in_pool) continue;
    histories[pool.count++] = &consumer.model.history();
    intervals_s += consumer.model.poll_interval_s();
  }
  if (frozen_.repeats(grid_.raw_total_w(), pool_output_w(), waiting_ms_)) {
    // Back to what was known before the batteries moved, and no further.
    demand_.shift(believed_w_ - demand_.level_w());
    return;
  }
  pool.members = histories;
  if (pool.count > 0) pool.poll_interval_s = intervals_s / static_cast<float>(pool.count);
  demand_.sample(waiting_total_w_, pool, waiting_ms_);
  if (!frozen_.suspicious()) believed_w_ = demand_.level_w();
}

// -- polls ---------------------------------------------------------------------------------

size_t Emulator::handle(const uint8_t *request, size_t size, const char *source, uint32_t now_ms, uint8_t *reply,
                        size_t capacity, DropReason *reason) {
  now_ms_ = now_ms;
  take_sample(grid_.settle(now_ms));
  size_t reply_size = 0;
  DropReason why = process(request, size, source, reply, capacity, &reply_size);
  if (why == DropReason::kNone) {
    replies_++;
  } else {
    drops_++;
    if (why == DropReason::kTableFull) refused_full_++;
  }
  if (reason != nullptr) *reason = why;
  return reply_size;
}

DropReason Emulator::process(const uint8_t *datagram, size_t size, const char *source, uint8_t *reply, size_t capacity,
                             size_t *reply_size) {
  if (size > kMaxDatagram) return DropReason::kTooLong;
  Text body;
  DropReason reason = decode_frame(datagram, size, &body);
  if (reason != DropReason::kNone) return reason;
  Request request;
  reason = parse_request(body, &request);
  if (reason != DropReason::kNone) return reason;
  if (!accepts_ct_mac(request.ct_mac)) return DropReason::kOtherCtMac;

  char key[kKeySize];
  make_key(request.mac.size > 0 ? request.mac : text_of(source), key);
  Consumer *consumer = consumers_.find(key);
  if (consumer != nullptr && config_.dedupe_window_ms > 0 &&
      elapsed_ms(now_ms_, consumer->seen_ms) < static_cast<uint32_t>(config_.dedupe_window_ms)) {
    return DropReason::kDuplicate;
  }
  if (consumer == nullptr) consumer = admit(key);
  if (consumer == nullptr) return DropReason::kTableFull;
  note_request(consumer, request, source);

  float phase_w[3] = {0.0f, 0.0f, 0.0f};
  choose_values(consumer, phase_w);
  *reply_size = answer(request, consumer, phase_w, reply, capacity);
  return *reply_size > 0 ? DropReason::kNone : DropReason::kReplyTooLong;
}

bool Emulator::accepts_ct_mac(Text ct_mac) const {
  Text own = text_of(config_.ct_mac);
  return own.size == 0 || equal_ignoring_case(own, ct_mac);
}

Consumer *Emulator::admit(const char *key) {
  Consumer *consumer = consumers_.admit(key);
  if (consumer == nullptr) {
    expire();
    consumer = consumers_.admit(key);
  }
  if (consumer != nullptr) consumer->settings = overrides_.find(key);
  return consumer;
}

void Emulator::note_request(Consumer *consumer, const Request &request, const char *source) {
  uint32_t interval_ms = elapsed_ms(now_ms_, consumer->seen_ms);
  consumer->repeated = consumer->polls > 0 && interval_ms < kRepeatedPollMs && consumer->target_known &&
                       consumer->power_w == request.power_w && consumer->steered_sample == grid_.sequence();
  Text known_type = text_of(consumer->device_type);
  Text type = request.device_type;
  if (type.size >= sizeof(consumer->device_type)) type.size = sizeof(consumer->device_type) - 1;
  bool same_type = consumer->polls > 0 && equal_ignoring_case(known_type, type);
  if (!same_type) consumer->traits = traits_of(request.device_type);
  // Another device type or phase is another installation: what was learnt does not hold.
  if (consumer->phase != request.phase || !same_type) consumer->modelled = false;
  note_poll(consumer, now_ms_);
  consumer->phase = request.phase;
  consumer->participates = request.participates;
  copy_text(type, consumer->device_type, sizeof(consumer->device_type));
  copy_text(text_of(source), consumer->source, sizeof(consumer->source));
  consumer->power_w = request.power_w;
  if (!consumer->repeated) note_report(consumer, interval_ms);
  sync_pool();
  if (consumer->in_pool) estimate_demand();
}

void Emulator::note_report(Consumer *consumer, uint32_t interval_ms) {
  float power_w = clamp(static_cast<float>(consumer->power_w), -kMostPlausibleW, kMostPlausibleW);
  BatteryModel &model = consumer->model;
  float gone_s = larger(kForgottenPolls * model.poll_interval_s(), kForgottenS);
  if (!consumer->modelled) {
    bool ct003 = equal_ignoring_case(text_of(config_.ct_type), text_of("HME-3"));
    const DeviceTraits &traits = consumer->traits;
    model.reset(ct003 ? traits.law_ct003 : traits.law, traits.rest_band_w, power_w, now_ms_);
    consumer->modelled = true;
  } else if (static_cast<float>(interval_ms) > 1000.0f * gone_s) {
    model.rejoin(power_w, now_ms_);
  } else if (is_steered(*consumer)) {
    bool limited = model.limit_known();
    model.report(power_w, now_ms_);
    // It can do more than was believed: its share comes back gently.
    if (limited && !model.limit_known()) resettle();
  } else {
    model.accompany(power_w, now_ms_);
  }
}

void Emulator::choose_values(Consumer *consumer, float *phase_w) {
  bool raw = !config_.active_control || consumer->phase == Phase::kUnassigned;
  if (grid_assigned_ && grid_.available()) {
    for (uint8_t i = 0; i < 3; i++) consumer->served_w[i] = grid_.phase_w(i);
    consumer->served = true;
  }
  float reading_w = 0.0f;
  if (raw) {
    // A failed meter reads 0; only "no meter for you" falls back on what was served before.
    if (consumer->served && (!grid_assigned_ || grid_.available())) {
      for (uint8_t i = 0; i < 3; i++) phase_w[i] = consumer->served_w[i];
    }
  } else if (grid_assigned_ && grid_.available()) {
    reading_w = reading_for(consumer);
    phase_w[own_slot(consumer->phase)] = reading_w;
  }
  if (!raw && !consumer->repeated) {
    consumer->model.commit(round_half_even(clamp(reading_w, -kMostPlausibleW, kMostPlausibleW)));
  }
  consumer->reading_w = reading_w;
  if (consumer->phase != Phase::kUnassigned) {
    consumer->instructed_w = static_cast<float>(consumer->power_w) + reading_w;
  }
}

float Emulator::reading_for(Consumer *consumer) {
  float power_w = static_cast<float>(consumer->power_w);
  if (consumer->in_pool) return steer(consumer);
  bool parked = !settings_of(*consumer).active || !consumer->participates;
  consumer->target_w = parked ? 0.0f : settings_of(*consumer).manual_target_w;
  consumer->target_known = true;
  return consumer->target_w - power_w;
}

// -- reply ---------------------------------------------------------------------------------

size_t Emulator::answer(const Request &request, Consumer *consumer, const float *phase_w, uint8_t *buffer,
                        size_t capacity) {
  Reply reply;
  reply.ct_type = text_of(config_.ct_type);
  reply.ct_mac = config_.ct_mac[0] != '\0' ? text_of(config_.ct_mac) : request.ct_mac;
  reply.device_type = request.device_type;
  reply.mac = request.mac;
  for (uint8_t i = 0; i < 3; i++) reply.phase_w[i] = phase_w[i];
  reply.wifi_rssi = config_.wifi_rssi;
  // The same reply again: a battery that got the first one ignores an index it has just seen.
  reply.info_index = consumer->repeated ? consumer->last_index : info_index_;
  sum_buckets(*consumer, phase_w, &reply);
  size_t size = encode_reply(reply, buffer, capacity < kMaxDatagram ? capacity : kMaxDatagram);
  if (size > 0 && !consumer->repeated) {
    consumer->last_index = info_index_;
    info_index_++;
  }
  return size;
}

void Emulator::sum_buckets(const Consumer &requester, const float *phase_w, Reply *reply) const {
  bool active = config_.active_control;
  int64_t charge_w[kBuckets] = {};
  int64_t discharge_w[kBuckets] = {};
  for (const Consumer &consumer : consumers_) {
    if (!consumer.used || !consumer.participates || is_expired(consumer)) continue;
    uint8_t bucket = bucket_of(consumer.phase);
    int32_t power_w = consumer.power_w;
    if (active && bucket != kBucketX) {
      power_w = round_half_even(consumer.instructed_w);
      // A full battery passing its sun through must not look like one told to discharge:
      // others would stop charging.
      // While the pool charges, no member shows as discharging, whatever moves it.
      bool charging = consumer.target_w <= 0.0f || (consumer.in_pool && pool_wanted_w_ <= 0.0f);
      bool discharging = consumer.target_w >= 0.0f || (consumer.in_pool && pool_wanted_w_ >= 0.0f);
      if (consumer.target_known && ((charging && power_w > 0) || (discharging && power_w < 0))) power_w = 0;
    }
    (power_w < 0 ? charge_w : discharge_w)[bucket] += power_w;
    if (!active) reply->counts[bucket]++;
  }
  for (uint8_t i = 0; i < kBuckets; i++) {
    reply->charge_w[i] = clamp_sum(charge_w[i]);
    reply->discharge_w[i] = clamp_sum(discharge_w[i]);
    // Batteries divide what they read by the count, so it is never more than 1 here.
    if (active) reply->counts[i] = charge_w[i] != 0 || discharge_w[i] != 0 ? 1 : 0;
  }
  if (!active) return;
  float total_w = 0.0f;
  for (uint8_t i = 0; i < 3; i++) {
    total_w += phase_w[i];
    if (phase_w[i] != 0.0f) reply->counts[kBucketA + i] = 1;
  }
  if (requester.phase == Phase::kCombined && total_w != 0.0f) reply->counts[kBucketAbc] = 1;
}

// -- settings ------------------------------------------------------------------------------

SettingError Emulator::set_override(Text mac, const Settings &settings, uint16_t which) {
  bool valid =
      ((which & kSetManualTarget) == 0 || within(settings.manual_target_w, -kMaxManualTargetW, kMaxManualTargetW)) &&
      ((which & kSetWeight) == 0 || within(settings.weight, 0.0f, 10.0f)) &&
      ((which & kSetWindowWeight) == 0 || within(settings.window_weight, 0.0f, 1.0f)) &&
      ((which & kSetMinDcOutput) == 0 || within(settings.min_dc_output_w, -1.0f, kMaxManualTargetW));
  valid = valid && ((which & kSetMaxCharge) == 0 || within(settings.max_charge_w, -1.0f, kMaxManualTargetW)) &&
          ((which & kSetMaxDischarge) == 0 || within(settings.max_discharge_w, -1.0f, kMaxManualTargetW)) &&
          ((which & kSetStartPower) == 0 || within(settings.start_power_w, -1.0f, kMaxManualTargetW)) &&
          ((which & kSetChargeOrder) == 0 || settings.charge_order <= kLastOrder) &&
          ((which & kSetDischargeOrder) == 0 || settings.discharge_order <= kLastOrder);
  if (!valid) return SettingError::kRange;
  char key[kKeySize];
  make_key(mac, key);
  Settings *stored = overrides_.edit(key);
  if (stored == nullptr) {
    refused_overrides_++;
    return SettingError::kTableFull;
  }
  if ((which & kSetActive) != 0) stored->active = settings.active;
  if ((which & kSetManual) != 0) stored->manual = settings.manual;
  if ((which & kSetManualTarget) != 0) stored->manual_target_w = settings.manual_target_w;
  if ((which & kSetWeight) != 0) stored->weight = settings.weight;
  if ((which & kSetWindowWeight) != 0) stored->window_weight = settings.window_weight;
  if ((which & kSetMinDcOutput) != 0) stored->min_dc_output_w = settings.min_dc_output_w;
  if ((which & kSetMaxCharge) != 0) stored->max_charge_w = settings.max_charge_w;
  if ((which & kSetMaxDischarge) != 0) stored->max_discharge_w = settings.max_discharge_w;
  if ((which & kSetStartPower) != 0) stored->start_power_w = settings.start_power_w;
  if ((which & kSetChargeOrder) != 0) stored->charge_order = settings.charge_order;
  if ((which & kSetDischargeOrder) != 0) stored->discharge_order = settings.discharge_order;
  Consumer *consumer = consumers_.find(key);
  if (consumer != nullptr) consumer->settings = overrides_.find(key);
  if ((which & (kSetWeight | kSetChargeOrder | kSetDischargeOrder)) != 0) {
    resettle();
  }
  sync_pool();
  return SettingError::kNone;
}

void Emulator::set_active_control(bool active) {
  if (active == config_.active_control) return;
  config_.active_control = active;
  restart_control();
}

}  // namespace nullwatt
