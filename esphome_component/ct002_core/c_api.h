#pragma once
/* The core's door for C, CPython (cffi) and MicroPython. It allocates nothing: the host
 * gives the memory and frees it, and there is nothing to destroy.
 * Seconds in options, milliseconds in now_ms; battery power + = discharge, grid + = import. */

#include <stddef.h>
#include <stdint.h>

#include "state.h"

#ifdef __cplusplus
extern "C" {
#endif

/* cffi-begin */
typedef struct ct002_emulator ct002_emulator;
typedef struct ct002_config ct002_config;

enum { CT002_OK = 0, CT002_UNKNOWN = 1, CT002_RANGE = 2, CT002_KIND = 3, CT002_FULL = 4 };

/* Kinds of options: text, bool, int, float, seconds. */
typedef struct {
  const char *group;
  const char *key;
  const char *unit;
  const char *help;
  const char *choices;
  const char *default_text;
  float default_value;
  float low;
  float high;
  uint8_t kind;
} ct002_option;

enum {
  CT002_SET_ACTIVE = 1,
  CT002_SET_MANUAL = 2,
  CT002_SET_MANUAL_TARGET = 4,
  CT002_SET_WEIGHT = 8,
  CT002_SET_WINDOW_WEIGHT = 16,
  CT002_SET_MIN_DC_OUTPUT = 32,
  CT002_SET_MAX_CHARGE = 64,
  CT002_SET_MAX_DISCHARGE = 128,
  CT002_SET_START_POWER = 256,
  CT002_SET_CHARGE_ORDER = 512,
  CT002_SET_DISCHARGE_ORDER = 1024
};

typedef struct {
  uint16_t which; /* sum of CT002_SET_... */
  uint8_t active;
  uint8_t manual;
  float manual_target_w;
  float weight;
  float window_weight;
  float min_dc_output_w;
  float max_charge_w;    /* 0 = must not charge, negative = no bound */
  float max_discharge_w; /* 0 = must not discharge, negative = no bound */
  float start_power_w;   /* least output it starts with; negative = by its type */
  uint8_t charge_order;  /* 0..15, lower is charged first */
  uint8_t discharge_order;
} ct002_override;

size_t ct002_option_count(void);
void ct002_option_at(size_t index, ct002_option *out);
/* Text of a drop reason; "" for 0. */
const char *ct002_drop_text(uint8_t reason);
uint32_t ct002_max_batteries(void);
uint32_t ct002_max_datagram(void);

size_t ct002_config_size(void);
/* Both return NULL if the memory is too small or not aligned to 8 bytes. */
ct002_config *ct002_config_init(void *memory, size_t size);
int ct002_config_set_number(ct002_config *config, const char *key, float value);
int ct002_config_set_text(ct002_config *config, const char *key, const char *value);
int ct002_config_get_number(const ct002_config *config, const char *key, float *value);

size_t ct002_size(void);
ct002_emulator *ct002_init(void *memory, size_t size, const ct002_config *config);
void ct002_update_grid(ct002_emulator *emulator, const float *power_w, uint8_t count, uint32_t now_ms);
void ct002_update_grid_phase(ct002_emulator *emulator, uint8_t phase, uint8_t count, float power_w, uint32_t now_ms);
void ct002_invalidate_grid(ct002_emulator *emulator, uint32_t now_ms);
void ct002_unassign_grid(ct002_emulator *emulator);
size_t ct002_handle(ct002_emulator *emulator, const uint8_t *request, size_t size, const char *source, uint32_t now_ms,
                    uint8_t *reply, size_t capacity, uint8_t *reason);
void ct002_tick(ct002_emulator *emulator, uint32_t now_ms);
int ct002_set_override(ct002_emulator *emulator, const char *mac, const ct002_override *override_);
void ct002_force_rotation(ct002_emulator *emulator);
void ct002_set_active_control(ct002_emulator *emulator, uint8_t active);
/* Takes over grid_target, peak_shaving_threshold and min_efficient_*; control goes on. */
void ct002_tune(ct002_emulator *emulator, const ct002_config *config);
void ct002_reconfigure(ct002_emulator *emulator, const ct002_config *config);
void ct002_get_state(const ct002_emulator *emulator, ct002_state *out);
/* 1, or 0 past the last battery. */
int ct002_get_consumer(const ct002_emulator *emulator, uint8_t index, ct002_consumer *out);

/* The frame codec alone, for tools and tests. Sizes up to 9999 bytes. */
/* Drop reason; on 0, `body` and `body_size` point into the frame, fields separated by '|'. */
uint8_t ct002_decode_frame(const uint8_t *frame, size_t size, const char **body, size_t *body_size);
/* `body` holds the fields separated by '|'. Size of the frame, 0 if it does not fit. */
size_t ct002_encode_frame(const char *body, size_t body_size, uint8_t *frame, size_t capacity);

/* The filter chain alone, for tools and tests: same memory rules as the emulator. */
typedef struct ct002_filters ct002_filters;
size_t ct002_filters_size(void);
ct002_filters *ct002_filters_init(void *memory, size_t size, const ct002_config *config);
/* Filters `count` (1..3) values in place. */
void ct002_filters_apply(ct002_filters *filters, float *power_w, uint8_t count, uint32_t now_ms);
void ct002_filters_reset(ct002_filters *filters);
/* cffi-end */

#ifdef __cplusplus
}
#endif
