#pragma once
/* MQTT insights for C, CPython (cffi) and MicroPython: what is to be published when, and what came in. The host has the
 * connection. Same memory rules as in c_api.h. */

#include "c_api.h"

#ifdef __cplusplus
extern "C" {
#endif

/* cffi-begin */
typedef struct ct002_insights ct002_insights;

/* The texts belong to the host and outlive the session; none is NULL. */
typedef struct {
  const char *base_topic;       /* "astrameter" */
  const char *device_id;        /* "device-1" */
  const char *discovery_prefix; /* "homeassistant" */
  const char *version;          /* of the program */
  const char *node_topic;       /* another availability, "" = none */
  uint32_t state_interval_ms;   /* 0 = a state with every poll */
  uint8_t discovery;            /* 0 or 1, likewise the others */
  uint8_t hub;
  uint8_t rotation;
  uint8_t tells_retained; /* 1 = `retained` of ct002_insights_received is always right */
} ct002_insights_config;

typedef struct {
  uint8_t kind;
  uint8_t battery;
  uint8_t retain; /* 0 or 1 */
  uint8_t qos;
  uint32_t seen; /* for ct002_insights_sent */
} ct002_insights_message;

/* kinds of a command */
enum { CT002_NOT_OURS = 0, CT002_REFUSED = 1, CT002_DONE = 2 };

size_t ct002_insights_size(void);
/* NULL if the memory is too small or not aligned to 8 bytes, or a name is no part of a topic. */
ct002_insights *ct002_insights_init(void *memory, size_t size, const ct002_insights_config *config);
/* 1 if MQTT allows it in a topic and it is short enough. */
int ct002_insights_is_topic(const char *text);
/* Topics to subscribe to, counted from 0. Bytes needed, as with all texts here; 0 past the last one. */
size_t ct002_insights_subscription(const ct002_insights *insights, uint8_t index, char *out, size_t capacity);
/* Topic of the last will, whose payload is "offline", retained, QoS 1. */
size_t ct002_insights_status_topic(const ct002_insights *insights, char *out, size_t capacity);
void ct002_insights_connected(ct002_insights *insights, uint32_t now_ms);
void ct002_insights_disconnected(ct002_insights *insights);
/* The message that is due; 0 = none. */
int ct002_insights_next(ct002_insights *insights, const ct002_emulator *emulator, uint32_t now_ms,
                        ct002_insights_message *message);
void ct002_insights_sent(ct002_insights *insights, uint32_t now_ms, const ct002_insights_message *message);
size_t ct002_insights_topic(const ct002_insights *insights, const ct002_insights_message *message, char *out,
                            size_t capacity);
/* `unix_s`: time of day, 0 = not known. No bytes: there is nothing to publish any more. */
size_t ct002_insights_payload(const ct002_insights *insights, const ct002_emulator *emulator,
                              const ct002_insights_message *message, uint32_t unix_s, char *out, size_t capacity);
/* Carries out what a message asks for; `reason` says why not, or is "". */
uint8_t ct002_insights_received(ct002_insights *insights, ct002_emulator *emulator, const char *topic,
                                size_t topic_size, const char *payload, size_t payload_size, uint8_t retained,
                                uint32_t now_ms, const char **reason);
/* cffi-end */

#ifdef __cplusplus
}
#endif
