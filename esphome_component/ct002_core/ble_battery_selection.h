#pragma once
// The frame that tells a battery which CT to follow, written to the battery's own Bluetooth link. A codec only: nobody
// has seen it outside the app, and the acknowledgement of the battery is unknown.

#include <cstddef>
#include <cstdint>

#include "ble_identity.h"
#include "text.h"

namespace nullwatt {

/// The command of each kind of battery.
enum class BleBatteryKind : uint8_t { kJupiter = 0x15, kVenus = 0x18, kB2500 = 0x31 };

/// Byte the battery stores for the CT.
enum class BleCtCode : uint8_t { kCt001 = 0, kShelly = 1, kP1 = 2, kCt002 = 3, kCt003 = 4 };

inline constexpr size_t kBleCtNameSize = 13;

struct BleCtSelection {
  BleBatteryKind battery = BleBatteryKind::kVenus;
  BleCtCode ct = BleCtCode::kCt002;
  Text ct_mac;   ///< 12 hex digits
  Text ct_name;  ///< account type, up to 13 bytes; empty = none. A B2500 is always told one, the others may not know it
};

/// Code of an account type such as "HME-4"; false for an unknown one.
bool ble_ct_code(Text ct_type, BleCtCode *out);

/// Size of the frame, 0 if the selection makes none or does not fit.
size_t ble_encode_ct_selection(const BleCtSelection &selection, uint8_t *frame, size_t capacity);
/// The texts are views into the frame.
bool ble_decode_ct_selection(const uint8_t *frame, size_t size, BleCtSelection *out);

}  // namespace nullwatt
