#pragma once
// The board's side of a conversation with the app: a request in, a reply out, and perhaps something the host is to do.
// Nobody on the air proves who he is, so whatever changes the board needs an option of the user.

#include <cstddef>
#include <cstdint>

#include "ble_frame.h"
#include "ble_wifi_trial.h"
#include "emulator.h"

namespace nullwatt {

/// Before the phone asks for more.
inline constexpr uint16_t kBleFirstMtu = 23;
inline constexpr uint16_t kBleLargestMtu = 517;
/// One restart by the app per this time.
inline constexpr uint32_t kBleRestartPauseMs = 60000;
/// From the command to the restart.
inline constexpr uint32_t kBleRestartDelayMs = 500;

struct BleOptions {
  bool allow_wifi_change = false;
  bool allow_direction_change = false;
  uint32_t pairing_window_ms = 0;  ///< 0 = the app never restarts the board
};

/// What the replies tell. Watts, + = import, unfiltered, after direction reversal; not finite = unknown.
struct BleContext {
  Text ct_type;
  Text id;
  float phase_w[3];
  float phase_v[3];  ///< volts; not finite or 0 = unknown
  Text ssid;         ///< network the board is on; empty = none
  const Emulator *emulator = nullptr;
  uint16_t mtu = kBleFirstMtu;
  int8_t rssi_dbm = 0;        ///< 0 = no Wi-Fi
  bool online = false;        ///< over any link
  uint8_t reversed_bits = 0;  ///< bits 0..2: phase A, B, C is reversed
};

/// A battery as command 12 lists it; empty texts and a phase of 0 are filled in.
struct BleBattery {
  Text type;
  Text id;
  Text ip;
  char phase = '\0';
};

/// Appends a battery to the reply to 12 unless its payload would become larger than `room`.
bool ble_put_battery(const BleBattery &battery, size_t room, BleFrameWriter *writer);
/// Payload bytes of the reply to 12.
size_t ble_battery_room(uint16_t mtu);

enum class BleAction : uint8_t {
  kNone,
  kRestart,               ///< restart kBleRestartDelayMs later; settings stay
  kRestartOutsideWindow,  ///< refused: no pairing window is open
  kRestartTooSoon,        ///< refused: the last one was less than a minute ago
  kWifiOffered,           ///< credentials() for a WifiTrial, then forget_credentials()
  kReverse                ///< negate these phases from now on, and store that
};

struct BleOutcome {
  size_t reply_size = 0;  ///< 0 = silence
  BleAction action = BleAction::kNone;
  uint8_t reversed_bits = 0;  ///< of kReverse
};

class BlePairing {
 public:
  /// `after_restart`: software restarted the board. Then no window opens by itself, or whoever restarts the board
  /// could do so for ever, and the pause between restarts goes on.
  void begin(const BleOptions &options, bool after_restart, uint32_t now_ms);
  /// From now on for the time of the option.
  void open_window(uint32_t now_ms);
  bool is_window_open() const { return window_open_; }
  /// At least once a day; closes the window.
  void tick(uint32_t now_ms);

  /// At most `capacity` bytes of reply are written; 255 suffice.
  BleOutcome handle(const BleFrame &frame, const BleContext &context, uint32_t now_ms, uint8_t *reply, size_t capacity);
  const WifiCredentials &credentials() const { return credentials_; }
  void forget_credentials() { wipe(&credentials_, sizeof(credentials_)); }
  /// The phone is gone.
  void disconnect();

  const BleOptions &options() const { return options_; }

 private:
  BleAction restart(uint32_t now_ms);
  /// False if nothing was offered.
  bool take_wifi(Text payload, BleAction *action);

  BleOptions options_;
  WifiCredentials credentials_;
  uint32_t window_ms_ = 0;
  uint32_t restart_ms_ = 0;
  bool window_open_ = false;
  bool restarted_ = false;
  uint8_t echo_size_ = 0;
  char echo_[kBleLongestRequest - kBleShortestFrame];  ///< SSID the phone sent; it checks that we know it
};

}  // namespace nullwatt
