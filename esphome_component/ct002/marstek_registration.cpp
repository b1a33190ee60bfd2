#include "marstek_registration.h"
#ifdef USE_CT002_REGISTRATION

#include <cinttypes>
#include <cstring>
#include <new>

#include "esphome/components/network/util.h"
#include "esphome/core/hal.h"
#include "esphome/core/helpers.h"
#include "esphome/core/log.h"

namespace esphome::ct002 {

static const char *const TAG = "ct002.registration";

// The list of an account with a few dozen devices.
static constexpr size_t BODY_LIMIT = 16384;

static_assert(sizeof(WebJob::url) >= nullwatt::kCloudUrlSize, "any URL fits");

void MarstekRegistration::setup() {
  const bool ct003 = strcmp(this->config_.account.ct_type, "HME-3") == 0;
  this->preference_ = global_preferences->make_preference<nullwatt::RegistrationRecord>(
      fnv1_hash(ct003 ? "ct002.registration.ct003" : "ct002.registration.ct002"), true);
  if (!this->preference_.load(&this->stored_))
    this->stored_ = {};
  this->registration_ = nullwatt::Registration(this->config_, this->stored_);
  // Also while it is to be asked for anew: batteries know the meter by it.
  if (this->registration_.confirmed_mac()[0] != '\0')
    this->take_mac_(false);
  if (this->registration_.is_done())
    this->disable_loop();
}

void MarstekRegistration::take_mac_([[maybe_unused]] bool just_saved) {
  const char *mac = this->registration_.confirmed_mac();
  this->meter_->take_ct_mac(mac);
#ifdef USE_CT002_BLUETOOTH
  if (this->bluetooth_ == nullptr)
    return;
  if (just_saved) {
    this->bluetooth_->on_registered(mac, this->config_.force);
  } else {
    this->bluetooth_->set_registered_mac(mac);
  }
#endif
}

void MarstekRegistration::loop() {
  const uint32_t now_ms = millis();
  if (this->job_ != nullptr) {
    if (this->job_->is_done())
      this->finish_(now_ms);
    return;
  }
  if (this->registration_.is_due(now_ms) && !web_is_busy() && network::is_connected())
    this->start_(now_ms);
}

void MarstekRegistration::start_(uint32_t now_ms) {
  std::unique_ptr<WebJob> job(new (std::nothrow) WebJob(BODY_LIMIT));
  if (job == nullptr)
    return;  // memory may come back
  this->step_ = this->registration_.next_request(now_ms, random_uint32(), job->url, sizeof(job->url));
  if (this->step_ == nullwatt::RegistrationStep::kNothing)
    return;
  job->tls = this->tls_;
  job->timeout_ms = this->timeout_ms_;
  const bool adds = this->step_ == nullwatt::RegistrationStep::kAdd;
  if (adds)
    nullwatt::copy_text(nullwatt::text_of(this->registration_.token()), job->token, sizeof(job->token));
  // Forgotten in a restart, a device would be created a second time.
  if ((adds && !this->store_()) || !web_start(job.get())) {
    this->registration_.on_failure(nullwatt::RegistrationReason::kUnreachable, now_ms);
    ESP_LOGE(TAG, "No memory or no flash for a request");
    return;
  }
  this->job_ = std::move(job);
}

void MarstekRegistration::finish_(uint32_t now_ms) {
  const std::unique_ptr<WebJob> job = std::move(this->job_);
  nullwatt::Registration &registration = this->registration_;
  switch (job->result) {
    case WebResult::REPLY:
      registration.on_reply(job->status, {job->body, job->size}, job->truncated, now_ms);
      break;
    case WebResult::UNREACHABLE:
      registration.on_failure(nullwatt::RegistrationReason::kUnreachable, now_ms);
      break;
    case WebResult::TIMED_OUT:
      registration.on_failure(nullwatt::RegistrationReason::kTimedOut, now_ms);
      break;
    case WebResult::CUT_OFF:
      registration.on_failure(nullwatt::RegistrationReason::kCutOff, now_ms);
      break;
    case WebResult::NO_MEMORY:
      registration.on_failure(nullwatt::RegistrationReason::kNoMemory, now_ms);
      break;
  }
  this->store_();
  if (registration.pause_ms() > 0) {
    ESP_LOGW(TAG, "Not registered: %s (HTTP status %" PRId32 "); next try in %" PRIu32 " s",
             nullwatt::registration_reason_text(registration.reason()), registration.http_status(),
             registration.pause_ms() / 1000);
  } else if (registration.is_done()) {
    ESP_LOGI(TAG, "Registered as CT %s", registration.mac());
    this->take_mac_(true);
    this->disable_loop();
  } else if (this->step_ == nullwatt::RegistrationStep::kAdd) {
    ESP_LOGI(TAG, "Created the CT %s", registration.record().mac);
  }
}

bool MarstekRegistration::store_() {
  const nullwatt::RegistrationRecord &record = this->registration_.record();
  if (memcmp(&record, &this->stored_, sizeof(record)) == 0)
    return true;
  if (!this->preference_.save(&record) || !global_preferences->sync()) {
    ESP_LOGE(TAG, "The registration cannot be stored");
    return false;
  }
  this->stored_ = record;
  return true;
}

void MarstekRegistration::dump_config() {
  const char *mac = this->registration_.confirmed_mac();
  ESP_LOGCONFIG(TAG,
                "Marstek registration:\n"
                "  Cloud: %s\n"
                "  CT type: %s\n"
                "  Time zone: %s\n"
                "  Retry interval: %" PRIu32
                " s\n"
                "  Force: %s\n"
                "  Registered: %s",
                this->config_.account.base_url, this->config_.account.ct_type, this->config_.account.timezone,
                this->config_.retry_interval_ms / 1000, YESNO(this->config_.force), mac[0] != '\0' ? mac : "not yet");
}

}  // namespace esphome::ct002

#endif
