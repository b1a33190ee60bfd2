#include "ble_battery_selection.h"

#include "ble_frame.h"

namespace nullwatt {
namespace {

struct Row {
  const char *type;
  BleCtCode code;
};

constexpr Row kTypes[] = {{"HME-1", BleCtCode::kCt001},  {"HME-2", BleCtCode::kCt002}, {"HME-4", BleCtCode::kCt002},
                          {"TPM-CN", BleCtCode::kCt002}, {"HME-3", BleCtCode::kCt003}, {"HME-5", BleCtCode::kCt003}};
constexpr size_t kNameAt = 1 + kBleIdDigits;

bool is_sound(const BleCtSelection &selection) {
  uint8_t address[kBleAddressBytes];
  if (!ble_address(selection.ct_mac, address) || selection.ct_name.size > kBleCtNameSize) return false;
  return selection.battery != BleBatteryKind::kB2500 || selection.ct_name.size > 0;
}

}  // namespace

bool ble_ct_code(Text ct_type, BleCtCode *out) {
  for (const Row &row : kTypes) {
    if (!equal_ignoring_case(ct_type, text_of(row.type))) continue;
    *out = row.code;
    return true;
  }
  return false;
}

size_t ble_encode_ct_selection(const BleCtSelection &selection, uint8_t *frame, size_t capacity) {
  if (!is_sound(selection)) return 0;
  BleFrameWriter writer(frame, capacity, static_cast<uint8_t>(selection.battery));
  writer.put(static_cast<uint8_t>(selection.ct));
  writer.put(selection.ct_mac);
  writer.put(selection.ct_name);
  if (selection.battery == BleBatteryKind::kB2500) writer.put_zeros(kBleCtNameSize - selection.ct_name.size);
  return writer.finish();
}

bool ble_decode_ct_selection(const uint8_t *frame, size_t size, BleCtSelection *out) {
  BleFrame decoded;
  if (!ble_decode(frame, size, &decoded) || decoded.payload.size < kNameAt) return false;
  const bool known = decoded.command == static_cast<uint8_t>(BleBatteryKind::kJupiter) ||
                     decoded.command == static_cast<uint8_t>(BleBatteryKind::kVenus) ||
                     decoded.command == static_cast<uint8_t>(BleBatteryKind::kB2500);
  const auto code = static_cast<uint8_t>(decoded.payload[0]);
  if (!known || code > static_cast<uint8_t>(BleCtCode::kCt003)) return false;
  out->battery = static_cast<BleBatteryKind>(decoded.command);
  out->ct = static_cast<BleCtCode>(code);
  out->ct_mac = Text{decoded.payload.data + 1, kBleIdDigits};
  out->ct_name = Text{decoded.payload.data + kNameAt, decoded.payload.size - kNameAt};
  while (out->ct_name.size > 0 && out->ct_name[out->ct_name.size - 1] == '\0') out->ct_name.size--;
  return is_sound(*out);
}

}  // namespace nullwatt
