#pragma once
// Tells the Marstek cloud what the meter measures. What is told when is decided in ct002_core.

#include "esphome/core/defines.h"
#ifdef USE_CT002_REPORTING

#include <memory>

#include "ct002.h"
#include "esphome/components/ct002_core/cloud_report.h"
#include "esphome/components/ct002_core/ct_mac.h"
#include "web.h"

namespace esphome::ct002 {

class CloudReporting final : public Component {
 public:
  CloudReporting(CT002Component *meter, uint32_t interval_ms)
      : meter_(meter), interval_ms_(interval_ms), schedule_(interval_ms) {}

  void loop() override;
  void dump_config() override;
  float get_setup_priority() const override { return setup_priority::AFTER_CONNECTION; }

  void set_host(const char *host) { this->host_ = host; }
  void set_fcv(const char *fcv) { this->fcv_ = fcv; }
  void set_sv(int32_t sv) { this->sv_ = sv; }

 protected:
  void send_(nullwatt::ReportStep step, uint32_t unix_s);
  size_t write_report_url_(const nullwatt::ReportSource &source, uint32_t unix_s, char *out, size_t capacity);
  void finish_();

  CT002Component *meter_;
  const char *host_{nullwatt::kReportHost};
  const char *fcv_{nullwatt::kReportFcv};
  int32_t sv_{nullwatt::kReportSv};
  uint32_t interval_ms_;
  nullwatt::ReportSchedule schedule_;
  std::unique_ptr<WebJob> job_;
  char mac_[nullwatt::kMacSize]{};  ///< under which it reports
  bool told_{false};                ///< whether the cloud is there was logged
  bool works_{false};
};

}  // namespace esphome::ct002

#endif
