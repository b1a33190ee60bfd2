// What hosts may look at: plain structs, filled on request.

#include "clock.h"
#include "emulator.h"
#include "numeric.h"

namespace nullwatt {

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
  out->limiting = efficiency_.limiting() ? 1 : 0;
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
    out->active = settings_of(consumer).active ? 1 : 0;
    out->manual = settings_of(consumer).manual ? 1 : 0;
    out->power_w = static_cast<float>(consumer.power_w);
    out->target_w = consumer.target_w;
    out->reading_w = consumer.reading_w;
    out->instructed_w = consumer.instructed_w;
    out->manual_target_w = settings_of(consumer).manual_target_w;
    out->weight = settings_of(consumer).weight;
    out->window_weight = settings_of(consumer).window_weight;
    out->min_dc_output_w = settings_of(consumer).min_dc_output_w;
    out->max_charge_w = settings_of(consumer).max_charge_w;
    out->max_discharge_w = settings_of(consumer).max_discharge_w;
    out->start_power_w = settings_of(consumer).start_power_w;
    out->charge_order = settings_of(consumer).charge_order;
    out->discharge_order = settings_of(consumer).discharge_order;
    out->saturation_charge = consumer.saturation.charge();
    out->saturation_discharge = consumer.saturation.discharge();
    out->saturation = larger(out->saturation_charge, out->saturation_discharge);
    out->presence = consumer.turn.presence;
    out->parked = consumer.in_pool && consumer.turn.state == TurnState::kParked ? 1 : 0;
    out->probing = consumer.in_pool && consumer.turn.state == TurnState::kCandidate ? 1 : 0;
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
