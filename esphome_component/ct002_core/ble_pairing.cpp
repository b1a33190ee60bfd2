#include "ble_pairing.h"

#include "clock.h"
#include "numeric.h"
#include "writer.h"

namespace nullwatt {
namespace {

enum Command : uint8_t {
  kStatus = 0x03,
  kIdentity = 0x04,
  kSetWifi = 0x05,
  kFactoryReset = 0x06,
  kGetSsid = 0x08,
  kReboot = 0x09,
  kLinkedBatteries = 0x12,
  kVoltages = 0x13,
  kActivePower = 0x16,
  kDirection = 0x17,
};

constexpr uint8_t kDirectionBits = 7;
// What the newest published firmware calls itself: with less the app gets stuck at "Update now".
constexpr uint8_t kVersionCt002 = 124;
constexpr uint8_t kVersionCt003 = 122;
constexpr const char *kModuleVersion = "202409090159";
constexpr float kMostV = 65535.0f;
constexpr float kGoodFromV = 210.0f;
constexpr float kGoodToV = 240.0f;
// Beyond any field, and three of them are still a number.
constexpr float kBeyondW = 1e10f;

bool is_ct003(const BleContext &context) { return equal_ignoring_case(context.ct_type, text_of("HME-3")); }

/// Round half away from zero, clamped; not finite = 0.
int32_t rounded(float value, int32_t low, int32_t high) {
  if (!is_finite(value)) return 0;
  if (value >= static_cast<float>(high)) return high;
  if (value <= static_cast<float>(low)) return low;
  const auto whole = static_cast<int32_t>(value);
  const float rest = value - static_cast<float>(whole);
  if (rest >= 0.5f) return whole + 1;
  return rest <= -0.5f ? whole - 1 : whole;
}

int32_t as_16(float power_w) { return rounded(power_w, INT16_MIN, INT16_MAX); }
int32_t as_32(float power_w) { return rounded(power_w, INT32_MIN, INT32_MAX); }

float total_w(const BleContext &context) {
  float sum_w = 0.0f;
  for (float power_w : context.phase_w) {
    if (is_finite(power_w)) sum_w += clamp(power_w, -kBeyondW, kBeyondW);
  }
  return sum_w;
}

bool is_known_v(float voltage_v) { return is_finite(voltage_v) && voltage_v > 0.0f; }

void put_voltages(const BleContext &context, BleFrameWriter *writer) {
  for (float voltage_v : context.phase_v) {
    writer->put_16(is_known_v(voltage_v) ? rounded(voltage_v, 0, static_cast<int32_t>(kMostV)) : 0);
  }
}

void put_phases_16(const BleContext &context, BleFrameWriter *writer) {
  for (float power_w : context.phase_w) writer->put_16(as_16(power_w));
}

/// Both connection states and the RSSI. The meaning of the second state is unknown; the same again works with the app.
void put_link(const BleContext &context, BleFrameWriter *writer) {
  const uint8_t online = context.online ? 1 : 0;
  writer->put(online);
  writer->put(online);
  const float rssi_dbm = context.online ? static_cast<float>(context.rssi_dbm) : 0.0f;
  writer->put(static_cast<uint8_t>(rounded(rssi_dbm, -127, 0)));
}

void put_status(const BleContext &context, BleFrameWriter *writer) {
  if (is_ct003(context)) {
    writer->put(kVersionCt003);
    writer->put_32(as_32(total_w(context)));
    writer->put_zeros(8);  // energy; its unit is unknown
    put_link(context, writer);
    writer->put_zeros(3);
    writer->put(uint8_t{1});  // meters
    writer->put_zeros(4);     // error code, and three of unknown meaning
    for (float power_w : context.phase_w) writer->put_32(as_32(power_w));
    writer->put(uint8_t{0});  // flags
    return;
  }
  writer->put(kVersionCt002);
  put_voltages(context, writer);
  put_phases_16(context, writer);
  writer->put_16(as_16(total_w(context)));
  put_link(context, writer);
  writer->put(static_cast<uint8_t>(context.reversed_bits & kDirectionBits));
}

void put_identity(const BleContext &context, BleFrameWriter *writer) {
  char text[kBleLongestReply];
  Writer identity(text, sizeof(text));
  identity.put("type=");
  identity.put(context.ct_type);
  identity.put(",id=");
  identity.put(context.id);
  identity.put(",mac=");
  identity.put(context.id);
  identity.put(",dev_ver=");
  identity.put_unsigned(is_ct003(context) ? kVersionCt003 : kVersionCt002);
  identity.put(",fc_ver=");
  identity.put(kModuleVersion);
  if (identity.fits()) writer->put(Text{text, identity.size()});
}

/// False while a phase is unknown.
bool put_voltage_check(const BleContext &context, BleFrameWriter *writer) {
  bool good = true;
  for (float voltage_v : context.phase_v) {
    if (!is_known_v(voltage_v)) return false;
    good = good && voltage_v >= kGoodFromV && voltage_v <= kGoodToV;
  }
  put_voltages(context, writer);
  writer->put(static_cast<uint8_t>(good));
  return true;
}

/// Address of an ip:port.
Text without_port(Text source) {
  for (size_t i = source.size; i > 0; i--) {
    if (source[i - 1] == ':') return Text{source.data, i - 1};
  }
  return source;
}

void put_batteries(const BleContext &context, BleFrameWriter *writer) {
  const size_t room = ble_battery_room(context.mtu);
  ct002_consumer consumer;
  for (uint8_t i = 0; context.emulator != nullptr && context.emulator->consumer(i, &consumer); i++) {
    if (!consumer.online) continue;
    BleBattery battery;
    battery.type = text_of(consumer.device_type);
    battery.id = text_of(consumer.key);
    battery.ip = without_port(text_of(consumer.source));
    battery.phase = consumer.phase == '0' ? '\0' : consumer.phase;
    if (!ble_put_battery(battery, room, writer)) return;
  }
}

void put_value(const char *key, Text value, BleFrameWriter *writer) {
  writer->put(text_of(key));
  for (size_t i = 0; i < value.size; i++) {
    const bool separates = value[i] == ',' || value[i] == ';' || value[i] == '=';
    writer->put(static_cast<uint8_t>(separates ? '_' : value[i]));
  }
}

/// The payload of 05 is SSID, "<.,.>", password.
void split_at_separator(Text payload, Text *ssid, Text *password) {
  const Text separator = text_of("<.,.>");
  for (size_t i = 0; i + separator.size <= payload.size; i++) {
    if (!starts_with(Text{payload.data + i, payload.size - i}, separator)) continue;
    *ssid = Text{payload.data, i};
    *password = Text{payload.data + i + separator.size, payload.size - i - separator.size};
    return;
  }
  *ssid = payload;
  *password = Text{payload.data, 0};
}

bool holds_zero(Text text) {
  for (size_t i = 0; i < text.size; i++) {
    if (text[i] == '\0') return true;
  }
  return false;
}

}  // namespace

size_t ble_battery_room(uint16_t mtu) {
  const size_t notification = mtu < kBleFirstMtu ? kBleFirstMtu - 3u : mtu - 3u;
  return (notification < kBleLongestReply ? notification : kBleLongestReply) - kBleShortestFrame;
}

bool ble_put_battery(const BleBattery &battery, size_t room, BleFrameWriter *writer) {
  const size_t before = writer->payload_size();
  put_value("type=", battery.type, writer);
  put_value(",sid=", battery.id, writer);
  put_value(",ip=", battery.ip.size > 0 ? battery.ip : text_of("0.0.0.0"), writer);
  const char phase = battery.phase != '\0' ? battery.phase : '-';
  put_value(",phpos=", Text{&phase, 1}, writer);
  writer->put(uint8_t{';'});
  if (writer->payload_size() <= room) return true;
  writer->cut_payload(before);
  return false;
}

void BlePairing::begin(const BleOptions &options, bool after_restart, uint32_t now_ms) {
  options_ = options;
  restarted_ = after_restart;
  restart_ms_ = now_ms;
  window_open_ = false;
  if (!after_restart) open_window(now_ms);
  disconnect();
}

void BlePairing::open_window(uint32_t now_ms) {
  window_open_ = options_.pairing_window_ms > 0;
  window_ms_ = now_ms;
}

void BlePairing::tick(uint32_t now_ms) {
  if (window_open_ && elapsed_ms(now_ms, window_ms_) >= options_.pairing_window_ms) window_open_ = false;
  // Noted before the counter wraps.
  if (restarted_ && elapsed_ms(now_ms, restart_ms_) >= kBleRestartPauseMs) restarted_ = false;
}

BleOutcome BlePairing::handle(const BleFrame &frame, const BleContext &context, uint32_t now_ms, uint8_t *reply,
                              size_t capacity) {
  tick(now_ms);
  BleOutcome outcome;
  BleFrameWriter writer(reply, capacity, frame.command);
  switch (frame.command) {
    case kStatus:
      put_status(context, &writer);
      break;
    case kIdentity:
      put_identity(context, &writer);
      break;
    case kSetWifi:
      if (!take_wifi(frame.payload, &outcome.action)) return outcome;
      writer.put(uint8_t{1});
      break;
    case kFactoryReset:
    case kReboot:
      outcome.action = restart(now_ms);
      return outcome;
    case kGetSsid:
      writer.put(echo_size_ > 0 ? Text{echo_, echo_size_} : context.ssid);
      break;
    case kLinkedBatteries:
      put_batteries(context, &writer);
      break;
    case kVoltages:
      if (is_ct003(context) || !put_voltage_check(context, &writer)) return outcome;
      break;
    case kActivePower:
      if (is_ct003(context)) return outcome;
      put_phases_16(context, &writer);
      break;
    case kDirection: {
      if (!options_.allow_direction_change || is_ct003(context) || frame.payload.size == 0) return outcome;
      const auto wanted = static_cast<uint8_t>(frame.payload[0]);
      if (wanted <= kDirectionBits) {
        outcome.action = BleAction::kReverse;
        outcome.reversed_bits = wanted;
      }
      writer.put(wanted <= kDirectionBits ? wanted : static_cast<uint8_t>(context.reversed_bits & kDirectionBits));
      break;
    }
    default:
      return outcome;
  }
  outcome.reply_size = writer.finish();
  return outcome;
}

BleAction BlePairing::restart(uint32_t now_ms) {
  if (!window_open_) return BleAction::kRestartOutsideWindow;
  if (restarted_) return BleAction::kRestartTooSoon;
  restarted_ = true;
  restart_ms_ = now_ms;
  return BleAction::kRestart;
}

bool BlePairing::take_wifi(Text payload, BleAction *action) {
  Text ssid;
  Text password;
  split_at_separator(payload, &ssid, &password);
  if (ssid.size == 0) return false;
  echo_size_ = 0;
  for (size_t i = 0; i < ssid.size && i < sizeof(echo_); i++) echo_[echo_size_++] = ssid[i];
  // What no network can be called, or would be cut off on its way, is echoed and goes no further.
  if (ssid.size > kWifiSsidBytes || password.size > kWifiPasswordBytes) return true;
  if (holds_zero(ssid) || holds_zero(password)) return true;
  copy_text(ssid, credentials_.ssid, sizeof(credentials_.ssid));
  copy_text(password, credentials_.password, sizeof(credentials_.password));
  *action = BleAction::kWifiOffered;
  return true;
}

void BlePairing::disconnect() {
  forget_credentials();
  wipe(echo_, sizeof(echo_));
  echo_size_ = 0;
}

}  // namespace nullwatt
