#include "cloud_reporting.h"
#ifdef USE_CT002_REPORTING

#include <cinttypes>
#include <cstring>
#include <ctime>
#include <new>

#include "esphome/components/network/util.h"
#include "esphome/core/hal.h"
#include "esphome/core/log.h"
#ifdef USE_MQTT
#include "esphome/components/mqtt/mqtt_client.h"
#endif

namespace esphome::ct002 {

static const char *const TAG = "ct002.reporting";

static constexpr uint32_t TIMEOUT_MS = 10000;

static bool is_mqtt_connected() {
#ifdef USE_MQTT
  return mqtt::global_mqtt_client != nullptr && mqtt::global_mqtt_client->is_connected();
#else
  return false;
#endif
}

void CloudReporting::loop() {
  if (this->job_ != nullptr && this->job_->is_done())
    this->finish_();
  // Another name asks for another handshake.
  if (strcmp(this->mac_, this->meter_->ct_mac()) != 0) {
    nullwatt::copy_text(nullwatt::text_of(this->meter_->ct_mac()), this->mac_, sizeof(this->mac_));
    this->schedule_.rename();
  }
  const bool online = network::is_connected() && this->mac_[0] != '\0';
  if (online && this->job_ == nullptr && web_is_busy())
    return;  // the registration comes first
  const time_t now_s = ::time(nullptr);
  const uint32_t unix_s = now_s > 0 ? static_cast<uint32_t>(now_s) : 0;
  const nullwatt::ReportStep step = this->schedule_.next(online, unix_s, millis());
  if (step != nullwatt::ReportStep::kNothing)
    this->send_(step, unix_s);
}

void CloudReporting::send_(nullwatt::ReportStep step, uint32_t unix_s) {
  std::unique_ptr<WebJob> job(new (std::nothrow) WebJob(0));
  const nullwatt::Config &config = this->meter_->emulator().config();
  const nullwatt::ReportSource source{nullwatt::text_of(this->host_), nullwatt::text_of(this->mac_),
                                      nullwatt::text_of(config.ct_type)};
  size_t size = 0;
  if (job != nullptr) {
    size = step == nullwatt::ReportStep::kHandshake
               ? nullwatt::write_handshake_url(source, nullwatt::text_of(this->fcv_), this->sv_, job->url,
                                               sizeof(job->url))
               : this->write_report_url_(source, unix_s, job->url, sizeof(job->url));
    job->timeout_ms = TIMEOUT_MS;
  }
  if (size == 0 || !web_start(job.get())) {
    ESP_LOGW(TAG, "No memory for a report");
    this->schedule_.finish();
    return;
  }
  this->job_ = std::move(job);
}

size_t CloudReporting::write_report_url_(const nullwatt::ReportSource &source, uint32_t unix_s, char *out,
                                         size_t capacity) {
  nullwatt::ReportValues values;
  this->meter_->measured_power(values.power_w);
  nullwatt::Emulator &emulator = this->meter_->emulator();
  emulator.sums(values.charge_w, values.discharge_w);
  ct002_state state;
  emulator.state(&state);
  values.batteries = state.consumers;
  values.rssi_dbm = emulator.config().wifi_rssi;
  values.mqtt = is_mqtt_connected();
  values.unix_s = unix_s;
  return nullwatt::write_report_url(source, values, out, capacity);
}

void CloudReporting::finish_() {
  const bool works = this->job_->result == WebResult::REPLY;
  this->job_ = nullptr;
  this->schedule_.finish();
  // What the cloud answers does not matter; whether it is there is worth a line.
  if (this->told_ && works == this->works_)
    return;
  this->told_ = true;
  this->works_ = works;
  if (works) {
    ESP_LOGI(TAG, "Reports arrive at %s", this->host_);
  } else {
    ESP_LOGW(TAG, "Reports do not arrive at %s", this->host_);
  }
}

void CloudReporting::dump_config() {
  ESP_LOGCONFIG(TAG,
                "Cloud reporting:\n"
                "  Host: %s\n"
                "  Interval: %" PRIu32
                " s\n"
                "  fcv: %s\n"
                "  sv: %" PRId32,
                this->host_, this->interval_ms_ / 1000, this->fcv_, this->sv_);
}

}  // namespace esphome::ct002

#endif
