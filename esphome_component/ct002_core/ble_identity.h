#pragma once
// Who the board is on the air. The app stores the MAC it is told while pairing and later accepts only a device whose
// Bluetooth address is that MAC, so one ID of 12 lower-case hex digits serves as device ID, reported MAC, Bluetooth
// address and, its last four digits, as name.

#include <cstddef>
#include <cstdint>

#include "text.h"

namespace nullwatt {

inline constexpr size_t kBleIdDigits = 12;
inline constexpr size_t kBleAddressBytes = 6;
/// "MST-TPM_7e91" and the zero behind it.
inline constexpr size_t kBleNameSize = 13;

enum class BleIdSource : uint8_t { kRegistered, kConfigured, kDerived };

struct BleIdentity {
  char id[kBleIdDigits + 1];
  BleIdSource source;
};

/// The first of these that is a MAC: the one saved by an earlier cloud registration, the configured CT MAC (both with
/// any separators, empty = none), one derived from the chip's factory MAC.
///
/// Derived: "02b250", then six digits: FNV-1a (32 bit) over the six bytes of the factory MAC, its upper 8 bits
/// XOR-folded into the lower 24. Never to be changed: a board would come back as a stranger.
BleIdentity ble_identity(Text registered_mac, Text configured_mac, const uint8_t (&factory_mac)[kBleAddressBytes]);

/// The name the app scans for; the zero behind it included, kBleNameSize bytes.
void ble_name(Text ct_type, const char *id, char (&name)[kBleNameSize]);

/// False unless `id` is 12 hex digits.
bool ble_address(Text id, uint8_t (&address)[kBleAddressBytes]);

/// A radio takes no other address for its own.
inline bool is_unicast(const uint8_t (&address)[kBleAddressBytes]) { return (address[0] & 1) == 0; }

/// What to do when the ID is another one than at boot.
enum class BleIdChange : uint8_t {
  kNone,
  kRename,  ///< advertise the new name; the radio keeps its address until the next start
  kRestart  ///< the same, and a restart that gives the radio the new address
};

/// `just_saved`: registration has saved this very ID since the boot. `forced`: it was told to register anew each time.
/// Restarting for that, or when the address of this boot came from registration already, would never end.
BleIdChange ble_id_change(const BleIdentity &at_boot, Text id, bool just_saved, bool forced);

}  // namespace nullwatt
