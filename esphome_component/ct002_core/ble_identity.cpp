#include "ble_identity.h"

namespace nullwatt {
namespace {

constexpr char kDigits[] = "0123456789abcdef";

/// 16 for what is no hex digit.
uint8_t hex_value(char digit) {
  digit = lower(digit);
  if (digit >= '0' && digit <= '9') return static_cast<uint8_t>(digit - '0');
  return digit >= 'a' && digit <= 'f' ? static_cast<uint8_t>(digit - 'a' + 10) : uint8_t{16};
}

bool normalize(Text mac, char (&id)[kBleIdDigits + 1]) {
  size_t digits = 0;
  for (size_t i = 0; i < mac.size; i++) {
    if (mac[i] == ':' || mac[i] == '-' || mac[i] == ' ') continue;
    if (digits == kBleIdDigits || hex_value(mac[i]) > 15) return false;
    id[digits++] = lower(mac[i]);
  }
  id[digits] = '\0';
  return digits == kBleIdDigits;
}

void derive(const uint8_t (&factory_mac)[kBleAddressBytes], char (&id)[kBleIdDigits + 1]) {
  uint32_t hash = 2166136261u;
  for (uint8_t byte : factory_mac) hash = (hash ^ byte) * 16777619u;
  hash = (hash >> 24) ^ (hash & 0xffffffu);
  const char *prefix = "02b250";
  for (size_t i = 0; i < 6; i++) {
    id[i] = prefix[i];
    id[6 + i] = kDigits[hash >> (20 - 4 * i) & 15];
  }
  id[kBleIdDigits] = '\0';
}

}  // namespace

BleIdentity ble_identity(Text registered_mac, Text configured_mac, const uint8_t (&factory_mac)[kBleAddressBytes]) {
  BleIdentity identity;
  if (normalize(registered_mac, identity.id)) {
    identity.source = BleIdSource::kRegistered;
  } else if (normalize(configured_mac, identity.id)) {
    identity.source = BleIdSource::kConfigured;
  } else {
    derive(factory_mac, identity.id);
    identity.source = BleIdSource::kDerived;
  }
  return identity;
}

void ble_name(Text ct_type, const char *id, char (&name)[kBleNameSize]) {
  const char *prefix = equal_ignoring_case(ct_type, text_of("HME-3")) ? "MST-SMR_" : "MST-TPM_";
  for (size_t i = 0; i < 8; i++) name[i] = prefix[i];
  for (size_t i = 0; i < 4; i++) name[8 + i] = id[kBleIdDigits - 4 + i];
  name[kBleNameSize - 1] = '\0';
}

bool ble_address(Text id, uint8_t (&address)[kBleAddressBytes]) {
  if (id.size != kBleIdDigits) return false;
  for (size_t i = 0; i < kBleAddressBytes; i++) {
    const uint8_t high = hex_value(id[2 * i]);
    const uint8_t low = hex_value(id[2 * i + 1]);
    if (high > 15 || low > 15) return false;
    address[i] = static_cast<uint8_t>(high << 4 | low);
  }
  return true;
}

BleIdChange ble_id_change(const BleIdentity &at_boot, Text id, bool just_saved, bool forced) {
  if (equal_ignoring_case(text_of(at_boot.id), id)) return BleIdChange::kNone;
  const bool ends = at_boot.source != BleIdSource::kRegistered && !forced;
  return just_saved && ends ? BleIdChange::kRestart : BleIdChange::kRename;
}

}  // namespace nullwatt
