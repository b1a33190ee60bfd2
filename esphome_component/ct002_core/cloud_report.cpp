#include "cloud_report.h"

#include "clock.h"
#include "numeric.h"
#include "utc_time.h"
#include "writer.h"

namespace nullwatt {
namespace {

constexpr uint32_t kShortestIntervalMs = 5000;
/// No house draws more; and three of them still fit 32 bit.
constexpr float kMostPhaseW = 100000000.0f;
/// As the fields are named: unassigned, A, B, C, combined.
constexpr char kBucketNames[kBuckets] = {'z', 'a', 'b', 'c', 'd'};
static_assert(kBucketX == 0 && kBucketAbc == 4, "names follow the buckets");

int32_t whole_phase_w(float power_w) {
  return is_finite(power_w) ? round_half_even(clamp(power_w, -kMostPhaseW, kMostPhaseW)) : 0;
}

void put_number(Writer *out, const char *name, int32_t value) {
  out->put(name);
  out->put_int(value);
}

void put_sums(Writer *out, char kind, const int32_t (&sums_w)[kBuckets]) {
  for (uint8_t i = 0; i < kBuckets; i++) {
    out->put('&');
    out->put(kind);
    out->put(kBucketNames[i]);
    out->put('=');
    out->put_int(sums_w[i]);
  }
}

bool is_ct003(const ReportSource &source) { return equal_ignoring_case(source.ct_type, text_of("HME-3")); }

}  // namespace

size_t write_handshake_url(const ReportSource &source, Text fcv, int32_t sv, char *out, size_t capacity) {
  Writer url(out, capacity);
  url.put("http://");
  url.put(source.host);
  url.put("/app/neng/getDateInfoeu.php?uid=");
  url.put_percent_encoded(source.id);
  url.put("&fcv=");
  url.put_percent_encoded(fcv);
  url.put("&aid=");
  url.put_percent_encoded(source.ct_type);
  put_number(&url, "&sv=", sv);
  return url.terminate() ? url.size() : 0;
}

size_t write_report_url(const ReportSource &source, const ReportValues &values, char *out, size_t capacity) {
  Writer url(out, capacity);
  int32_t power_w[3];
  for (uint8_t i = 0; i < 3; i++) power_w[i] = whole_phase_w(values.power_w[i]);
  url.put("http://");
  url.put(source.host);
  url.put("/prod/api/v1/setCtReporting?id=");
  url.put_percent_encoded(source.id);
  url.put("&eled=0&elet=0");
  put_number(&url, "&ap=", power_w[0]);
  put_number(&url, "&bp=", power_w[1]);
  put_number(&url, "&cp=", power_w[2]);
  put_number(&url, "&dp=", power_w[0] + power_w[1] + power_w[2]);
  put_number(&url, "&rssi=", values.rssi_dbm);
  put_number(&url, "&slv=", values.batteries);
  // A CT003 leaves the & out.
  url.put(is_ct003(source) ? "udp=1" : "&udp=1");
  url.put(values.mqtt ? "&mqtt=1" : "&mqtt=0");
  url.put("&timeNo=");
  url.put_unsigned(values.unix_s);
  url.put("&date=");
  write_date(values.unix_s, &url);
  if (!is_ct003(source)) url.put("&va=0&vb=0&vc=0&ia=0.00&ib=0.00&ic=0.00");
  put_sums(&url, 'c', values.charge_w);
  put_sums(&url, 'd', values.discharge_w);
  return url.terminate() ? url.size() : 0;
}

ReportSchedule::ReportSchedule(uint32_t interval_ms)
    : interval_ms_(interval_ms < kShortestIntervalMs ? kShortestIntervalMs : interval_ms) {}

ReportStep ReportSchedule::next(bool online, uint32_t unix_s, uint32_t now_ms) {
  if (!online) greeted_ = false;
  // Remembered, so that a counter that wraps meanwhile does not hide it.
  if (elapsed_ms(now_ms, reported_ms_) >= interval_ms_) due_ = true;
  if (elapsed_ms(now_ms, greeted_ms_) >= interval_ms_) greeting_due_ = true;
  if (!online || busy_) return ReportStep::kNothing;
  // After a loss so soon after a handshake the report alone is told.
  if (!greeted_ && due_ && greeting_due_) {
    greeted_ = true;
    greeting_due_ = false;
    greeted_ms_ = now_ms;
    busy_ = true;
    return ReportStep::kHandshake;
  }
  if (!due_ || unix_s < kEarliestUnixTime) return ReportStep::kNothing;
  due_ = false;
  busy_ = true;
  reported_ms_ = now_ms;
  return ReportStep::kReport;
}

void ReportSchedule::rename() {
  greeted_ = false;
  greeting_due_ = true;
  due_ = true;
}

}  // namespace nullwatt
