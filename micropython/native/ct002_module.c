// The module `_ct002`: the core's C door for MicroPython, as a user C module and as a native .mpy.
//
// As thin as it can be: what may be said to people is said in nullwatt/core.py, errors here are short. After
// construction an Emulator allocates nothing for handle_into; what returns new objects allocates those.

#ifdef MICROPY_ENABLE_DYNRUNTIME
#include "py/dynruntime.h"
#else
#include "py/binary.h"
#include "py/mphal.h"
#include "py/runtime.h"
#endif

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "ct002_module.h"

// Room for a reply: the longest has 24 fields and stays below the longest datagram that is answered.
enum { REPLY_BYTES = 256 };
// The core keeps 47 characters of a source.
enum { SOURCE_BYTES = 64 };
enum { PHASES = 3 };

typedef struct {
  mp_obj_base_t base;
  size_t size;  // of this whole object, the only one there is
  ct002_emulator *core;
  ct002_config *config;
#ifdef MICROPY_ENABLE_DYNRUNTIME
  mp_obj_t ticks;
  uint32_t clock_ms;
#endif
  uint8_t reason;
  uint8_t memory[];
} emulator_t;

// -- errors --------------------------------------------------------------------------------------

// A table of pointers to the types is not possible in a .mpy, where they are looked up at run time.
enum { TYPE_ERROR, VALUE_ERROR, RUNTIME_ERROR };

static NORETURN void fail(int type, const char *before, const char *subject, const char *after) {
  mp_obj_t text = mp_obj_new_str(before, strlen(before));
  text = mp_binary_op(MP_BINARY_OP_ADD, text, mp_obj_new_str(subject, strlen(subject)));
  text = mp_binary_op(MP_BINARY_OP_ADD, text, mp_obj_new_str(after, strlen(after)));
  const mp_obj_type_t *exception = type == TYPE_ERROR    ? &mp_type_TypeError
                                   : type == VALUE_ERROR ? &mp_type_ValueError
                                                         : &mp_type_RuntimeError;
  mp_raise_type_arg(exception, text);
  for (;;) {
  }
}

// -- from Python ---------------------------------------------------------------------------------

static const char *text_from(mp_obj_t object) {
  if (mp_obj_get_type(object) != &mp_type_str) fail(TYPE_ERROR, "expected a str", "", "");
  return mp_obj_str_get_str(object);
}

static uint8_t byte_from(mp_obj_t object, bool *fits) {
  mp_int_t value = mp_obj_get_int(object);
  *fits = *fits && value >= 0 && value <= 255;
  return (uint8_t)value;
}

// The source as the core wants it, with a zero at its end.
static void source_from(mp_obj_t object, char source[SOURCE_BYTES]) {
  mp_buffer_info_t buffer;
  mp_get_buffer_raise(object, &buffer, MP_BUFFER_READ);
  size_t size = buffer.len < SOURCE_BYTES ? buffer.len : SOURCE_BYTES - 1;
  memcpy(source, buffer.buf, size);
  source[size] = '\0';
}

static uint32_t port_ms(emulator_t *self) {
#ifdef MICROPY_ENABLE_DYNRUNTIME
  // The port's counter wraps at 2**30 or later; ours goes on to 2**32.
  if (self->ticks == MP_OBJ_NULL) {
    self->ticks = mp_load_attr(mp_import_name(MP_QSTR_time, mp_const_none, MP_OBJ_NEW_SMALL_INT(0)), MP_QSTR_ticks_ms);
  }
  uint32_t ticks = (uint32_t)mp_obj_get_int_truncated(mp_call_function_n_kw(self->ticks, 0, 0, NULL));
  self->clock_ms += (ticks - self->clock_ms) & 0x3FFFFFFF;
  return self->clock_ms;
#else
  (void)self;
  return (uint32_t)mp_hal_ticks_ms();
#endif
}

// Seconds may be a float of either precision, so the port calculates: int(at * 1000 + 0.5), as CPython's door does.
static uint32_t ms_from_seconds(mp_obj_t at) {
  mp_obj_t ms = mp_binary_op(MP_BINARY_OP_MULTIPLY, at, MP_OBJ_NEW_SMALL_INT(1000));
  if (mp_obj_get_type(ms) != &mp_type_int) {
    ms = mp_binary_op(MP_BINARY_OP_ADD, ms, mp_obj_new_float_from_f(0.5f));
    ms = mp_call_function_n_kw(MP_OBJ_FROM_PTR(&mp_type_int), 1, 0, &ms);
  }
  return (uint32_t)mp_obj_get_int_truncated(ms);
}

// The arguments after the first `fixed` ones: at (by place or name) and at_ms (by name).
static uint32_t time_from(emulator_t *self, size_t fixed, size_t n_args, const mp_obj_t *args, mp_map_t *kw) {
  mp_arg_t allowed[] = {
      {MP_QSTR_at, MP_ARG_OBJ, {.u_obj = mp_const_none}},
      {MP_QSTR_at_ms, MP_ARG_OBJ | MP_ARG_KW_ONLY, {.u_obj = mp_const_none}},
  };
  mp_arg_val_t values[2];
  mp_arg_parse_all(n_args - fixed, args + fixed, kw, 2, allowed, values);
  if (values[1].u_obj != mp_const_none) return (uint32_t)mp_obj_get_int_truncated(values[1].u_obj);
  return values[0].u_obj == mp_const_none ? port_ms(self) : ms_from_seconds(values[0].u_obj);
}

// -- options -------------------------------------------------------------------------------------

static int set_option(ct002_config *config, const char *key, mp_obj_t value) {
  if (mp_obj_get_type(value) == &mp_type_str) return ct002_config_set_text(config, key, mp_obj_str_get_str(value));
  // "Not set" is None here; in the core it is a value below the range.
  return ct002_config_set_number(config, key, value == mp_const_none ? -1.0f : mp_obj_get_float_to_f(value));
}

static void set_options(ct002_config *config, const mp_map_t *options) {
  for (size_t i = 0; i < options->alloc; i++) {
    if (!mp_map_slot_is_filled(options, i)) continue;
    const char *key = text_from(options->table[i].key);
    int status = set_option(config, key, options->table[i].value);
    if (status == CT002_UNKNOWN) fail(TYPE_ERROR, "unknown option ", key, "");
    if (status != CT002_OK) fail(VALUE_ERROR, "option ", key, ": not an allowed value");
  }
}

// check(key, value): 0, or why the core would not take it (CT002_UNKNOWN, CT002_RANGE, CT002_KIND).
static mp_obj_t check(mp_obj_t key, mp_obj_t value) {
  uint64_t memory[(ct002_config_size() + 7) / 8];
  ct002_config *config = ct002_config_init(memory, sizeof(memory));
  return MP_OBJ_NEW_SMALL_INT(set_option(config, text_from(key), value));
}
static MP_DEFINE_CONST_FUN_OBJ_2(check_obj, check);

static mp_obj_t new_text(const char *text) { return mp_obj_new_str(text, strlen(text)); }

// option(index or key): (group, key, kind, unit, default, low, high, choices, help) as the core holds it, or None.
static mp_obj_t option(mp_obj_t which) {
  size_t index = 0;
  ct002_option row;
  if (mp_obj_get_type(which) == &mp_type_str) {
    const char *key = mp_obj_str_get_str(which);
    for (;; index++) {
      if (index == ct002_option_count()) return mp_const_none;
      ct002_option_at(index, &row);
      if (strcmp(row.key, key) == 0) break;
    }
  } else {
    index = (size_t)mp_obj_get_int(which);
    if (index >= ct002_option_count()) return mp_const_none;
    ct002_option_at(index, &row);
  }
  static const char kinds[][8] = {"text", "bool", "int", "float", "seconds"};
  mp_obj_t items[] = {
      new_text(row.group),
      new_text(row.key),
      new_text(kinds[row.kind]),
      new_text(row.unit),
      row.kind == 0 ? new_text(row.default_text) : mp_obj_new_float_from_f(row.default_value),
      mp_obj_new_float_from_f(row.low),
      mp_obj_new_float_from_f(row.high),
      new_text(row.choices),
      new_text(row.help),
  };
  return mp_obj_new_tuple(MP_ARRAY_SIZE(items), items);
}
static MP_DEFINE_CONST_FUN_OBJ_1(option_obj, option);

// limits(): batteries in the table, bytes of a datagram.
static mp_obj_t limits(void) {
  mp_obj_t items[] = {
      MP_OBJ_NEW_SMALL_INT((mp_int_t)ct002_max_batteries()),
      MP_OBJ_NEW_SMALL_INT((mp_int_t)ct002_max_datagram()),
  };
  return mp_obj_new_tuple(2, items);
}
static MP_DEFINE_CONST_FUN_OBJ_0(limits_obj, limits);

// -- frames --------------------------------------------------------------------------------------

// decode_frame(frame): what stands in it, fields separated by '|'.
static mp_obj_t decode_frame(mp_obj_t frame) {
  mp_buffer_info_t buffer;
  mp_get_buffer_raise(frame, &buffer, MP_BUFFER_READ);
  const char *body = NULL;
  size_t size = 0;
  uint8_t reason = ct002_decode_frame(buffer.buf, buffer.len, &body, &size);
  if (reason != 0) fail(VALUE_ERROR, ct002_drop_text(reason), "", "");
  return mp_obj_new_str(body, size);
}
static MP_DEFINE_CONST_FUN_OBJ_1(decode_frame_obj, decode_frame);

// encode_frame(body): the frame around it, or None if it does not fit 9999 bytes.
static mp_obj_t encode_frame(mp_obj_t body) {
  mp_buffer_info_t buffer;
  mp_get_buffer_raise(body, &buffer, MP_BUFFER_READ);
  size_t capacity = buffer.len + 16 < 9999 ? buffer.len + 16 : 9999;
  uint8_t *frame = m_new(uint8_t, capacity);
  size_t size = ct002_encode_frame(buffer.buf, buffer.len, frame, capacity);
  mp_obj_t encoded = size == 0 ? mp_const_none : mp_obj_new_bytes(frame, size);
  m_del(uint8_t, frame, capacity);
  return encoded;
}
static MP_DEFINE_CONST_FUN_OBJ_1(encode_frame_obj, encode_frame);

// -- the emulator --------------------------------------------------------------------------------

// Emulator(options=None): a dict of options by their names.
static mp_obj_t emulator_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
  mp_arg_check_num(n_args, n_kw, 0, 1, false);
  size_t core_size = (ct002_size() + 7) & ~(size_t)7;
  size_t config_size = ct002_config_size();
  size_t size = sizeof(emulator_t) + 7 + core_size + config_size;
  emulator_t *self = m_malloc(size);
  memset(self, 0, sizeof(*self));
  self->base.type = type;
  self->size = size;
  uint8_t *core = (uint8_t *)(((uintptr_t)self->memory + 7) & ~(uintptr_t)7);
  self->config = ct002_config_init(core + core_size, config_size);
  if (n_args == 1 && args[0] != mp_const_none) {
    if (mp_obj_get_type(args[0]) != &mp_type_dict) fail(TYPE_ERROR, "expected a dict of options", "", "");
    set_options(self->config, mp_obj_dict_get_map(args[0]));
  }
  self->core = ct002_init(core, core_size, self->config);
  return MP_OBJ_FROM_PTR(self);
}

static size_t handle_buffers(emulator_t *self, mp_obj_t datagram, mp_obj_t source, uint32_t now_ms, uint8_t *reply,
                             size_t capacity) {
  mp_buffer_info_t request;
  mp_get_buffer_raise(datagram, &request, MP_BUFFER_READ);
  char sender[SOURCE_BYTES];
  source_from(source, sender);
  return ct002_handle(self->core, request.buf, request.len, sender, now_ms, reply, capacity, &self->reason);
}

// handle_into(datagram, source, now_ms, reply): size of the reply written into a buffer of the caller; 0 = stay silent.
static mp_obj_t handle_into(size_t n_args, const mp_obj_t *args) {
  (void)n_args;
  mp_buffer_info_t reply;
  mp_get_buffer_raise(args[4], &reply, MP_BUFFER_WRITE);
  uint32_t now_ms = (uint32_t)mp_obj_get_int_truncated(args[3]);
  size_t size = handle_buffers(MP_OBJ_TO_PTR(args[0]), args[1], args[2], now_ms, reply.buf, reply.len);
  return MP_OBJ_NEW_SMALL_INT((mp_int_t)size);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(handle_into_obj, 5, 5, handle_into);

// handle(datagram, source="", at=None, at_ms=None): the reply, or None.
static mp_obj_t handle(size_t n_args, const mp_obj_t *args, mp_map_t *kw) {
  mp_arg_t allowed[] = {
      {MP_QSTR_datagram, MP_ARG_OBJ | MP_ARG_REQUIRED, {.u_obj = MP_OBJ_NULL}},
      {MP_QSTR_source, MP_ARG_OBJ, {.u_obj = MP_OBJ_NEW_QSTR(MP_QSTR_)}},
      {MP_QSTR_at, MP_ARG_OBJ, {.u_obj = mp_const_none}},
      {MP_QSTR_at_ms, MP_ARG_OBJ | MP_ARG_KW_ONLY, {.u_obj = mp_const_none}},
  };
  mp_arg_val_t values[4];
  mp_arg_parse_all(n_args - 1, args + 1, kw, 4, allowed, values);
  emulator_t *self = MP_OBJ_TO_PTR(args[0]);
  uint32_t now_ms = 0;
  if (values[3].u_obj != mp_const_none) {
    now_ms = (uint32_t)mp_obj_get_int_truncated(values[3].u_obj);
  } else {
    now_ms = values[2].u_obj == mp_const_none ? port_ms(self) : ms_from_seconds(values[2].u_obj);
  }
  uint8_t reply[REPLY_BYTES];
  size_t size = handle_buffers(self, values[0].u_obj, values[1].u_obj, now_ms, reply, sizeof(reply));
  return size == 0 ? mp_const_none : mp_obj_new_bytes(reply, size);
}
static MP_DEFINE_CONST_FUN_OBJ_KW(handle_obj, 1, handle);

// update_grid(values, at=None, at_ms=None): a list, a tuple or an array; further values than three are ignored.
static mp_obj_t update_grid(size_t n_args, const mp_obj_t *args, mp_map_t *kw) {
  float power_w[PHASES];
  size_t count = 0;
  mp_buffer_info_t buffer;
  if (mp_get_buffer(args[1], &buffer, MP_BUFFER_READ)) {
    size_t item = mp_binary_get_size('@', (char)buffer.typecode, NULL);
    for (; count < PHASES && (count + 1) * item <= buffer.len; count++) {
      if (buffer.typecode == 'f') {  // without a float object
        memcpy(&power_w[count], (const char *)buffer.buf + count * item, sizeof(float));
      } else {
        power_w[count] = mp_obj_get_float_to_f(mp_binary_get_val_array((char)buffer.typecode, buffer.buf, count));
      }
    }
  } else {
    mp_obj_t *items = NULL;
    size_t size = 0;
    mp_obj_get_array(args[1], &size, &items);
    for (; count < PHASES && count < size; count++) power_w[count] = mp_obj_get_float_to_f(items[count]);
  }
  emulator_t *self = MP_OBJ_TO_PTR(args[0]);
  ct002_update_grid(self->core, power_w, (uint8_t)count, time_from(self, 2, n_args, args, kw));
  return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_KW(update_grid_obj, 2, update_grid);

// update_grid_phase(phase, count, power_w, at=None, at_ms=None)
static mp_obj_t update_grid_phase(size_t n_args, const mp_obj_t *args, mp_map_t *kw) {
  emulator_t *self = MP_OBJ_TO_PTR(args[0]);
  mp_int_t phase = mp_obj_get_int(args[1]);
  mp_int_t count = mp_obj_get_int(args[2]);
  if (phase < 0 || phase >= count || count > PHASES) fail(VALUE_ERROR, "no such phase", "", "");
  float power_w = mp_obj_get_float_to_f(args[3]);
  uint32_t now_ms = time_from(self, 4, n_args, args, kw);
  ct002_update_grid_phase(self->core, (uint8_t)phase, (uint8_t)count, power_w, now_ms);
  return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_KW(update_grid_phase_obj, 4, update_grid_phase);

// invalidate_grid(at=None, at_ms=None)
static mp_obj_t invalidate_grid(size_t n_args, const mp_obj_t *args, mp_map_t *kw) {
  emulator_t *self = MP_OBJ_TO_PTR(args[0]);
  ct002_invalidate_grid(self->core, time_from(self, 1, n_args, args, kw));
  return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_KW(invalidate_grid_obj, 1, invalidate_grid);

static mp_obj_t unassign_grid(mp_obj_t self) {
  ct002_unassign_grid(((emulator_t *)MP_OBJ_TO_PTR(self))->core);
  return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(unassign_grid_obj, unassign_grid);

// tick(at=None, at_ms=None)
static mp_obj_t tick(size_t n_args, const mp_obj_t *args, mp_map_t *kw) {
  emulator_t *self = MP_OBJ_TO_PTR(args[0]);
  ct002_tick(self->core, time_from(self, 1, n_args, args, kw));
  return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_KW(tick_obj, 1, tick);

static mp_obj_t force_rotation(mp_obj_t self) {
  ct002_force_rotation(((emulator_t *)MP_OBJ_TO_PTR(self))->core);
  return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(force_rotation_obj, force_rotation);

static mp_obj_t set_active_control(mp_obj_t self, mp_obj_t active) {
  ct002_set_active_control(((emulator_t *)MP_OBJ_TO_PTR(self))->core, mp_obj_is_true(active) ? 1 : 0);
  return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(set_active_control_obj, set_active_control);

// tune(**options): all or none.
static mp_obj_t tune(size_t n_args, const mp_obj_t *args, mp_map_t *kw) {
  mp_arg_check_num(n_args, 0, 1, 1, false);
  emulator_t *self = MP_OBJ_TO_PTR(args[0]);
  uint64_t changed[(ct002_config_size() + 7) / 8];
  memcpy(changed, self->config, ct002_config_size());
  set_options((ct002_config *)changed, kw);
  memcpy(self->config, changed, ct002_config_size());
  ct002_tune(self->core, self->config);
  return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_KW(tune_obj, 1, tune);

// -- settings of a battery -----------------------------------------------------------------------

enum { SETTING_SWITCH, SETTING_ORDER, SETTING_NUMBER };

typedef struct {
  char name[16];  // no pointers: they would have to be relocated
  uint8_t kind;
  uint8_t offset;
  uint16_t bit;
} setting_t;

static const setting_t settings[] = {
    {"active", SETTING_SWITCH, offsetof(ct002_override, active), CT002_SET_ACTIVE},
    {"manual", SETTING_SWITCH, offsetof(ct002_override, manual), CT002_SET_MANUAL},
    {"manual_target", SETTING_NUMBER, offsetof(ct002_override, manual_target_w), CT002_SET_MANUAL_TARGET},
    {"weight", SETTING_NUMBER, offsetof(ct002_override, weight), CT002_SET_WEIGHT},
    {"window_weight", SETTING_NUMBER, offsetof(ct002_override, window_weight), CT002_SET_WINDOW_WEIGHT},
    {"min_dc_output", SETTING_NUMBER, offsetof(ct002_override, min_dc_output_w), CT002_SET_MIN_DC_OUTPUT},
    {"max_charge", SETTING_NUMBER, offsetof(ct002_override, max_charge_w), CT002_SET_MAX_CHARGE},
    {"max_discharge", SETTING_NUMBER, offsetof(ct002_override, max_discharge_w), CT002_SET_MAX_DISCHARGE},
    {"start_power", SETTING_NUMBER, offsetof(ct002_override, start_power_w), CT002_SET_START_POWER},
    {"charge_order", SETTING_ORDER, offsetof(ct002_override, charge_order), CT002_SET_CHARGE_ORDER},
    {"discharge_order", SETTING_ORDER, offsetof(ct002_override, discharge_order), CT002_SET_DISCHARGE_ORDER},
};

static const setting_t *setting_named(const char *name) {
  for (size_t i = 0; i < MP_ARRAY_SIZE(settings); i++) {
    if (strcmp(settings[i].name, name) == 0) return &settings[i];
  }
  fail(TYPE_ERROR, "unknown setting ", name, "");
}

// set_override(mac, **settings): None leaves one as it is.
static mp_obj_t set_override(size_t n_args, const mp_obj_t *args, mp_map_t *kw) {
  mp_arg_check_num(n_args, 0, 2, 2, false);
  ct002_override change;
  memset(&change, 0, sizeof(change));
  bool fits = true;
  for (size_t i = 0; i < kw->alloc; i++) {
    if (!mp_map_slot_is_filled(kw, i)) continue;
    const setting_t *setting = setting_named(mp_obj_str_get_str(kw->table[i].key));
    mp_obj_t value = kw->table[i].value;
    if (value == mp_const_none) continue;
    change.which |= setting->bit;
    uint8_t *at = (uint8_t *)&change + setting->offset;
    if (setting->kind == SETTING_SWITCH) {
      *at = mp_obj_is_true(value) ? 1 : 0;
    } else if (setting->kind == SETTING_ORDER) {
      *at = byte_from(value, &fits);
    } else {
      float number = mp_obj_get_float_to_f(value);
      memcpy(at, &number, sizeof(number));
    }
  }
  const char *mac = text_from(args[1]);
  emulator_t *self = MP_OBJ_TO_PTR(args[0]);
  int status = fits ? ct002_set_override(self->core, mac, &change) : CT002_RANGE;
  if (status == CT002_RANGE) fail(VALUE_ERROR, "battery ", mac, ": out of range");
  if (status != CT002_OK) fail(RUNTIME_ERROR, "battery ", mac, ": no room for its settings");
  return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_KW(set_override_obj, 2, set_override);

// -- what there is to see ------------------------------------------------------------------------

enum { FIELD_TEXT, FIELD_PHASE, FIELD_BOOL, FIELD_BYTE, FIELD_COUNT, FIELD_FLOAT, FIELD_BOUND, FIELD_AGE, FIELD_LAW };

typedef struct {
  char name[21];
  uint8_t kind;
  uint16_t offset;
} field_t;

#define CONSUMER(name, kind, member) {name, kind, offsetof(ct002_consumer, member)}
static const field_t consumer_fields[] = {
    CONSUMER("mac", FIELD_TEXT, key),
    CONSUMER("device_type", FIELD_TEXT, device_type),
    CONSUMER("source", FIELD_TEXT, source),
    CONSUMER("phase", FIELD_PHASE, phase),
    CONSUMER("participates", FIELD_BOOL, participates),
    CONSUMER("online", FIELD_BOOL, online),
    CONSUMER("in_pool", FIELD_BOOL, in_pool),
    CONSUMER("active", FIELD_BOOL, active),
    CONSUMER("manual", FIELD_BOOL, manual),
    CONSUMER("power_w", FIELD_FLOAT, power_w),
    CONSUMER("target_w", FIELD_FLOAT, target_w),
    CONSUMER("reading_w", FIELD_FLOAT, reading_w),
    CONSUMER("instructed_w", FIELD_FLOAT, instructed_w),
    CONSUMER("law", FIELD_LAW, law),
    CONSUMER("setpoint_w", FIELD_FLOAT, setpoint_w),
    CONSUMER("gain", FIELD_FLOAT, gain),
    CONSUMER("confidence", FIELD_FLOAT, confidence),
    CONSUMER("saturation", FIELD_FLOAT, saturation),
    CONSUMER("saturation_charge", FIELD_FLOAT, saturation_charge),
    CONSUMER("saturation_discharge", FIELD_FLOAT, saturation_discharge),
    CONSUMER("presence", FIELD_FLOAT, presence),
    CONSUMER("parked", FIELD_BOOL, parked),
    CONSUMER("probing", FIELD_BOOL, probing),
    CONSUMER("manual_target_w", FIELD_FLOAT, manual_target_w),
    CONSUMER("weight", FIELD_FLOAT, weight),
    CONSUMER("window_weight", FIELD_FLOAT, window_weight),
    CONSUMER("min_dc_output_w", FIELD_BOUND, min_dc_output_w),
    CONSUMER("max_charge_w", FIELD_BOUND, max_charge_w),
    CONSUMER("max_discharge_w", FIELD_BOUND, max_discharge_w),
    CONSUMER("start_power_w", FIELD_BOUND, start_power_w),
    CONSUMER("charge_order", FIELD_BYTE, charge_order),
    CONSUMER("discharge_order", FIELD_BYTE, discharge_order),
    CONSUMER("poll_interval_s", FIELD_FLOAT, poll_interval_s),
    CONSUMER("age_s", FIELD_AGE, age_ms),
    CONSUMER("polls", FIELD_COUNT, polls),
};

#define STATE(name, kind, member) {name, kind, offsetof(ct002_state, member)}
static const field_t state_fields[] = {
    STATE("grid_total_w", FIELD_FLOAT, grid_total_w),
    STATE("grid_age_s", FIELD_AGE, grid_age_ms),
    STATE("grid_samples", FIELD_COUNT, grid_samples),
    STATE("demand_w", FIELD_FLOAT, demand_w),
    STATE("missing_w", FIELD_FLOAT, missing_w),
    STATE("pool_output_w", FIELD_FLOAT, pool_output_w),
    STATE("pool_size", FIELD_BYTE, pool_size),
    STATE("consumers", FIELD_BYTE, consumers),
    STATE("active_control", FIELD_BOOL, active_control),
    STATE("limiting", FIELD_BOOL, limiting),
    STATE("replies", FIELD_COUNT, replies),
    STATE("drops", FIELD_COUNT, drops),
    STATE("refused_full", FIELD_COUNT, refused_full),
    STATE("refused_overrides", FIELD_COUNT, refused_overrides),
    STATE("info_index", FIELD_BYTE, info_index),
};

static mp_obj_t value_of(const void *structure, const field_t *field) {
  const uint8_t *at = (const uint8_t *)structure + field->offset;
  float number = 0.0f;
  uint32_t count = 0;
  switch (field->kind) {
    case FIELD_TEXT:
      return new_text((const char *)at);
    case FIELD_PHASE:
      return mp_obj_new_str((const char *)at, 1);
    case FIELD_BOOL:
      return mp_obj_new_bool(*at != 0);
    case FIELD_BYTE:
      return MP_OBJ_NEW_SMALL_INT(*at);
    case FIELD_LAW: {
      static const char laws[][13] = {"ramp", "integrator", "integrator-2", "dc-regulator", "ideal", "generic"};
      return new_text(laws[*at]);
    }
    case FIELD_COUNT:
    case FIELD_AGE:
      memcpy(&count, at, sizeof(count));
      if (field->kind == FIELD_COUNT) return mp_obj_new_int_from_uint(count);
      return mp_binary_op(MP_BINARY_OP_TRUE_DIVIDE, mp_obj_new_int_from_uint(count), MP_OBJ_NEW_SMALL_INT(1000));
    default:
      memcpy(&number, at, sizeof(number));
      return field->kind == FIELD_BOUND && number < 0 ? mp_const_none : mp_obj_new_float_from_f(number);
  }
}

static void store(mp_obj_t dict, const char *name, mp_obj_t value) { mp_obj_dict_store(dict, new_text(name), value); }

static mp_obj_t dict_of(const void *structure, const field_t *fields, size_t count) {
  mp_obj_t dict = mp_obj_new_dict(count + 1);
  for (size_t i = 0; i < count; i++) store(dict, fields[i].name, value_of(structure, &fields[i]));
  return dict;
}

// state(): dict; what has no value while the meter is unavailable is None.
static mp_obj_t state(mp_obj_t self) {
  ct002_state raw;
  ct002_get_state(((emulator_t *)MP_OBJ_TO_PTR(self))->core, &raw);
  mp_obj_t dict = dict_of(&raw, state_fields, MP_ARRAY_SIZE(state_fields));
  mp_obj_t grid = mp_const_none;
  if (raw.grid_available) {
    mp_obj_t phases[PHASES];
    for (size_t i = 0; i < raw.phases; i++) phases[i] = mp_obj_new_float_from_f(raw.grid_w[i]);
    grid = mp_obj_new_tuple(raw.phases, phases);
  } else {
    store(dict, "grid_total_w", mp_const_none);
    store(dict, "grid_age_s", mp_const_none);
    store(dict, "demand_w", mp_const_none);
  }
  store(dict, "grid_w", grid);
  return dict;
}
static MP_DEFINE_CONST_FUN_OBJ_1(state_obj, state);

// consumers(): a list of dicts.
static mp_obj_t consumers(mp_obj_t self) {
  mp_obj_t list = mp_obj_new_list(0, NULL);
  ct002_consumer raw;
  for (uint8_t index = 0; ct002_get_consumer(((emulator_t *)MP_OBJ_TO_PTR(self))->core, index, &raw); index++) {
    mp_obj_t dict = dict_of(&raw, consumer_fields, MP_ARRAY_SIZE(consumer_fields));
    if (raw.polls <= 1) store(dict, "poll_interval_s", mp_const_none);
    mp_obj_list_append(list, dict);
  }
  return list;
}
static MP_DEFINE_CONST_FUN_OBJ_1(consumers_obj, consumers);

// memory: bytes of the one block an Emulator is. last_drop: why the last datagram got no reply, or None.
static void emulator_attr(mp_obj_t self_in, qstr attr, mp_obj_t *dest) {
  emulator_t *self = MP_OBJ_TO_PTR(self_in);
  if (dest[0] != MP_OBJ_NULL) return;  // nothing can be stored
  if (attr == MP_QSTR_memory) {
    dest[0] = MP_OBJ_NEW_SMALL_INT((mp_int_t)self->size);
  } else if (attr == MP_QSTR_last_drop) {
    dest[0] = self->reason == 0 ? mp_const_none : new_text(ct002_drop_text(self->reason));
  } else {
    dest[1] = MP_OBJ_SENTINEL;  // go on with the methods
  }
}

ct002_emulator *ct002_core_of(mp_obj_t self) { return ((emulator_t *)MP_OBJ_TO_PTR(self))->core; }

// -- the module ----------------------------------------------------------------------------------

#if CT002_WITH_INSIGHTS
#define INSIGHTS_METHODS(ROW)                         \
  ROW(MP_QSTR_insights_next, ct002_insights_next_obj) \
  ROW(MP_QSTR_insights_sent, ct002_insights_sent_obj) \
  ROW(MP_QSTR_insights_received, ct002_insights_received_obj)
#define INSIGHTS_FUNCTIONS(ROW)                                 \
  ROW(MP_QSTR_insights, ct002_insights_obj)                     \
  ROW(MP_QSTR_insights_connected, ct002_insights_connected_obj) \
  ROW(MP_QSTR_insights_topics, ct002_insights_topics_obj)
#else
#define INSIGHTS_METHODS(ROW)
#define INSIGHTS_FUNCTIONS(ROW)
#endif

#define EMULATOR_METHODS(ROW)                             \
  ROW(MP_QSTR_handle_into, handle_into_obj)               \
  ROW(MP_QSTR_handle, handle_obj)                         \
  ROW(MP_QSTR_update_grid, update_grid_obj)               \
  ROW(MP_QSTR_update_grid_phase, update_grid_phase_obj)   \
  ROW(MP_QSTR_invalidate_grid, invalidate_grid_obj)       \
  ROW(MP_QSTR_unassign_grid, unassign_grid_obj)           \
  ROW(MP_QSTR_tick, tick_obj)                             \
  ROW(MP_QSTR_set_override, set_override_obj)             \
  ROW(MP_QSTR_force_rotation, force_rotation_obj)         \
  ROW(MP_QSTR_set_active_control, set_active_control_obj) \
  ROW(MP_QSTR_tune, tune_obj)                             \
  ROW(MP_QSTR_state, state_obj)                           \
  ROW(MP_QSTR_consumers, consumers_obj)                   \
  INSIGHTS_METHODS(ROW)

#define MODULE_FUNCTIONS(ROW)                 \
  ROW(MP_QSTR_check, check_obj)               \
  ROW(MP_QSTR_option, option_obj)             \
  ROW(MP_QSTR_limits, limits_obj)             \
  ROW(MP_QSTR_decode_frame, decode_frame_obj) \
  ROW(MP_QSTR_encode_frame, encode_frame_obj) \
  INSIGHTS_FUNCTIONS(ROW)

#ifdef MICROPY_ENABLE_DYNRUNTIME

#define COUNT_ROW(name, object) +1
#define METHOD_ROW(name, object) *row++ = (mp_map_elem_t){MP_OBJ_NEW_QSTR(name), MP_OBJ_FROM_PTR(&object)};
#define FUNCTION_ROW(name, object) mp_store_global(name, MP_OBJ_FROM_PTR(&object));

// Names have their numbers only at run time. Not static: a .mpy finds its variables by name.
mp_map_elem_t ct002_emulator_methods[EMULATOR_METHODS(COUNT_ROW)];
static MP_DEFINE_CONST_DICT(emulator_locals, ct002_emulator_methods);
mp_obj_full_type_t ct002_emulator_type;

mp_obj_t mpy_init(mp_obj_fun_bc_t *self, size_t n_args, size_t n_kw, mp_obj_t *args) {
  MP_DYNRUNTIME_INIT_ENTRY
  mp_map_elem_t *row = ct002_emulator_methods;
  EMULATOR_METHODS(METHOD_ROW)
  ct002_emulator_type.base.type = (const mp_obj_type_t *)&mp_type_type;
  ct002_emulator_type.name = MP_QSTR_Emulator;
  MP_OBJ_TYPE_SET_SLOT(&ct002_emulator_type, make_new, emulator_make_new, 0);
  MP_OBJ_TYPE_SET_SLOT(&ct002_emulator_type, attr, emulator_attr, 1);
  MP_OBJ_TYPE_SET_SLOT(&ct002_emulator_type, locals_dict, (void *)&emulator_locals, 2);
  mp_store_global(MP_QSTR_Emulator, MP_OBJ_FROM_PTR(&ct002_emulator_type));
  MODULE_FUNCTIONS(FUNCTION_ROW)
  MP_DYNRUNTIME_INIT_EXIT
}

#else

#define CONST_ROW(name, object) {MP_ROM_QSTR(name), MP_ROM_PTR(&object)},

static const mp_rom_map_elem_t emulator_methods[] = {EMULATOR_METHODS(CONST_ROW)};
static MP_DEFINE_CONST_DICT(emulator_locals, emulator_methods);

static MP_DEFINE_CONST_OBJ_TYPE(emulator_type, MP_QSTR_Emulator, MP_TYPE_FLAG_NONE, make_new, emulator_make_new, attr,
                                emulator_attr, locals_dict, &emulator_locals);

static const mp_rom_map_elem_t module_globals_table[] = {{MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR__ct002)},
                                                         {MP_ROM_QSTR(MP_QSTR_Emulator), MP_ROM_PTR(&emulator_type)},
                                                         MODULE_FUNCTIONS(CONST_ROW)};
static MP_DEFINE_CONST_DICT(module_globals, module_globals_table);

const mp_obj_module_t ct002_module = {.base = {&mp_type_module}, .globals = (mp_obj_dict_t *)&module_globals};

MP_REGISTER_MODULE(MP_QSTR__ct002, ct002_module);

#endif
