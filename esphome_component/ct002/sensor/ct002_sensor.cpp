#include "ct002_sensor.h"

namespace esphome::ct002 {

namespace readings {

static constexpr float PERCENT = 100.0f;
/// Below this the pool does nothing worth sharing.
static constexpr float LEAST_POOL_W = 10.0f;

static float while_available(const View &view, float value) { return view.meter.grid_available ? value : NAN; }

static float phase(const View &view, uint8_t index) {
  return index < view.meter.phases ? while_available(view, view.meter.grid_w[index]) : NAN;
}

float grid_power(const View &view) { return while_available(view, view.meter.grid_total_w); }
float grid_power_l1(const View &view) { return phase(view, 0); }
float grid_power_l2(const View &view) { return phase(view, 1); }
float grid_power_l3(const View &view) { return phase(view, 2); }
float demand(const View &view) { return while_available(view, view.meter.demand_w); }
float control_value(const View &view) { return while_available(view, view.meter.missing_w); }
float pool_power(const View &view) { return view.meter.pool_output_w; }
float batteries(const View &view) { return view.meter.consumers; }

float power(const View &view) { return view.battery != nullptr ? view.battery->power_w : NAN; }
float target(const View &view) { return view.battery != nullptr ? view.battery->target_w : NAN; }

float share(const View &view) {
  if (view.battery == nullptr)
    return NAN;
  const float pool_w = view.meter.pool_output_w;
  if (!view.battery->in_pool || std::fabs(pool_w) < LEAST_POOL_W)
    return 0.0f;
  return PERCENT * view.battery->power_w / pool_w;
}

float saturation_charge(const View &view) {
  return view.battery != nullptr ? PERCENT * view.battery->saturation_charge : NAN;
}

float saturation_discharge(const View &view) {
  return view.battery != nullptr ? PERCENT * view.battery->saturation_discharge : NAN;
}

float poll_interval(const View &view) {
  return view.battery != nullptr && view.battery->polls > 1 ? view.battery->poll_interval_s : NAN;
}

}  // namespace readings

void CT002Sensor::refresh(const View &view) {
  const float scale = std::pow(10.0f, static_cast<float>(this->get_accuracy_decimals()));
  const float value = std::round(this->reading_(view) * scale) / scale;
  // NAN equals nothing, itself included.
  const bool same = value == this->sent_ || (std::isnan(value) && std::isnan(this->sent_));
  if (same && this->sent_any_ && !this->send_all_)
    return;
  this->sent_ = value;
  this->sent_any_ = true;
  this->publish_state(value);
}

}  // namespace esphome::ct002
