#include "registration.h"

namespace nullwatt {
namespace {

constexpr uint32_t kShortestPauseMs = 5000;
constexpr uint32_t kLongestPauseMs = 3600000;
// A wrong password stays wrong until somebody mends it; asking often may lock the account.
constexpr uint32_t kPasswordPauseMs = 3600000;
constexpr uint32_t kLongestPasswordPauseMs = 24 * kPasswordPauseMs;
// The cloud may take its time to list what it accepted. Only then is the same id sent again.
constexpr uint8_t kMissesBeforeResend = 8;
// An id may belong to somebody else's meter.
constexpr uint8_t kRefusalsOfAnId = 3;
constexpr uint8_t kCollisionsAtOnce = 5;

uint32_t doubled(uint32_t first_ms, uint8_t times, uint32_t most_ms) {
  if (first_ms > most_ms) return first_ms;
  uint32_t pause_ms = first_ms;
  for (uint8_t i = 0; i < times && pause_ms < most_ms; i++) pause_ms = pause_ms > most_ms / 2 ? most_ms : 2 * pause_ms;
  return pause_ms;
}

void count(uint8_t *counter) {
  if (*counter < 255) (*counter)++;
}

uint8_t model_of(const char *ct_type) { return equal_ignoring_case(text_of(ct_type), text_of("HME-3")) ? 3 : 4; }

/// Flash may hold anything.
bool is_sound(const RegistrationRecord &record, uint8_t model) {
  if (record.version != 1 || record.model != model || record.mac[kMacSize - 1] != '\0') return false;
  if (record.stage == 0 || record.stage > static_cast<uint8_t>(RegistrationStage::kConfirmed)) return false;
  char mac[kMacSize];
  return normalize_ct_mac(text_of(record.mac), mac) && equal(text_of(mac), text_of(record.mac));
}

}  // namespace

const char *registration_reason_text(RegistrationReason reason) {
  switch (reason) {
    case RegistrationReason::kNone:
      return "";
    case RegistrationReason::kNoCredentials:
      return "mailbox or password is empty";
    case RegistrationReason::kTooLong:
      return "base_url, mailbox or timezone is too long";
    case RegistrationReason::kUnreachable:
      return "the cloud cannot be reached";
    case RegistrationReason::kTimedOut:
      return "the cloud did not answer in time";
    case RegistrationReason::kCutOff:
      return "the connection broke before the reply was complete";
    case RegistrationReason::kHttpStatus:
      return "the cloud answered with an error status";
    case RegistrationReason::kEmptyReply:
      return "the cloud answered nothing";
    case RegistrationReason::kReplyTooLong:
      return "the reply is too long";
    case RegistrationReason::kNotJson:
      return "the reply is not JSON (is base_url right?)";
    case RegistrationReason::kWrongPassword:
      return "mailbox or password is wrong; correct them and restart";
    case RegistrationReason::kRefused:
      return "the cloud refused to log in";
    case RegistrationReason::kNoToken:
      return "the cloud gave no token";
    case RegistrationReason::kAddRefused:
      return "the cloud refused to add the device";
    case RegistrationReason::kNotListed:
      return "the added device is not in the account's list yet";
    case RegistrationReason::kNoFreeId:
      return "no free device id was found";
    case RegistrationReason::kNoMemory:
      return "too little memory for the reply";
  }
  return "";
}

Registration::Registration(const RegistrationConfig &config, const RegistrationRecord &record) : config_(config) {
  if (config_.retry_interval_ms < kShortestPauseMs) config_.retry_interval_ms = kShortestPauseMs;
  const uint8_t model = model_of(config_.account.ct_type);
  if (is_sound(record, model)) record_ = record;
  record_.model = model;
  // With `force`, and if the account no longer has it, it is created again, but by no other id.
  done_ = stage() == RegistrationStage::kConfirmed && !config_.force;
  const bool empty =
      trim(text_of(config_.account.mailbox)).size == 0 || text_of(config_.account.password_md5).size == 0;
  if (empty && !done_) reason_ = RegistrationReason::kNoCredentials;
}

RegistrationStep Registration::next_request(uint32_t now_ms, uint32_t random, char *url, size_t capacity) {
  if (capacity > 0) url[0] = '\0';
  if (!is_due(now_ms)) return RegistrationStep::kNothing;
  waiting_ = false;
  Writer out(url, capacity);
  const RegistrationStep step = step_;
  if (step == RegistrationStep::kToken) {
    begin_round(random);
    put_token_url(&out, config_.account);
  } else if (step == RegistrationStep::kList) {
    put_list_url(&out, config_.account, token_);
  } else {
    put_add_url(&out, config_.account, token_, record_.mac[0] != '\0' ? record_.mac : candidate_);
  }
  if (!out.terminate()) {
    if (capacity > 0) url[0] = '\0';
    fail(RegistrationReason::kTooLong, now_ms);
    return RegistrationStep::kNothing;
  }
  if (step == RegistrationStep::kAdd) {
    if (record_.mac[0] == '\0') copy_text(text_of(candidate_), record_.mac, sizeof(record_.mac));
    surely_absent_ = stage() == RegistrationStage::kNone || stage() == RegistrationStage::kRefused;
    set_stage(RegistrationStage::kSent);
  }
  in_flight_ = true;
  return step;
}

void Registration::begin_round(uint32_t random) {
  // A host whose random numbers repeat still gets another id after a collision.
  const uint32_t number = random + collisions_ * 0x9E3779u;
  if (record_.mac[0] == '\0') {
    copy_text(text_of(kManagedPrefix), candidate_, sizeof(candidate_));
    for (uint8_t i = 0; i < 6; i++) candidate_[6 + i] = "0123456789abcdef"[(number >> (4 * (5 - i))) & 15];
    candidate_[kMacSize - 1] = '\0';
  } else {
    candidate_[0] = '\0';
  }
  devices_.restart(config_.account.ct_type, record_.mac, candidate_);
}

void Registration::on_reply(int32_t status, Text body, bool truncated, uint32_t now_ms) {
  if (!in_flight_) return;
  in_flight_ = false;
  http_status_ = status;
  if (status < 200 || status > 299) {
    fail(RegistrationReason::kHttpStatus, now_ms);
  } else if (truncated) {
    fail(RegistrationReason::kReplyTooLong, now_ms);
  } else if (trim(body).size == 0) {
    fail(RegistrationReason::kEmptyReply, now_ms);
  } else if (step_ == RegistrationStep::kToken) {
    on_token(body, now_ms);
  } else if (step_ == RegistrationStep::kList) {
    on_list(body, now_ms);
  } else {
    on_add(body, now_ms);
  }
}

void Registration::on_failure(RegistrationReason kind, uint32_t now_ms) {
  if (!in_flight_) return;
  in_flight_ = false;
  http_status_ = 0;
  // After an add nothing is known: the stage stays kSent.
  fail(kind, now_ms);
}

void Registration::on_token(Text body, uint32_t now_ms) {
  switch (read_token(body, token_, sizeof(token_))) {
    case TokenReply::kToken:
      break;
    case TokenReply::kNotJson:
      fail(RegistrationReason::kNotJson, now_ms);
      return;
    case TokenReply::kWrongPassword:
      fail(RegistrationReason::kWrongPassword, now_ms);
      return;
    case TokenReply::kRefused:
      fail(RegistrationReason::kRefused, now_ms);
      return;
    case TokenReply::kNoToken:
      fail(RegistrationReason::kNoToken, now_ms);
      return;
  }
  wrong_passwords_ = 0;
  devices_.read(body);
  // The second list can add nothing to what is there already.
  if (devices_.found_own() || (record_.mac[0] == '\0' && devices_.found()[0] != '\0')) {
    confirm(devices_.found());
  } else {
    step_ = RegistrationStep::kList;
  }
}

void Registration::on_list(Text body, uint32_t now_ms) {
  if (!devices_.read(body)) {
    fail(RegistrationReason::kNotJson, now_ms);
  } else if (devices_.found()[0] != '\0') {
    confirm(devices_.found());
  } else {
    decide(now_ms);
  }
}

void Registration::decide(uint32_t now_ms) {
  if (record_.mac[0] == '\0' && devices_.collides()) {
    count(&collisions_);
    if (collisions_ % kCollisionsAtOnce == 0) {
      fail(RegistrationReason::kNoFreeId, now_ms);
    } else {
      forget_token();
      step_ = RegistrationStep::kToken;
    }
    return;
  }
  if (stage() == RegistrationStage::kAccepted) {
    count(&misses_);
    if (misses_ < kMissesBeforeResend) {
      fail(RegistrationReason::kNotListed, now_ms);
      return;
    }
  }
  step_ = RegistrationStep::kAdd;
}

void Registration::on_add(Text body, uint32_t now_ms) {
  switch (read_add(body)) {
    case AddReply::kAdded:
      set_stage(RegistrationStage::kAccepted);
      failures_ = 0;
      misses_ = 0;
      reason_ = RegistrationReason::kNone;
      forget_token();
      step_ = RegistrationStep::kToken;
      return;
    case AddReply::kNotJson:
      fail(RegistrationReason::kNotJson, now_ms);
      return;
    case AddReply::kNoCode:
      fail(RegistrationReason::kAddRefused, now_ms);
      return;
    case AddReply::kRefused:
      if (surely_absent_) {
        set_stage(RegistrationStage::kRefused);
        count(&refusals_);
        if (refusals_ >= kRefusalsOfAnId) {
          // Never created, as the cloud says itself: another id may be tried.
          refusals_ = 0;
          record_.mac[0] = '\0';
          set_stage(RegistrationStage::kNone);
        }
      }
      fail(RegistrationReason::kAddRefused, now_ms);
      return;
  }
}

void Registration::confirm(const char *mac) {
  copy_text(text_of(mac), record_.mac, sizeof(record_.mac));
  set_stage(RegistrationStage::kConfirmed);
  reason_ = RegistrationReason::kNone;
  forget_token();
  done_ = true;
}

void Registration::fail(RegistrationReason reason, uint32_t now_ms) {
  forget_token();
  reason_ = reason;
  if (reason == RegistrationReason::kWrongPassword) {
    const uint32_t first_ms =
        config_.retry_interval_ms > kPasswordPauseMs ? config_.retry_interval_ms : kPasswordPauseMs;
    pause_ms_ = doubled(first_ms, wrong_passwords_, kLongestPasswordPauseMs);
    count(&wrong_passwords_);
  } else {
    pause_ms_ = doubled(config_.retry_interval_ms, failures_, kLongestPauseMs);
    count(&failures_);
  }
  failed_ms_ = now_ms;
  waiting_ = true;
  step_ = RegistrationStep::kToken;
}

void Registration::forget_token() {
  for (char &byte : token_) byte = '\0';
}

}  // namespace nullwatt
