#include "c_cloud.h"

#include "app_responder.h"
#include "cloud_report.h"
#include "door.h"
#include "registration.h"

struct ct002_app_pacer {
  nullwatt::AppPacer value;
};
struct ct002_registration {
  nullwatt::Registration value;
};
struct ct002_report_schedule {
  nullwatt::ReportSchedule value;
};

using nullwatt::AppTopic;
using nullwatt::Place;
using nullwatt::RegistrationReason;
using nullwatt::RegistrationRecord;
using nullwatt::Text;
using nullwatt::text_of;
using nullwatt::usable;

namespace {

static_assert(sizeof(RegistrationRecord) == CT002_RECORD_SIZE, "stored as it is");
static_assert(static_cast<int>(CT002_APP_SLAVES) == static_cast<int>(nullwatt::AppPoll::kSlaves), "mirrors AppPoll");
static_assert(static_cast<int>(CT002_REGISTER_ADD) == static_cast<int>(nullwatt::RegistrationStep::kAdd),
              "mirrors RegistrationStep");
static_assert(static_cast<int>(CT002_HTTP_UNREACHABLE) == static_cast<int>(RegistrationReason::kUnreachable) &&
                  static_cast<int>(CT002_HTTP_CUT_OFF) == static_cast<int>(RegistrationReason::kCutOff) &&
                  static_cast<int>(CT002_HTTP_NO_MEMORY) == static_cast<int>(RegistrationReason::kNoMemory),
              "mirrors RegistrationReason");
static_assert(static_cast<int>(CT002_REPORT_REPORT) == static_cast<int>(nullwatt::ReportStep::kReport),
              "mirrors ReportStep");

// Bytes in and out: C knows no layout of the record.
RegistrationRecord record_of(const uint8_t *bytes) {
  RegistrationRecord record;
  if (bytes == nullptr) return record;
  for (size_t i = 0; i < sizeof(record.mac); i++) record.mac[i] = static_cast<char>(bytes[i]);
  record.stage = bytes[13];
  record.model = bytes[14];
  record.version = bytes[15];
  return record;
}

}  // namespace

extern "C" {

int ct002_normalize_ct_mac(const char *text, char *out) {
  char mac[nullwatt::kMacSize];
  const bool valid = nullwatt::normalize_ct_mac(text_of(text), mac);
  nullwatt::copy_text(text_of(mac), out, sizeof(mac));
  return valid ? 1 : 0;
}

size_t ct002_app_topic(uint8_t answer, uint8_t prefix, const char *ct_type, const char *mac, char *out,
                       size_t capacity) {
  const AppTopic kind = answer != 0 ? AppTopic::kAnswer : AppTopic::kPoll;
  const uint8_t known = prefix < nullwatt::kAppPrefixes ? prefix : uint8_t{0};
  return nullwatt::write_app_topic(kind, known, text_of(ct_type), text_of(mac), out, capacity);
}

int ct002_app_is_poll(const char *topic, size_t size, const char *ct_type, const char *mac) {
  return nullwatt::is_app_poll(Text{topic, size}, text_of(ct_type), text_of(mac)) ? 1 : 0;
}

uint8_t ct002_app_parse_poll(const char *payload, size_t size) {
  return static_cast<uint8_t>(nullwatt::parse_app_poll(Text{payload, size}));
}

size_t ct002_app_runtime_frame(const ct002_app_readings *readings, char *out, size_t capacity) {
  nullwatt::AppReadings values;
  for (uint8_t i = 0; i < 3; i++) values.power_w[i] = readings->power_w[i];
  values.rssi_dbm = readings->rssi_dbm;
  values.version = readings->version;
  values.slaves = readings->slaves;
  return nullwatt::write_runtime_frame(values, out, capacity);
}

size_t ct002_app_slave_list(const ct002_app_slave *slaves, size_t count, char *out, size_t capacity) {
  // More than a table of batteries ever holds are not looked at.
  nullwatt::AppSlave known[64];
  size_t used = 0;
  for (; used < count && used < sizeof(known) / sizeof(known[0]); used++) {
    const ct002_app_slave &slave = slaves[used];
    known[used] = {text_of(slave.type), text_of(slave.id), text_of(slave.address), slave.phase};
  }
  return nullwatt::write_slave_list(known, used, out, capacity);
}

size_t ct002_app_slave_list_of(const ct002_emulator *emulator, char *out, size_t capacity) {
  return nullwatt::write_slave_list(emulator->value, out, capacity);
}

size_t ct002_app_pacer_size(void) { return sizeof(ct002_app_pacer); }

ct002_app_pacer *ct002_app_pacer_init(void *memory, size_t size, uint32_t interval_ms) {
  if (!usable(memory, size, sizeof(ct002_app_pacer))) return nullptr;
  return new (Place{memory}) ct002_app_pacer{nullwatt::AppPacer(interval_ms)};
}

void ct002_app_pacer_connected(ct002_app_pacer *pacer, uint8_t connected) {
  pacer->value.set_connected(connected != 0);
}

int ct002_app_pacer_accept(ct002_app_pacer *pacer, uint8_t poll) {
  return pacer->value.accept(static_cast<nullwatt::AppPoll>(poll)) ? 1 : 0;
}

int ct002_app_pacer_broadcast_due(ct002_app_pacer *pacer, uint8_t mac_known, uint32_t now_ms) {
  return pacer->value.broadcast_due(mac_known != 0, now_ms) ? 1 : 0;
}

void ct002_app_pacer_finish(ct002_app_pacer *pacer) { pacer->value.finish(); }

size_t ct002_registration_size(void) { return sizeof(ct002_registration); }

ct002_registration *ct002_registration_init(void *memory, size_t size, const ct002_registration_config *config,
                                            const uint8_t *record) {
  if (!usable(memory, size, sizeof(ct002_registration))) return nullptr;
  nullwatt::RegistrationConfig wanted;
  wanted.account.base_url = config->base_url;
  wanted.account.mailbox = config->mailbox;
  wanted.account.password_md5 = config->password_md5;
  wanted.account.timezone = config->timezone;
  wanted.account.ct_type = config->ct_type;
  wanted.retry_interval_ms = config->retry_interval_ms;
  wanted.force = config->force != 0;
  return new (Place{memory}) ct002_registration{nullwatt::Registration(wanted, record_of(record))};
}

uint8_t ct002_registration_next(ct002_registration *registration, uint32_t now_ms, uint32_t random, char *url,
                                size_t capacity) {
  return static_cast<uint8_t>(registration->value.next_request(now_ms, random, url, capacity));
}

void ct002_registration_reply(ct002_registration *registration, int32_t status, const char *body, size_t size,
                              uint8_t truncated, uint32_t now_ms) {
  registration->value.on_reply(status, Text{body, size}, truncated != 0, now_ms);
}

void ct002_registration_failure(ct002_registration *registration, uint8_t kind, uint32_t now_ms) {
  registration->value.on_failure(static_cast<RegistrationReason>(kind), now_ms);
}

void ct002_registration_get_state(const ct002_registration *registration, ct002_registration_state *out) {
  const nullwatt::Registration &value = registration->value;
  out->step = static_cast<uint8_t>(value.step());
  out->done = value.is_done() ? 1 : 0;
  out->reason = static_cast<uint8_t>(value.reason());
  out->http_status = value.http_status();
  out->pause_ms = value.pause_ms();
  out->reason_text = nullwatt::registration_reason_text(value.reason());
  out->mac = value.mac();
  out->confirmed_mac = value.confirmed_mac();
  out->token = value.token();
}

void ct002_registration_get_record(const ct002_registration *registration, uint8_t *record) {
  const RegistrationRecord &value = registration->value.record();
  for (size_t i = 0; i < sizeof(value.mac); i++) record[i] = static_cast<uint8_t>(value.mac[i]);
  record[13] = value.stage;
  record[14] = value.model;
  record[15] = value.version;
}

size_t ct002_cloud_url_size(void) { return nullwatt::kCloudUrlSize; }

const char *ct002_registration_reason_text(uint8_t reason) {
  if (reason > static_cast<uint8_t>(RegistrationReason::kNoMemory)) return nullptr;
  return nullwatt::registration_reason_text(static_cast<RegistrationReason>(reason));
}

size_t ct002_handshake_url(const char *host, const char *id, const char *ct_type, const char *fcv, int32_t sv,
                           char *out, size_t capacity) {
  const nullwatt::ReportSource source{text_of(host), text_of(id), text_of(ct_type)};
  return nullwatt::write_handshake_url(source, text_of(fcv), sv, out, capacity);
}

size_t ct002_report_url(const char *host, const char *id, const char *ct_type, const ct002_report_values *values,
                        char *out, size_t capacity) {
  const nullwatt::ReportSource source{text_of(host), text_of(id), text_of(ct_type)};
  nullwatt::ReportValues told;
  for (uint8_t i = 0; i < 3; i++) told.power_w[i] = values->power_w[i];
  told.rssi_dbm = values->rssi_dbm;
  told.unix_s = values->unix_s;
  for (uint8_t i = 0; i < nullwatt::kBuckets; i++) {
    told.charge_w[i] = values->charge_w[i];
    told.discharge_w[i] = values->discharge_w[i];
  }
  told.batteries = values->batteries;
  told.mqtt = values->mqtt != 0;
  return nullwatt::write_report_url(source, told, out, capacity);
}

void ct002_get_sums(const ct002_emulator *emulator, int32_t *charge_w, int32_t *discharge_w) {
  int32_t charge[nullwatt::kBuckets];
  int32_t discharge[nullwatt::kBuckets];
  emulator->value.sums(charge, discharge);
  for (uint8_t i = 0; i < nullwatt::kBuckets; i++) {
    charge_w[i] = charge[i];
    discharge_w[i] = discharge[i];
  }
}

size_t ct002_report_schedule_size(void) { return sizeof(ct002_report_schedule); }

ct002_report_schedule *ct002_report_schedule_init(void *memory, size_t size, uint32_t interval_ms) {
  if (!usable(memory, size, sizeof(ct002_report_schedule))) return nullptr;
  return new (Place{memory}) ct002_report_schedule{nullwatt::ReportSchedule(interval_ms)};
}

uint8_t ct002_report_schedule_next(ct002_report_schedule *schedule, uint8_t online, uint32_t unix_s, uint32_t now_ms) {
  return static_cast<uint8_t>(schedule->value.next(online != 0, unix_s, now_ms));
}

void ct002_report_schedule_finish(ct002_report_schedule *schedule) { schedule->value.finish(); }

void ct002_report_schedule_rename(ct002_report_schedule *schedule) { schedule->value.rename(); }

}  // extern "C"
