#pragma once
/* The Bluetooth side of pairing with the app, for tools and tests. Same rules as c_api.h: the host gives the memory,
 * and texts end with a zero byte. Volts, watts (+ = import), dBm, milliseconds. */

#include <stddef.h>
#include <stdint.h>

#include "c_api.h"

#ifdef __cplusplus
extern "C" {
#endif

/* cffi-begin */
/* 0 registered MAC, 1 configured MAC, 2 derived. */
uint8_t ct002_ble_identity(const char *registered_mac, const char *configured_mac, const uint8_t *factory_mac,
                           char *id13);
void ct002_ble_name(const char *ct_type, const char *id, char *name13);
/* 0 no address, 1 unicast, 2 not unicast. */
uint8_t ct002_ble_address(const char *id, uint8_t *address6);
/* 0 nothing, 1 rename, 2 rename and restart. `source` as ct002_ble_identity tells it. */
uint8_t ct002_ble_id_change(const char *boot_id, uint8_t source, const char *id, uint8_t just_saved, uint8_t forced);

/* Size of the frame, 0 if it does not fit 255 bytes or `capacity`. */
size_t ct002_ble_encode(uint8_t command, const uint8_t *payload, size_t size, uint8_t *frame, size_t capacity);
/* 1 and a view of the payload, or 0 for anything but a whole frame. */
int ct002_ble_decode(const uint8_t *frame, size_t size, uint8_t *command, const char **payload, size_t *payload_size);

typedef struct {
  const char *type;
  const char *id;
  const char *ip;
  char phase; /* 0 = unknown */
} ct002_ble_battery;
/* The reply to command 12 for these batteries. Size of the frame. */
size_t ct002_ble_battery_list(const ct002_ble_battery *batteries, size_t count, uint16_t mtu, uint8_t *frame,
                              size_t capacity);

/* Which CT a battery follows. `battery`: its command, 0x15 Jupiter, 0x18 Venus, 0x31 B2500. `ct`: 0 CT001, 1 Shelly,
 * 2 P1, 3 CT002, 4 CT003. */
typedef struct {
  uint8_t battery;
  uint8_t ct;
  char mac[13];
  char name[14];
} ct002_ble_selection;
/* The code for an account type such as HME-4, -1 if it is unknown. */
int ct002_ble_ct_code(const char *ct_type);
size_t ct002_ble_encode_selection(const ct002_ble_selection *selection, uint8_t *frame, size_t capacity);
int ct002_ble_decode_selection(const uint8_t *frame, size_t size, ct002_ble_selection *out);

/* One link: the stream of bytes, the conversation and the trial of a Wi-Fi network. */
typedef struct ct002_ble ct002_ble;

typedef struct {
  uint32_t pairing_window_ms; /* 0 = the app never restarts the board */
  uint8_t allow_wifi_change;
  uint8_t allow_direction_change;
  uint8_t after_restart; /* software restarted the board */
} ct002_ble_options;

typedef struct {
  const char *ct_type;
  const char *id;
  const char *ssid; /* "" = none */
  float phase_w[3]; /* not finite = unknown */
  float phase_v[3]; /* not finite or 0 = unknown */
  uint16_t mtu;
  int16_t rssi_dbm;
  uint8_t online;
  uint8_t reversed_bits;
} ct002_ble_context;

enum {
  CT002_BLE_NOTHING = 0,
  CT002_BLE_RESTART = 1,
  CT002_BLE_RESTART_OUTSIDE_WINDOW = 2,
  CT002_BLE_RESTART_TOO_SOON = 3,
  CT002_BLE_WIFI_OFFERED = 4,
  CT002_BLE_REVERSE = 5
};

typedef struct {
  size_t reply_size; /* 0 = silence */
  uint8_t action;    /* CT002_BLE_... */
  uint8_t reversed_bits;
} ct002_ble_outcome;

typedef struct {
  const char *ssid;
  const char *password;
  uint8_t used;
  uint8_t connected;
} ct002_ble_wifi;

size_t ct002_ble_size(void);
ct002_ble *ct002_ble_init(void *memory, size_t size, const ct002_ble_options *options, uint32_t now_ms);
/* Bytes of one write of the phone. Frames that were dropped because 8 wait already. */
size_t ct002_ble_receive(ct002_ble *ble, const uint8_t *bytes, size_t size, uint32_t now_ms);
uint8_t ct002_ble_waiting(const ct002_ble *ble);
/* Handles the oldest frame that waits; 0 if there is none. `emulator` may be NULL. */
int ct002_ble_handle(ct002_ble *ble, const ct002_ble_context *context, const ct002_emulator *emulator, uint32_t now_ms,
                     uint8_t *reply, size_t capacity, ct002_ble_outcome *out);
void ct002_ble_disconnect(ct002_ble *ble);
void ct002_ble_open_window(ct002_ble *ble, uint32_t now_ms);
/* 1 while the pairing window is open. */
int ct002_ble_tick(ct002_ble *ble, uint32_t now_ms);
/* What was offered last, "" when it is wiped. */
const char *ct002_ble_ssid(const ct002_ble *ble);
const char *ct002_ble_password(const ct002_ble *ble);
/* Hands the offer to the trial and wipes it here. 0 not allowed, 1 Wi-Fi not used, 2 already there, 3 busy, 4 trial. */
uint8_t ct002_ble_try_wifi(ct002_ble *ble, const ct002_ble_wifi *wifi, uint32_t now_ms);
/* 0 nothing, 1 connect, 2 save and forget, 3 back to the networks of before. */
uint8_t ct002_ble_tick_wifi(ct002_ble *ble, const ct002_ble_wifi *wifi, uint32_t now_ms);
void ct002_ble_forget_wifi(ct002_ble *ble);
/* The credentials on trial, "" when there are none. */
const char *ct002_ble_trial_ssid(const ct002_ble *ble);
const char *ct002_ble_trial_password(const ct002_ble *ble);
/* cffi-end */

#ifdef __cplusplus
}
#endif
