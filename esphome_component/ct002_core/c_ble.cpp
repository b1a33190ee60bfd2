#include "c_ble.h"

#include "ble_battery_selection.h"
#include "ble_frame.h"
#include "ble_identity.h"
#include "ble_pairing.h"
#include "ble_wifi_trial.h"
#include "door.h"

struct ct002_ble {
  nullwatt::BleStream stream;
  nullwatt::BlePairing pairing;
  nullwatt::WifiTrial trial;
};

using nullwatt::Text;
using nullwatt::text_of;

namespace {

static_assert(static_cast<int>(CT002_BLE_REVERSE) == static_cast<int>(nullwatt::BleAction::kReverse),
              "the C door mirrors BleAction");

template<size_t N>
void copy_out(const char (&from)[N], char *to) {
  for (size_t i = 0; i < N; i++) to[i] = from[i];
}

nullwatt::WifiFacts facts_of(const ct002_ble_wifi *wifi) {
  nullwatt::WifiFacts facts;
  facts.used = wifi->used != 0;
  facts.connected = wifi->connected != 0;
  facts.ssid = text_of(wifi->ssid);
  facts.password = text_of(wifi->password);
  return facts;
}

}  // namespace

extern "C" {

uint8_t ct002_ble_identity(const char *registered_mac, const char *configured_mac, const uint8_t *factory_mac,
                           char *id13) {
  uint8_t mac[nullwatt::kBleAddressBytes];
  for (size_t i = 0; i < sizeof(mac); i++) mac[i] = factory_mac[i];
  const nullwatt::BleIdentity identity = nullwatt::ble_identity(text_of(registered_mac), text_of(configured_mac), mac);
  copy_out(identity.id, id13);
  return static_cast<uint8_t>(identity.source);
}

void ct002_ble_name(const char *ct_type, const char *id, char *name13) {
  char name[nullwatt::kBleNameSize];
  nullwatt::ble_name(text_of(ct_type), id, name);
  copy_out(name, name13);
}

uint8_t ct002_ble_address(const char *id, uint8_t *address6) {
  uint8_t address[nullwatt::kBleAddressBytes];
  if (!nullwatt::ble_address(text_of(id), address)) return 0;
  for (size_t i = 0; i < sizeof(address); i++) address6[i] = address[i];
  return nullwatt::is_unicast(address) ? 1 : 2;
}

uint8_t ct002_ble_id_change(const char *boot_id, uint8_t source, const char *id, uint8_t just_saved, uint8_t forced) {
  nullwatt::BleIdentity at_boot{};
  nullwatt::copy_text(text_of(boot_id), at_boot.id, sizeof(at_boot.id));
  at_boot.source = static_cast<nullwatt::BleIdSource>(source);
  return static_cast<uint8_t>(nullwatt::ble_id_change(at_boot, text_of(id), just_saved != 0, forced != 0));
}

size_t ct002_ble_encode(uint8_t command, const uint8_t *payload, size_t size, uint8_t *frame, size_t capacity) {
  nullwatt::BleFrameWriter writer(frame, capacity, command);
  writer.put(Text{reinterpret_cast<const char *>(payload), size});
  return writer.finish();
}

int ct002_ble_decode(const uint8_t *frame, size_t size, uint8_t *command, const char **payload, size_t *payload_size) {
  nullwatt::BleFrame decoded;
  if (!nullwatt::ble_decode(frame, size, &decoded)) return 0;
  *command = decoded.command;
  *payload = decoded.payload.data;
  *payload_size = decoded.payload.size;
  return 1;
}

size_t ct002_ble_battery_list(const ct002_ble_battery *batteries, size_t count, uint16_t mtu, uint8_t *frame,
                              size_t capacity) {
  nullwatt::BleFrameWriter writer(frame, capacity, 0x12);
  for (size_t i = 0; i < count; i++) {
    const ct002_ble_battery &row = batteries[i];
    const nullwatt::BleBattery battery{text_of(row.type), text_of(row.id), text_of(row.ip), row.phase};
    if (!nullwatt::ble_put_battery(battery, nullwatt::ble_battery_room(mtu), &writer)) break;
  }
  return writer.finish();
}

int ct002_ble_ct_code(const char *ct_type) {
  nullwatt::BleCtCode code;
  return nullwatt::ble_ct_code(text_of(ct_type), &code) ? static_cast<int>(code) : -1;
}

size_t ct002_ble_encode_selection(const ct002_ble_selection *selection, uint8_t *frame, size_t capacity) {
  nullwatt::BleCtSelection wanted;
  wanted.battery = static_cast<nullwatt::BleBatteryKind>(selection->battery);
  wanted.ct = static_cast<nullwatt::BleCtCode>(selection->ct);
  wanted.ct_mac = text_of(selection->mac);
  wanted.ct_name = text_of(selection->name);
  return nullwatt::ble_encode_ct_selection(wanted, frame, capacity);
}

int ct002_ble_decode_selection(const uint8_t *frame, size_t size, ct002_ble_selection *out) {
  nullwatt::BleCtSelection decoded;
  if (!nullwatt::ble_decode_ct_selection(frame, size, &decoded)) return 0;
  out->battery = static_cast<uint8_t>(decoded.battery);
  out->ct = static_cast<uint8_t>(decoded.ct);
  nullwatt::copy_text(decoded.ct_mac, out->mac, sizeof(out->mac));
  nullwatt::copy_text(decoded.ct_name, out->name, sizeof(out->name));
  return 1;
}

size_t ct002_ble_size(void) { return sizeof(ct002_ble); }

ct002_ble *ct002_ble_init(void *memory, size_t size, const ct002_ble_options *options, uint32_t now_ms) {
  if (!nullwatt::usable(memory, size, sizeof(ct002_ble))) return nullptr;
  auto *ble = new (nullwatt::Place{memory}) ct002_ble();
  nullwatt::BleOptions wanted;
  wanted.allow_wifi_change = options->allow_wifi_change != 0;
  wanted.allow_direction_change = options->allow_direction_change != 0;
  wanted.pairing_window_ms = options->pairing_window_ms;
  ble->pairing.begin(wanted, options->after_restart != 0, now_ms);
  return ble;
}

size_t ct002_ble_receive(ct002_ble *ble, const uint8_t *bytes, size_t size, uint32_t now_ms) {
  size_t dropped = 0;
  for (size_t i = 0; i < size; i++) {
    if (ble->stream.put(bytes[i], now_ms)) dropped++;
  }
  return dropped;
}

uint8_t ct002_ble_waiting(const ct002_ble *ble) { return ble->stream.waiting(); }

int ct002_ble_handle(ct002_ble *ble, const ct002_ble_context *context, const ct002_emulator *emulator, uint32_t now_ms,
                     uint8_t *reply, size_t capacity, ct002_ble_outcome *out) {
  nullwatt::BleFrame frame;
  if (!ble->stream.first(&frame)) return 0;
  nullwatt::BleContext facts;
  facts.ct_type = text_of(context->ct_type);
  facts.id = text_of(context->id);
  facts.ssid = text_of(context->ssid);
  for (size_t i = 0; i < 3; i++) {
    facts.phase_w[i] = context->phase_w[i];
    facts.phase_v[i] = context->phase_v[i];
  }
  facts.emulator = emulator == nullptr ? nullptr : &emulator->value;
  facts.mtu = context->mtu;
  const int16_t rssi_dbm = context->rssi_dbm;
  facts.rssi_dbm = static_cast<int8_t>(rssi_dbm < -127 ? -127 : rssi_dbm > 127 ? 127 : rssi_dbm);
  facts.online = context->online != 0;
  facts.reversed_bits = context->reversed_bits;
  const nullwatt::BleOutcome outcome = ble->pairing.handle(frame, facts, now_ms, reply, capacity);
  ble->stream.drop_first();
  *out = {outcome.reply_size, static_cast<uint8_t>(outcome.action), outcome.reversed_bits};
  return 1;
}

void ct002_ble_disconnect(ct002_ble *ble) {
  ble->stream.clear();
  ble->pairing.disconnect();
}

void ct002_ble_open_window(ct002_ble *ble, uint32_t now_ms) { ble->pairing.open_window(now_ms); }

int ct002_ble_tick(ct002_ble *ble, uint32_t now_ms) {
  ble->pairing.tick(now_ms);
  return ble->pairing.is_window_open() ? 1 : 0;
}

const char *ct002_ble_ssid(const ct002_ble *ble) { return ble->pairing.credentials().ssid; }
const char *ct002_ble_password(const ct002_ble *ble) { return ble->pairing.credentials().password; }

uint8_t ct002_ble_try_wifi(ct002_ble *ble, const ct002_ble_wifi *wifi, uint32_t now_ms) {
  const nullwatt::WifiVerdict verdict =
      ble->trial.offer(ble->pairing.credentials(), ble->pairing.options().allow_wifi_change, facts_of(wifi), now_ms);
  ble->pairing.forget_credentials();
  return static_cast<uint8_t>(verdict);
}

uint8_t ct002_ble_tick_wifi(ct002_ble *ble, const ct002_ble_wifi *wifi, uint32_t now_ms) {
  return static_cast<uint8_t>(ble->trial.tick(facts_of(wifi), now_ms));
}

void ct002_ble_forget_wifi(ct002_ble *ble) { ble->trial.forget(); }
const char *ct002_ble_trial_ssid(const ct002_ble *ble) { return ble->trial.credentials().ssid; }
const char *ct002_ble_trial_password(const ct002_ble *ble) { return ble->trial.credentials().password; }
}
