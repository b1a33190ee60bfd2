#include "c_api.h"

#include "config_access.h"
#include "door.h"
#include "filter_chain.h"

struct ct002_config {
  nullwatt::Config value;
};
struct ct002_filters {
  nullwatt::FilterChain value;
};

using nullwatt::Place;
using nullwatt::text_of;
using nullwatt::usable;

namespace {

static_assert(static_cast<int>(CT002_SET_DISCHARGE_ORDER) == static_cast<int>(nullwatt::kSetDischargeOrder),
              "the C door mirrors SettingBit");
static_assert(static_cast<int>(CT002_KIND) == static_cast<int>(nullwatt::OptionError::kKind),
              "the C door mirrors OptionError");

}  // namespace

size_t ct002_option_count(void) { return nullwatt::option_count(); }

void ct002_option_at(size_t index, ct002_option *out) {
  const nullwatt::OptionInfo &option = nullwatt::option_at(index);
  *out = {option.group,        option.key,           option.unit, option.help, option.choices,
          option.default_text, option.default_value, option.low,  option.high, static_cast<uint8_t>(option.kind)};
}

const char *ct002_drop_text(uint8_t reason) {
  return nullwatt::drop_reason_text(static_cast<nullwatt::DropReason>(reason));
}

uint32_t ct002_max_batteries(void) { return nullwatt::kMaxBatteries; }
uint32_t ct002_max_datagram(void) { return nullwatt::kMaxDatagram; }

size_t ct002_config_size(void) { return sizeof(ct002_config); }

ct002_config *ct002_config_init(void *memory, size_t size) {
  if (!usable(memory, size, sizeof(ct002_config))) return nullptr;
  return new (Place{memory}) ct002_config();
}

int ct002_config_set_number(ct002_config *config, const char *key, float value) {
  return static_cast<int>(nullwatt::set_option(&config->value, text_of(key), value));
}

int ct002_config_set_text(ct002_config *config, const char *key, const char *value) {
  return static_cast<int>(nullwatt::set_option(&config->value, text_of(key), text_of(value)));
}

int ct002_config_get_number(const ct002_config *config, const char *key, float *value) {
  return nullwatt::get_option(config->value, text_of(key), value) ? CT002_OK : CT002_UNKNOWN;
}

size_t ct002_size(void) { return sizeof(ct002_emulator); }

ct002_emulator *ct002_init(void *memory, size_t size, const ct002_config *config) {
  if (!usable(memory, size, sizeof(ct002_emulator))) return nullptr;
  return new (Place{memory}) ct002_emulator{nullwatt::Emulator(config->value)};
}

void ct002_update_grid(ct002_emulator *emulator, const float *power_w, uint8_t count, uint32_t now_ms) {
  emulator->value.update_grid(power_w, count, now_ms);
}

void ct002_update_grid_phase(ct002_emulator *emulator, uint8_t phase, uint8_t count, float power_w, uint32_t now_ms) {
  emulator->value.update_grid_phase(phase, count, power_w, now_ms);
}

void ct002_invalidate_grid(ct002_emulator *emulator, uint32_t now_ms) { emulator->value.invalidate_grid(now_ms); }

void ct002_unassign_grid(ct002_emulator *emulator) { emulator->value.unassign_grid(); }

size_t ct002_handle(ct002_emulator *emulator, const uint8_t *request, size_t size, const char *source, uint32_t now_ms,
                    uint8_t *reply, size_t capacity, uint8_t *reason) {
  nullwatt::DropReason why = nullwatt::DropReason::kNone;
  size_t reply_size = emulator->value.handle(request, size, source, now_ms, reply, capacity, &why);
  if (reason != nullptr) *reason = static_cast<uint8_t>(why);
  return reply_size;
}

void ct002_tick(ct002_emulator *emulator, uint32_t now_ms) { emulator->value.tick(now_ms); }

int ct002_set_override(ct002_emulator *emulator, const char *mac, const ct002_override *change) {
  nullwatt::Settings settings;
  settings.active = change->active != 0;
  settings.manual = change->manual != 0;
  settings.manual_target_w = change->manual_target_w;
  settings.weight = change->weight;
  settings.window_weight = change->window_weight;
  settings.min_dc_output_w = change->min_dc_output_w;
  settings.max_charge_w = change->max_charge_w;
  settings.max_discharge_w = change->max_discharge_w;
  settings.start_power_w = change->start_power_w;
  settings.charge_order = change->charge_order;
  settings.discharge_order = change->discharge_order;
  switch (emulator->value.set_override(text_of(mac), settings, change->which)) {
    case nullwatt::SettingError::kNone:
      return CT002_OK;
    case nullwatt::SettingError::kRange:
      return CT002_RANGE;
    default:
      return CT002_FULL;
  }
}

void ct002_force_rotation(ct002_emulator *emulator) { emulator->value.force_rotation(); }

void ct002_set_active_control(ct002_emulator *emulator, uint8_t active) {
  emulator->value.set_active_control(active != 0);
}

void ct002_tune(ct002_emulator *emulator, const ct002_config *config) { emulator->value.tune(config->value); }

void ct002_reconfigure(ct002_emulator *emulator, const ct002_config *config) {
  emulator->value.reconfigure(config->value);
}

void ct002_get_state(const ct002_emulator *emulator, ct002_state *out) { emulator->value.state(out); }

int ct002_get_consumer(const ct002_emulator *emulator, uint8_t index, ct002_consumer *out) {
  return emulator->value.consumer(index, out) ? 1 : 0;
}

uint8_t ct002_decode_frame(const uint8_t *frame, size_t size, const char **body, size_t *body_size) {
  nullwatt::Text text;
  nullwatt::DropReason reason = nullwatt::decode_frame(frame, size, &text);
  *body = text.data;
  *body_size = text.size;
  return static_cast<uint8_t>(reason);
}

size_t ct002_encode_frame(const char *body, size_t body_size, uint8_t *frame, size_t capacity) {
  nullwatt::FrameWriter writer(frame, capacity);
  nullwatt::FieldReader fields(nullwatt::Text{body, body_size});
  nullwatt::Text field;
  while (fields.next(&field)) writer.field(field);
  return writer.finish();
}

size_t ct002_filters_size(void) { return sizeof(ct002_filters); }

ct002_filters *ct002_filters_init(void *memory, size_t size, const ct002_config *config) {
  if (!usable(memory, size, sizeof(ct002_filters))) return nullptr;
  ct002_filters *filters = new (Place{memory}) ct002_filters();
  filters->value.configure(config->value);
  return filters;
}

void ct002_filters_apply(ct002_filters *filters, float *power_w, uint8_t count, uint32_t now_ms) {
  nullwatt::PhaseValues values;
  values.count = count > 3 ? 3 : count;
  for (uint8_t i = 0; i < values.count; i++) values.power_w[i] = power_w[i];
  filters->value.apply(&values, now_ms);
  for (uint8_t i = 0; i < values.count; i++) power_w[i] = values.power_w[i];
}

void ct002_filters_reset(ct002_filters *filters) { filters->value.reset(); }
