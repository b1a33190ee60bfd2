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
constexpr float kNoBoundW = 1e6f;

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
  // A MAC may be written with separators; batteries send it without.
  size_t n = 0;
  for (char byte : config.ct_mac) {
    if (byte != ':' && byte != '-') config_.ct_mac[n++] = byte;
    if (byte == '\0') break;
  }
  grid_.set_max_age(static_cast<uint32_t>(config_.max_sensor_age_ms));
  grid_.set_filters(config_);
  bool gentle = equal_ignoring_case(text_of(config_.steering), text_of("gentle"));
  style_ = SteeringStyle();
  if (gentle) style_.deadband_w = kGentleDeadbandW;
  style_.max_slope_w_s = gentle ? config_.pace_max_step : 0.0f;
  style_.share_tolerance_w = config_.balance_deadband;
  style_.max_step_w = config_.max_target_step;
  style_.even_out = config_.fair_distribution;
  style_.grid_target_w = clamp(config_.grid_target, -kMostPlausibleW, kMostPlausibleW);
  style_.peak_threshold_w = config_.peak_shaving_threshold;
  restart_control();
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
  pool.members = histories;
  if (pool.count > 0) pool.poll_interval_s = intervals_s / static_cast<float>(pool.count);
  demand_.sample(waiting_total_w_, pool, waiting_ms_);
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
  if (consumer != nullptr) consumer->settings = overrides_.of(key);
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
    model.report(power_w, now_ms_);
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
  bool parked = !consumer->settings.active || !consumer->participates;
  consumer->target_w = parked ? 0.0f : consumer->settings.manual_target_w;
  consumer->target_known = true;
  return consumer->target_w - power_w;
}

float Emulator::steer(Consumer *consumer) {
  if (consumer->repeated) return consumer->reading_w;
  PoolMember members[kMaxBatteries];
  uint8_t own = 0;
  uint8_t count = pool_members(members, consumer, &own);
  style_.other_output_w = 0.0f;
  for (const Consumer &other : consumers_) {
    if (other.used && !other.in_pool && !is_expired(other)) style_.other_output_w += static_cast<float>(other.power_w);
  }
  Move move = steer_pool(members, count, own, demand_, style_, now_ms_);
  missing_w_ = move.missing_w;
  pool_wanted_w_ = move.wanted_w;
  consumer->target_w = move.target_w;
  consumer->target_known = true;
  consumer->steered_sample = grid_.sequence();
  consumer->model.press(move.uncovered_w);
  float unwinding_w = consumer->model.unwinding_w(move.target_w);
  return static_cast<float>(consumer->model.reading_for(unwinding_w != 0.0f ? unwinding_w : move.move_w));
}

uint8_t Emulator::pool_members(PoolMember *members, const Consumer *wanted, uint8_t *own) {
  uint8_t count = 0;
  for (Consumer &consumer : consumers_) {
    if (!consumer.in_pool) continue;
    if (&consumer == wanted) *own = count;
    members[count].model = &consumer.model;
    members[count].weight = consumer.settings.weight;
    const Settings &settings = consumer.settings;
    bool charge_bound = settings.max_charge_w >= 0.0f;
    members[count].low_w = !consumer.traits.ac_chargeable ? 0.0f : charge_bound ? -settings.max_charge_w : -kNoBoundW;
    members[count].high_w = settings.max_discharge_w >= 0.0f ? settings.max_discharge_w : kNoBoundW;
    count++;
  }
  return count;
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

// -- pool ----------------------------------------------------------------------------------

bool Emulator::is_expired(const Consumer &consumer) const {
  return expired(consumer, config_.consumer_ttl_ms, now_ms_);
}

/// Whether the battery acts on readings that we choose, as against raw meter values.
bool Emulator::is_steered(const Consumer &consumer) const {
  return config_.active_control && consumer.phase != Phase::kUnassigned;
}

bool Emulator::belongs_to_pool(const Consumer &consumer) const {
  return consumer.used && consumer.modelled && is_steered(consumer) && consumer.participates &&
         consumer.settings.active && !consumer.settings.manual && !is_expired(consumer);
}

void Emulator::sync_pool() {
  for (Consumer &consumer : consumers_) {
    bool belongs = belongs_to_pool(consumer);
    if (belongs == consumer.in_pool) continue;
    consumer.in_pool = belongs;
    float power_w = static_cast<float>(consumer.power_w);
    demand_.shift(belongs ? power_w : -power_w);
    consumer.target_known = false;
  }
}

float Emulator::pool_output_w() const {
  float sum_w = 0.0f;
  for (const Consumer &consumer : consumers_) {
    if (consumer.in_pool) sum_w += static_cast<float>(consumer.power_w);
  }
  return sum_w;
}

void Emulator::expire() {
  sync_pool();
  for (Consumer &consumer : consumers_) {
    if (consumer.used && is_expired(consumer)) consumers_.remove(&consumer);
  }
}

void Emulator::tick(uint32_t now_ms) {
  now_ms_ = now_ms;
  take_sample(grid_.settle(now_ms));
  expire();
}

void Emulator::restart_control() {
  for (Consumer &consumer : consumers_) {
    consumer.in_pool = false;
    consumer.target_known = false;
    consumer.modelled = false;
  }
  demand_.reset();
  missing_w_ = 0.0f;
  take_sample(false);
}

// -- settings ------------------------------------------------------------------------------

SettingError Emulator::set_override(Text mac, const Settings &settings, uint8_t which) {
  bool valid =
      ((which & kSetManualTarget) == 0 || within(settings.manual_target_w, -kMaxManualTargetW, kMaxManualTargetW)) &&
      ((which & kSetWeight) == 0 || within(settings.weight, 0.0f, 10.0f)) &&
      ((which & kSetWindowWeight) == 0 || within(settings.window_weight, 0.0f, 1.0f)) &&
      ((which & kSetMinDcOutput) == 0 || within(settings.min_dc_output_w, -1.0f, kMaxManualTargetW));
  valid = valid && ((which & kSetMaxCharge) == 0 || within(settings.max_charge_w, -1.0f, kMaxManualTargetW)) &&
          ((which & kSetMaxDischarge) == 0 || within(settings.max_discharge_w, -1.0f, kMaxManualTargetW));
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
  Consumer *consumer = consumers_.find(key);
  if (consumer != nullptr) consumer->settings = *stored;
  sync_pool();
  return SettingError::kNone;
}

void Emulator::set_active_control(bool active) {
  if (active == config_.active_control) return;
  config_.active_control = active;
  restart_control();
}

// -- views ---------------------------------------------------------------------------------

void Emulator::state(ct002_state *out) const {
  *out = ct002_state();
  out->phases = grid_.phases();
  out->grid_available = grid_.available() ? 1 : 0;
  if (grid_.available()) {
    for (uint8_t i = 0; i < 3; i++) out->grid_w[i] = grid_.phase_w(i);
    out->grid_total_w = grid_.total_w();
    out->grid_age_ms = grid_.age_ms(now_ms_);
  }
  out->demand_w = demand_.known() ? demand_.demand_w(now_ms_, 0.0f) : 0.0f;
  out->missing_w = missing_w_;
  out->pool_output_w = pool_output_w();
  out->grid_samples = grid_.sequence();
  out->replies = replies_;
  out->drops = drops_;
  out->refused_full = refused_full_;
  out->refused_overrides = refused_overrides_;
  out->active_control = config_.active_control ? 1 : 0;
  out->consumers = consumers_.count();
  for (const Consumer &consumer : consumers_) {
    if (consumer.in_pool) out->pool_size++;
  }
  out->info_index = info_index_;
}

bool Emulator::consumer(uint8_t index, ct002_consumer *out) const {
  for (const Consumer &consumer : consumers_) {
    if (!consumer.used || index-- > 0) continue;
    *out = ct002_consumer();
    copy_text(text_of(consumer.key), out->key, sizeof(out->key));
    copy_text(text_of(consumer.device_type), out->device_type, sizeof(out->device_type));
    copy_text(text_of(consumer.source), out->source, sizeof(out->source));
    out->phase = phase_letter(consumer.phase);
    out->participates = consumer.participates ? 1 : 0;
    out->online = is_expired(consumer) ? 0 : 1;
    out->in_pool = consumer.in_pool ? 1 : 0;
    out->active = consumer.settings.active ? 1 : 0;
    out->manual = consumer.settings.manual ? 1 : 0;
    out->power_w = static_cast<float>(consumer.power_w);
    out->target_w = consumer.target_w;
    out->reading_w = consumer.reading_w;
    out->instructed_w = consumer.instructed_w;
    out->manual_target_w = consumer.settings.manual_target_w;
    out->weight = consumer.settings.weight;
    out->window_weight = consumer.settings.window_weight;
    out->min_dc_output_w = consumer.settings.min_dc_output_w;
    out->max_charge_w = consumer.settings.max_charge_w;
    out->max_discharge_w = consumer.settings.max_discharge_w;
    out->law = static_cast<uint8_t>(consumer.model.law());
    out->gain = consumer.model.gain();
    out->confidence = consumer.model.confidence();
    out->setpoint_w = consumer.model.setpoint_w();
    out->poll_interval_s = consumer.polls < 2 ? 0.0f : static_cast<float>(consumer.poll_interval_ds) / 10.0f;
    out->age_ms = elapsed_ms(now_ms_, consumer.seen_ms);
    out->polls = consumer.polls;
    return true;
  }
  return false;
}

}  // namespace nullwatt
