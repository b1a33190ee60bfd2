#pragma once
// Tells the Marstek cloud what the meter measures, as a real CT does: plain HTTP GETs, whose answers do not matter.
// URLs and the schedule; the host makes the requests.

#include <cstddef>
#include <cstdint>

#include "reply.h"
#include "text.h"

namespace nullwatt {

inline constexpr const char *kReportHost = "eu.hamedata.com";
inline constexpr const char *kReportFcv = "202409090159";  ///< build stamp of the firmware that is emulated
inline constexpr int32_t kReportSv = 121;                  ///< version of it

/// Who reports, and where to.
struct ReportSource {
  Text host;     ///< name, maybe with a port; no scheme
  Text id;       ///< MAC
  Text ct_type;  ///< HME-4 or HME-3; the cloud takes over what it is told here
};

struct ReportValues {
  float power_w[3] = {0.0f, 0.0f, 0.0f};  ///< of the meter, unfiltered, + = import; not finite counts as 0
  int32_t rssi_dbm = -50;
  uint32_t unix_s = 0;
  int32_t charge_w[kBuckets] = {};     ///< <= 0, see Emulator::sums()
  int32_t discharge_w[kBuckets] = {};  ///< >= 0
  uint8_t batteries = 0;               ///< that have reported and are not forgotten
  bool mqtt = false;                   ///< there is a link to an MQTT broker
};

/// Room for any URL with a host of up to 200 bytes.
inline constexpr size_t kReportUrlSize = 1024;

// Terminated URLs. Their sizes, 0 if they do not fit.
size_t write_handshake_url(const ReportSource &source, Text fcv, int32_t sv, char *out, size_t capacity);
size_t write_report_url(const ReportSource &source, const ReportValues &values, char *out, size_t capacity);

enum class ReportStep : uint8_t { kNothing, kHandshake, kReport };

/// What to send when: one handshake, a report directly after it and one every interval, from start to start. Neither
/// more often than that, however often the network comes and goes.
class ReportSchedule {
 public:
  /// At least 5 s.
  explicit ReportSchedule(uint32_t interval_ms);

  /// What to send now; then call finish(). `online`: there are a network and a MAC. After a time without them a
  /// handshake precedes the next report, unless there was one within the interval. Call it often: at least once in 24
  /// days.
  ReportStep next(bool online, uint32_t unix_s, uint32_t now_ms);
  /// The request is over, whatever came of it.
  void finish() { busy_ = false; }
  /// The MAC is another one: a handshake is due at once.
  void rename();

 private:
  uint32_t interval_ms_;
  uint32_t greeted_ms_ = 0;
  uint32_t reported_ms_ = 0;
  bool busy_ = false;
  bool greeted_ = false;
  bool greeting_due_ = true;  ///< the last one is long enough ago
  bool due_ = true;
};

}  // namespace nullwatt
