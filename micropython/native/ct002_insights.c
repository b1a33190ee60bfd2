// MQTT insights for MicroPython: functions and methods of Emulator that are called insights... A session is a bytearray
// that insights() makes; nullwatt/insights.py says what it is for. Left out of a .mpy unless it is built with
// INSIGHTS=1.

#include "ct002_module.h"

#if CT002_WITH_INSIGHTS

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "c_insights.h"

// Room for a topic; the longest has two names of 63 bytes and a battery's.
enum { TOPIC_BYTES = 256 };

static uint32_t ms_of(mp_obj_t now_ms) { return (uint32_t)mp_obj_get_int_truncated(now_ms); }

static ct002_insights *session_of(mp_obj_t memory) {
  mp_buffer_info_t buffer;
  mp_get_buffer_raise(memory, &buffer, MP_BUFFER_WRITE);
  if (buffer.len != ct002_insights_size()) mp_raise_ValueError(MP_ERROR_TEXT("not a session"));
  return buffer.buf;
}

// A message as a number: its kind and its battery.
static mp_obj_t number_of(const ct002_insights_message *message) {
  return MP_OBJ_NEW_SMALL_INT(message->kind | message->battery << 8);
}

static ct002_insights_message message_of(mp_obj_t object, mp_obj_t seen) {
  mp_int_t number = mp_obj_get_int(object);
  ct002_insights_message message;
  memset(&message, 0, sizeof(message));
  message.kind = (uint8_t)number;
  message.battery = (uint8_t)(number >> 8);
  message.seen = ms_of(seen);
  return message;
}

// insights(base_topic, device_id, prefix, version, discovery, rotation, interval_ms): a session, None for bad names.
static mp_obj_t insights(size_t n_args, const mp_obj_t *args) {
  (void)n_args;
  ct002_insights_config config;
  memset(&config, 0, sizeof(config));
  config.base_topic = mp_obj_str_get_str(args[0]);
  config.device_id = mp_obj_str_get_str(args[1]);
  config.discovery_prefix = mp_obj_str_get_str(args[2]);
  config.version = mp_obj_str_get_str(args[3]);
  config.node_topic = "";
  config.discovery = mp_obj_is_true(args[4]) ? 1 : 0;
  config.rotation = mp_obj_is_true(args[5]) ? 1 : 0;
  config.state_interval_ms = ms_of(args[6]);
  config.tells_retained = 1;
  size_t size = ct002_insights_size();
  void *memory = m_malloc(size);
  memset(memory, 0, size);
  if (ct002_insights_init(memory, size, &config) == NULL) return mp_const_none;
  return mp_obj_new_bytearray_by_ref(size, memory);
}
MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(ct002_insights_obj, 7, 7, insights);

// insights_connected(session, is_connected, now_ms)
static mp_obj_t connected(size_t n_args, const mp_obj_t *args) {
  (void)n_args;
  if (mp_obj_is_true(args[1])) {
    ct002_insights_connected(session_of(args[0]), ms_of(args[2]));
  } else {
    ct002_insights_disconnected(session_of(args[0]));
  }
  return mp_const_none;
}
MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(ct002_insights_connected_obj, 3, 3, connected);

// Emulator.insights_next(session, now_ms, unix_s): (topic, payload, retain, qos, message, seen), or None.
static mp_obj_t next_message(size_t n_args, const mp_obj_t *args) {
  (void)n_args;
  ct002_emulator *emulator = ct002_core_of(args[0]);
  ct002_insights *session = session_of(args[1]);
  uint32_t unix_s = ms_of(args[3]);
  ct002_insights_message message;
  if (!ct002_insights_next(session, emulator, ms_of(args[2]), &message)) return mp_const_none;
  char topic[TOPIC_BYTES];
  size_t topic_size = ct002_insights_topic(session, &message, topic, sizeof(topic));
  if (topic_size > sizeof(topic)) topic_size = 0;
  size_t size = ct002_insights_payload(session, emulator, &message, unix_s, NULL, 0);
  char *payload = m_new(char, size + 1);
  ct002_insights_payload(session, emulator, &message, unix_s, payload, size);
  mp_obj_t items[] = {
      mp_obj_new_str(topic, topic_size),
      mp_obj_new_bytearray_by_ref(size, payload),
      mp_obj_new_bool(message.retain),
      MP_OBJ_NEW_SMALL_INT(message.qos),
      number_of(&message),
      mp_obj_new_int_from_uint(message.seen),
  };
  return mp_obj_new_tuple(MP_ARRAY_SIZE(items), items);
}
MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(ct002_insights_next_obj, 4, 4, next_message);

// Emulator.insights_sent(session, now_ms, message, seen)
static mp_obj_t sent(size_t n_args, const mp_obj_t *args) {
  (void)n_args;
  ct002_insights_message message = message_of(args[3], args[4]);
  ct002_insights_sent(session_of(args[1]), ms_of(args[2]), &message);
  return mp_const_none;
}
MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(ct002_insights_sent_obj, 5, 5, sent);

// Emulator.insights_received(session, topic, payload, retained, now_ms): why it is refused, or None.
static mp_obj_t received(size_t n_args, const mp_obj_t *args) {
  (void)n_args;
  mp_buffer_info_t topic;
  mp_buffer_info_t payload;
  mp_get_buffer_raise(args[2], &topic, MP_BUFFER_READ);
  mp_get_buffer_raise(args[3], &payload, MP_BUFFER_READ);
  const char *reason = "";
  ct002_insights_received(session_of(args[1]), ct002_core_of(args[0]), topic.buf, topic.len, payload.buf, payload.len,
                          mp_obj_is_true(args[4]) ? 1 : 0, ms_of(args[5]), &reason);
  return *reason == '\0' ? mp_const_none : mp_obj_new_str(reason, strlen(reason));
}
MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(ct002_insights_received_obj, 6, 6, received);

// insights_topics(session): topic of the last will, then those to subscribe to.
static mp_obj_t topics(size_t n_args, const mp_obj_t *args) {
  (void)n_args;
  ct002_insights *session = session_of(args[0]);
  char topic[TOPIC_BYTES];
  mp_obj_t list = mp_obj_new_list(0, NULL);
  size_t size = ct002_insights_status_topic(session, topic, sizeof(topic));
  for (uint8_t i = 0; size > 0 && size <= sizeof(topic); i++) {
    mp_obj_list_append(list, mp_obj_new_str(topic, size));
    size = ct002_insights_subscription(session, i, topic, sizeof(topic));
  }
  return list;
}
MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(ct002_insights_topics_obj, 1, 1, topics);

#endif
