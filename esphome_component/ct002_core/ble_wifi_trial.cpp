#include "ble_wifi_trial.h"

#include "ble_frame.h"
#include "clock.h"

namespace nullwatt {
namespace {

/// Names of networks differ by case.
bool is_at(const WifiFacts &facts, const char *ssid) {
  return facts.used && facts.connected && equal(facts.ssid, text_of(ssid));
}

}  // namespace

WifiVerdict WifiTrial::offer(const WifiCredentials &credentials, bool allowed, const WifiFacts &facts,
                             uint32_t now_ms) {
  if (!allowed) return WifiVerdict::kNotAllowed;
  if (!facts.used) return WifiVerdict::kNotUsed;
  // Not even other credentials: offers without end would keep the board off its network.
  if (running_) return WifiVerdict::kBusy;
  if (is_at(facts, credentials.ssid)) return WifiVerdict::kAlreadyThere;
  credentials_ = credentials;
  since_ms_ = now_ms;
  running_ = true;
  attempted_ = false;
  return WifiVerdict::kTrial;
}

WifiStep WifiTrial::tick(const WifiFacts &facts, uint32_t now_ms) {
  if (!running_) return WifiStep::kNone;
  // The password, too: meanwhile the platform may have gone back to the same network with the old one.
  if (attempted_ && is_at(facts, credentials_.ssid) && equal(facts.password, text_of(credentials_.password))) {
    running_ = false;
    return WifiStep::kSave;
  }
  if (!facts.used || elapsed_ms(now_ms, since_ms_) >= kWifiTrialMs) {
    forget();
    return WifiStep::kBack;
  }
  // Who is connected again has lost nothing, and is left in peace.
  if (attempted_ && (facts.connected || elapsed_ms(now_ms, attempt_ms_) < kWifiAttemptMs)) return WifiStep::kNone;
  attempted_ = true;
  attempt_ms_ = now_ms;
  return WifiStep::kConnect;
}

void WifiTrial::forget() {
  wipe(&credentials_, sizeof(credentials_));
  running_ = false;
}

}  // namespace nullwatt
