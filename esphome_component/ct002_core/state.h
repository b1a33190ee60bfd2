#pragma once
/* What a host may look at: plain C structs, shared by the C++ and the C door.
 * Signs: battery power + = discharge, grid + = import. Watts, milliseconds. */

#include <stdint.h>

/* cffi-begin */
typedef struct {
  float grid_w[3];            /* last meter values, filtered; 0 while unavailable */
  float grid_total_w;         /* their sum */
  float demand_w;             /* what the house needs: grid + output of the pool */
  float missing_w;            /* demand - what the pool was last told to deliver */
  float pool_output_w;        /* reported output of the batteries being steered */
  uint32_t grid_age_ms;       /* age of the oldest phase; 0 while unavailable */
  uint32_t grid_samples;      /* meter samples accepted so far */
  uint32_t replies;           /* polls answered */
  uint32_t drops;             /* datagrams without an answer */
  uint32_t refused_full;      /* of these: batteries turned away because the table was full */
  uint32_t refused_overrides; /* settings turned away because their table was full */
  uint8_t phases;             /* phases the meter has, 1..3; 0 before its first sample */
  uint8_t grid_available;     /* 0 or 1 */
  uint8_t active_control;     /* 0 or 1 */
  uint8_t limiting;           /* 1 = efficiency mode parks batteries */
  uint8_t consumers;          /* batteries in the table */
  uint8_t pool_size;          /* of these: steered automatically */
  uint8_t info_index;         /* index of the next reply */
} ct002_state;

typedef struct {
  char key[32];         /* lower-case MAC, or ip:port of a battery without one */
  char device_type[16]; /* as reported, cut to 15 characters */
  char source[48];      /* ip:port of the last poll */
  char phase;           /* 'A', 'B', 'C', 'D' = combined, '0' = inspecting */
  uint8_t participates; /* 0 = the battery asked to be left out */
  uint8_t online;       /* 0 = silent for longer than its time to live */
  uint8_t in_pool;      /* 1 = steered automatically */
  uint8_t active;       /* user setting; 0 = steered to zero */
  uint8_t manual;       /* user setting; 1 = follows manual_target_w */
  uint8_t law;          /* law its firmware is believed to run: 0 ramp, 1 integrator, 2 integrator-2,
                           3 dc-regulator, 4 ideal (the lab's), 5 generic = none of them */
  float power_w;        /* reported output */
  float target_w;       /* output wanted from it */
  float reading_w;      /* number last sent to it */
  float instructed_w;   /* power_w + reading_w when that was sent */
  float setpoint_w;     /* where its output is believed to be heading */
  float gain;           /* learnt gain of its law, 0..1 */
  float confidence;     /* trust in the model, 0..1 */
  float saturation;     /* 0 = follows, 1 = cannot deliver; the larger of the two */
  float saturation_charge;
  float saturation_discharge;
  float presence;        /* efficiency mode: part of its share it takes, 0 = parked */
  float manual_target_w; /* user setting */
  float weight;          /* user setting, share of the load */
  float window_weight;   /* user setting, share of the active time */
  float min_dc_output_w; /* user setting; negative = the global one */
  float max_charge_w;    /* user setting; negative = no bound */
  float max_discharge_w; /* user setting; negative = no bound */
  float start_power_w;   /* user setting, least output it starts with; negative = by its type */
  uint8_t charge_order;  /* user setting, lower first */
  uint8_t discharge_order;
  uint8_t parked;        /* efficiency mode: 1 = resting */
  uint8_t probing;       /* efficiency mode: 1 = on trial before it takes over */
  float poll_interval_s; /* 0 until the second poll */
  uint32_t age_ms;       /* since its last poll */
  uint32_t polls;        /* accepted polls */
} ct002_consumer;
/* cffi-end */
