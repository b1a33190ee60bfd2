#pragma once
// What becomes of a Wi-Fi network that the app hands over: by default nothing, else a trial of 30 s. Credentials are
// kept only after the board was really connected with them, so a wrong password cannot take it off the network.

#include <cstddef>
#include <cstdint>

#include "text.h"

namespace nullwatt {

inline constexpr size_t kWifiSsidBytes = 32;
inline constexpr size_t kWifiPasswordBytes = 64;
inline constexpr uint32_t kWifiTrialMs = 30000;
/// A connection that is not there after this time is tried again.
inline constexpr uint32_t kWifiAttemptMs = 12000;

/// Terminated texts; neither holds a zero byte.
struct WifiCredentials {
  char ssid[kWifiSsidBytes + 1] = "";
  char password[kWifiPasswordBytes + 1] = "";  ///< empty = open network
};

/// How the board is connected at this moment.
struct WifiFacts {
  bool used = false;       ///< Wi-Fi is configured and switched on
  bool connected = false;  ///< over Wi-Fi, with an address
  Text ssid;               ///< of that connection
  Text password;           ///< that the radio made it with; needed while a trial runs
};

enum class WifiVerdict : uint8_t {
  kNotAllowed,    ///< by option: the configured network stays
  kNotUsed,       ///< Ethernet, or Wi-Fi is switched off
  kAlreadyThere,  ///< connected to that SSID: a typo must not change the password that works
  kBusy,          ///< another trial runs
  kTrial          ///< it begins with the next tick()
};

enum class WifiStep : uint8_t {
  kNone,
  kConnect,  ///< connect with credentials() now
  kSave,     ///< the trial has succeeded: keep credentials() as the run-time network, then forget()
  kBack      ///< it has failed: back to the networks of before; credentials are wiped
};

class WifiTrial {
 public:
  WifiVerdict offer(const WifiCredentials &credentials, bool allowed, const WifiFacts &facts, uint32_t now_ms);
  /// At least once a second.
  WifiStep tick(const WifiFacts &facts, uint32_t now_ms);
  bool running() const { return running_; }
  const WifiCredentials &credentials() const { return credentials_; }
  /// Ends a trial and wipes the password.
  void forget();

 private:
  WifiCredentials credentials_;
  uint32_t since_ms_ = 0;
  uint32_t attempt_ms_ = 0;
  bool running_ = false;
  bool attempted_ = false;
};

}  // namespace nullwatt
