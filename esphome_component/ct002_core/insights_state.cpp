#include "insights_state.h"

#include "json_writer.h"
#include "utc_time.h"

namespace nullwatt {
namespace {

constexpr uint8_t kWattDecimals = 1;

void watts(JsonWriter *json, const char *key, float power_w) {
  json->key(key);
  json->number(power_w, kWattDecimals);
}

/// A setting that is negative where there is none.
void bound(JsonWriter *json, const char *key, float power_w) {
  json->key(key);
  if (power_w < 0.0f) {
    json->null();
  } else {
    json->number(power_w, kWattDecimals);
  }
}

void phases(JsonWriter *json, const float *power_w) {
  watts(json, "l1", power_w[0]);
  watts(json, "l2", power_w[1]);
  watts(json, "l3", power_w[2]);
}

/// The fields of a reply that carry what the battery is told.
void told(JsonWriter *json, const ct002_state &state, const ct002_consumer &battery) {
  float power_w[3] = {};
  if (state.active_control) {
    power_w[battery.phase == 'B' ? 1 : battery.phase == 'C' ? 2 : 0] = battery.reading_w;
  } else {
    for (uint8_t i = 0; i < 3; i++) power_w[i] = state.grid_w[i];
  }
  phases(json, power_w);
}

/// The address without the port.
Text address_of(const ct002_consumer &battery) {
  Text source = text_of(battery.source);
  for (size_t i = source.size; i > 0; i--) {
    if (source[i - 1] == ':') return Text{source.data, i - 1};
  }
  return source;
}

}  // namespace

void write_bridge_state(const InsightsConfig &config, const ct002_state &state, Writer *out) {
  JsonWriter json(out);
  json.begin_object();
  json.member("version", config.version);
  json.member("consumer_count", static_cast<int32_t>(state.consumers));
  json.end_object();
}

void write_device_state(const ct002_state &state, Writer *out) {
  JsonWriter json(out);
  json.begin_object();
  json.member("smooth_target", round_half_even(state.grid_total_w));
  json.member("active_control", state.active_control != 0);
  json.member("consumer_count", static_cast<int32_t>(state.consumers));
  json.end_object();
}

void write_battery_state(const Emulator &emulator, const ct002_consumer &battery, uint32_t unix_s, Writer *out) {
  ct002_state state;
  emulator.state(&state);
  JsonWriter json(out);
  json.begin_object();
  json.key("grid_power");
  json.begin_object();
  phases(&json, state.grid_w);
  watts(&json, "total", state.grid_total_w);
  json.end_object();
  json.key("target");
  json.begin_object();
  told(&json, state, battery);
  json.end_object();
  const char phase[2] = {battery.phase, '\0'};
  json.member("phase", phase);
  json.member("reported_power", round_half_even(battery.power_w));
  json.member("device_type", battery.device_type);
  json.key("battery_ip");
  json.string(address_of(battery));
  json.member("ct_type", emulator.config().ct_type);
  json.member("ct_mac", emulator.config().ct_mac);
  json.key("saturation");
  json.number(battery.saturation, 3);
  watts(&json, "last_target", battery.reading_w);
  json.member("active", battery.active != 0);
  json.key("poll_interval");
  if (battery.poll_interval_s > 0.0f) {
    json.number(battery.poll_interval_s, 1);
  } else {
    json.null();
  }
  json.key("last_seen");
  if (unix_s >= kEarliestUnixTime) {
    json.begin_string();
    write_date_time(unix_s - battery.age_ms / 1000, out);
    json.end_string();
  } else {
    json.null();
  }
  watts(&json, "manual_target", battery.manual_target_w);
  json.member("auto_target", battery.manual == 0);
  json.key("distribution_weight");
  json.number(battery.weight, 2);
  json.key("efficiency_window_weight");
  json.number(battery.window_weight, 3);
  bound(&json, "min_dc_output", battery.min_dc_output_w);
  bound(&json, "max_charge", battery.max_charge_w);
  bound(&json, "max_discharge", battery.max_discharge_w);
  json.end_object();
}

}  // namespace nullwatt
