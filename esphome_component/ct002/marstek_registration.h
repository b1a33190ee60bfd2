#pragma once
// Registers the meter in the user's Marstek account. What is asked when is decided in ct002_core; here are the network,
// the flash and the log.

#include "esphome/core/defines.h"
#ifdef USE_CT002_REGISTRATION

#include <memory>

#include "ct002.h"
#include "esphome/components/ct002_core/registration.h"
#include "esphome/core/preferences.h"
#include "web.h"
#ifdef USE_CT002_BLUETOOTH
#include "bluetooth.h"
#endif

namespace esphome::ct002 {

class MarstekRegistration final : public Component {
 public:
  explicit MarstekRegistration(CT002Component *meter) : meter_(meter) {}

  void setup() override;
  void loop() override;
  void dump_config() override;
  // Only the flash is read there. Before Bluetooth, whose radio takes its address, the stored MAC, once at its start.
  float get_setup_priority() const override { return setup_priority::BLUETOOTH + 20.0f; }

  void set_base_url(const char *base_url) { this->config_.account.base_url = base_url; }
  /// The password's MD5, so that the password itself is not in the firmware.
  void set_account(const char *mailbox, const char *password_md5) {
    this->config_.account.mailbox = mailbox;
    this->config_.account.password_md5 = password_md5;
  }
  void set_timezone(const char *timezone) { this->config_.account.timezone = timezone; }
  void set_ct_type(const char *ct_type) { this->config_.account.ct_type = ct_type; }
  void set_retry_interval(uint32_t retry_interval_ms) { this->config_.retry_interval_ms = retry_interval_ms; }
  void set_force_reregister(bool force) { this->config_.force = force; }
  void set_verify_ssl(bool verify) { this->tls_.verify = verify; }
  void set_ca_certificate(const char *pem) { this->tls_.ca_certificate = pem; }
  void set_timeout(uint32_t timeout_ms) { this->timeout_ms_ = timeout_ms; }
#ifdef USE_CT002_BLUETOOTH
  void set_bluetooth(Bluetooth *bluetooth) { this->bluetooth_ = bluetooth; }
#endif

 protected:
  /// just_saved: the cloud has told it now, not in an earlier run.
  void take_mac_(bool just_saved);
  void start_(uint32_t now_ms);
  void finish_(uint32_t now_ms);
  /// Into the flash, now. False if it is not there.
  bool store_();

  CT002Component *meter_;
  nullwatt::RegistrationConfig config_;
  TlsSettings tls_;
  uint32_t timeout_ms_{20000};
  nullwatt::RegistrationRecord stored_;
  nullwatt::Registration registration_{this->config_, this->stored_};  ///< asks nothing before setup()
  ESPPreferenceObject preference_;
  std::unique_ptr<WebJob> job_;
#ifdef USE_CT002_BLUETOOTH
  Bluetooth *bluetooth_{nullptr};
#endif
  nullwatt::RegistrationStep step_{nullwatt::RegistrationStep::kNothing};
};

}  // namespace esphome::ct002

#endif
