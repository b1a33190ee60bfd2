#pragma once
/* The Marstek app and cloud: answers to the app, registration, reports. Same memory rules as c_api.h. Sizes that are
 * returned as 0 mean that the text did not fit, unless said otherwise. */

#include <stddef.h>
#include <stdint.h>

#include "c_api.h"

#ifdef __cplusplus
extern "C" {
#endif

/* cffi-begin */
/* -- answers to the app over MQTT -- */

enum { CT002_APP_NONE = 0, CT002_APP_RUNTIME = 1, CT002_APP_SLAVES = 2 };

typedef struct {
  float power_w[3]; /* of the meter, unfiltered, + = import */
  int32_t rssi_dbm;
  int32_t version;
  uint8_t slaves;
} ct002_app_readings;

typedef struct {
  const char *type;
  const char *id;
  const char *address; /* ip or ip:port, "" = unknown */
  char phase;
} ct002_app_slave;

/* 12 lower-case digits, terminated, into 13 bytes; 0 and "" if `text` is no MAC. */
int ct002_normalize_ct_mac(const char *text, char *out);
/* `answer`: 0 = where the app polls, 1 = where it is answered; `prefix` 0 or 1. */
size_t ct002_app_topic(uint8_t answer, uint8_t prefix, const char *ct_type, const char *mac, char *out,
                       size_t capacity);
int ct002_app_is_poll(const char *topic, size_t size, const char *ct_type, const char *mac);
uint8_t ct002_app_parse_poll(const char *payload, size_t size);
size_t ct002_app_runtime_frame(const ct002_app_readings *readings, char *out, size_t capacity);
/* The next two also return 0 where there are no batteries. */
size_t ct002_app_slave_list(const ct002_app_slave *slaves, size_t count, char *out, size_t capacity);
size_t ct002_app_slave_list_of(const ct002_emulator *emulator, char *out, size_t capacity);

typedef struct ct002_app_pacer ct002_app_pacer;
size_t ct002_app_pacer_size(void);
/* interval_ms 0 = no broadcasts. */
ct002_app_pacer *ct002_app_pacer_init(void *memory, size_t size, uint32_t interval_ms);
void ct002_app_pacer_connected(ct002_app_pacer *pacer, uint8_t connected);
int ct002_app_pacer_accept(ct002_app_pacer *pacer, uint8_t poll);
int ct002_app_pacer_broadcast_due(ct002_app_pacer *pacer, uint8_t mac_known, uint32_t now_ms);
void ct002_app_pacer_finish(ct002_app_pacer *pacer);

/* -- registration -- */

enum { CT002_REGISTER_NOTHING = 0, CT002_REGISTER_TOKEN = 1, CT002_REGISTER_LIST = 2, CT002_REGISTER_ADD = 3 };
enum { CT002_HTTP_UNREACHABLE = 3, CT002_HTTP_TIMED_OUT = 4, CT002_HTTP_CUT_OFF = 5, CT002_HTTP_NO_MEMORY = 16 };
enum { CT002_RECORD_SIZE = 16 };

typedef struct {
  const char *base_url; /* the texts must live as long as the registration */
  const char *mailbox;
  const char *password_md5; /* 32 lower-case hex digits */
  const char *timezone;
  const char *ct_type; /* HME-4 or HME-3 */
  uint32_t retry_interval_ms;
  uint8_t force;
} ct002_registration_config;

typedef struct {
  uint8_t step; /* CT002_REGISTER_..., of the request that would be next or is under way */
  uint8_t done;
  uint8_t reason; /* 0 = none */
  int32_t http_status;
  uint32_t pause_ms;
  const char *reason_text;
  const char *mac;           /* "" until done */
  const char *confirmed_mac; /* of an earlier run or this one, or "" */
  const char *token;         /* "" outside of a round */
} ct002_registration_state;

typedef struct ct002_registration ct002_registration;
size_t ct002_registration_size(void);
/* `record`: CT002_RECORD_SIZE bytes as they were stored, or NULL. */
ct002_registration *ct002_registration_init(void *memory, size_t size, const ct002_registration_config *config,
                                            const uint8_t *record);
/* CT002_REGISTER_...; the URL is terminated. The record must have been stored before a CT002_REGISTER_ADD is sent. */
uint8_t ct002_registration_next(ct002_registration *registration, uint32_t now_ms, uint32_t random, char *url,
                                size_t capacity);
void ct002_registration_reply(ct002_registration *registration, int32_t status, const char *body, size_t size,
                              uint8_t truncated, uint32_t now_ms);
/* `kind`: CT002_HTTP_... */
void ct002_registration_failure(ct002_registration *registration, uint8_t kind, uint32_t now_ms);
void ct002_registration_get_state(const ct002_registration *registration, ct002_registration_state *out);
void ct002_registration_get_record(const ct002_registration *registration, uint8_t *record);
size_t ct002_cloud_url_size(void);
/* Text of a reason, NULL behind the last one. */
const char *ct002_registration_reason_text(uint8_t reason);

/* -- reports -- */

enum { CT002_REPORT_NOTHING = 0, CT002_REPORT_HANDSHAKE = 1, CT002_REPORT_REPORT = 2 };

typedef struct {
  float power_w[3]; /* of the meter, unfiltered, + = import */
  int32_t rssi_dbm;
  uint32_t unix_s;
  int32_t charge_w[5]; /* buckets X A B C ABC */
  int32_t discharge_w[5];
  uint8_t batteries;
  uint8_t mqtt;
} ct002_report_values;

size_t ct002_handshake_url(const char *host, const char *id, const char *ct_type, const char *fcv, int32_t sv,
                           char *out, size_t capacity);
size_t ct002_report_url(const char *host, const char *id, const char *ct_type, const ct002_report_values *values,
                        char *out, size_t capacity);
/* Sums of the five buckets as replies tell them. */
void ct002_get_sums(const ct002_emulator *emulator, int32_t *charge_w, int32_t *discharge_w);

typedef struct ct002_report_schedule ct002_report_schedule;
size_t ct002_report_schedule_size(void);
ct002_report_schedule *ct002_report_schedule_init(void *memory, size_t size, uint32_t interval_ms);
uint8_t ct002_report_schedule_next(ct002_report_schedule *schedule, uint8_t online, uint32_t unix_s, uint32_t now_ms);
void ct002_report_schedule_finish(ct002_report_schedule *schedule);
/* The MAC is another one. */
void ct002_report_schedule_rename(ct002_report_schedule *schedule);
/* cffi-end */

#ifdef __cplusplus
}
#endif
