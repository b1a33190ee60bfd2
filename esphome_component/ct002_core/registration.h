#pragma once
// Makes the emulated meter appear in the user's Marstek account, so that batteries can select it. Without IO: the host
// makes the requests that next_request() asks for and tells what came of them.
//
// A device is never created twice. Its id is in the record before the request that creates it is handed out, and the
// host stores the record before it sends that request. From then on only this id is used: after any doubt the account's
// lists are looked through first, and if the device is not there, the same id is sent again.
//
// A round is: token and first list, second list, then (only if no list has the device) its creation, then a round
// again to confirm. Any failure ends the round; the next one begins after a pause that grows.

#include <cstddef>
#include <cstdint>

#include "cloud_devices.h"
#include "cloud_url.h"
#include "text.h"

namespace nullwatt {

/// What outlives a restart. Plain bytes; the host stores them as they are.
struct RegistrationRecord {
  char mac[kMacSize] = {};  ///< id of the device, terminated; empty = none was ever chosen
  uint8_t stage = 0;        ///< RegistrationStage
  uint8_t model = 0;        ///< 4 = HME-4, 3 = HME-3: of another model it does not count
  uint8_t version = 1;      ///< of this layout
};

enum class RegistrationStage : uint8_t {
  kNone,
  kRefused,   ///< the cloud said that it did not create this id
  kSent,      ///< creation was asked for; whether it came about is not known
  kAccepted,  ///< the cloud said that it created this id
  kConfirmed  ///< a list of the account has it
};

enum class RegistrationStep : uint8_t { kNothing, kToken, kList, kAdd };

/// Why the last request led to nothing.
enum class RegistrationReason : uint8_t {
  kNone,
  kNoCredentials,
  kTooLong,  ///< mailbox, password or time zone
  kUnreachable,
  kTimedOut,
  kCutOff,
  kHttpStatus,
  kEmptyReply,
  kReplyTooLong,
  kNotJson,
  kWrongPassword,
  kRefused,
  kNoToken,
  kAddRefused,
  kNotListed,
  kNoFreeId,
  kNoMemory
};

/// For people; never holds anything of the account.
const char *registration_reason_text(RegistrationReason reason);

struct RegistrationConfig {
  CloudAccount account;
  uint32_t retry_interval_ms = 60000;  ///< pause after the first failure; at least 5 s
  bool force = false;                  ///< ask the cloud even if the record says confirmed
};

/// Room for any URL that is asked for.
inline constexpr size_t kCloudUrlSize = 3072;

class Registration {
 public:
  /// `record` is what was stored, or an empty one; what cannot be right in it does not count.
  Registration(const RegistrationConfig &config, const RegistrationRecord &record);

  /// There is a request to make; to be asked often, and cheap.
  bool is_due(uint32_t now_ms) const {
    return !done_ && !in_flight_ && reason_ != RegistrationReason::kNoCredentials &&
           !(waiting_ && now_ms - failed_ms_ < pause_ms_);
  }
  /// The HTTP GET to make now, its terminated URL in `url`. kNothing while one is under way, between rounds and when
  /// done. Before a kAdd is sent, record() must have been stored.
  RegistrationStep next_request(uint32_t now_ms, uint32_t random, char *url, size_t capacity);
  /// The reply to it. `truncated`: its body was longer than what is given.
  void on_reply(int32_t status, Text body, bool truncated, uint32_t now_ms);
  /// There was none. `kind`: kUnreachable, kTimedOut, kCutOff or kNoMemory.
  void on_failure(RegistrationReason kind, uint32_t now_ms);

  /// The request that is under way or comes next.
  RegistrationStep step() const { return done_ ? RegistrationStep::kNothing : step_; }
  /// Header of a kAdd; "" outside of a round.
  const char *token() const { return token_; }
  bool is_done() const { return done_; }
  /// The device's MAC once done, else "".
  const char *mac() const { return done_ ? record_.mac : ""; }
  /// What an earlier run or this one has confirmed, to be used while `force` makes the cloud be asked again; else "".
  const char *confirmed_mac() const { return stage() == RegistrationStage::kConfirmed ? record_.mac : ""; }
  /// Why nothing has come of it yet; kNone after a success.
  RegistrationReason reason() const { return reason_; }
  /// Status of the last reply, 0 without one.
  int32_t http_status() const { return http_status_; }
  /// Pause after the last failure.
  uint32_t pause_ms() const { return waiting_ ? pause_ms_ : 0; }
  const RegistrationRecord &record() const { return record_; }

 private:
  RegistrationStage stage() const { return static_cast<RegistrationStage>(record_.stage); }
  void set_stage(RegistrationStage stage) { record_.stage = static_cast<uint8_t>(stage); }
  void begin_round(uint32_t random);
  void on_token(Text body, uint32_t now_ms);
  void on_list(Text body, uint32_t now_ms);
  void on_add(Text body, uint32_t now_ms);
  void decide(uint32_t now_ms);
  void confirm(const char *mac);
  void fail(RegistrationReason reason, uint32_t now_ms);
  void forget_token();

  RegistrationConfig config_;
  RegistrationRecord record_;
  CloudDevices devices_;
  char token_[512] = {};
  char candidate_[kMacSize] = {};
  RegistrationStep step_ = RegistrationStep::kToken;
  RegistrationReason reason_ = RegistrationReason::kNone;
  int32_t http_status_ = 0;
  uint32_t failed_ms_ = 0;
  uint32_t pause_ms_ = 0;
  uint8_t failures_ = 0;         ///< one after the other
  uint8_t wrong_passwords_ = 0;  ///< the same
  uint8_t refusals_ = 0;         ///< of the id in the record
  uint8_t misses_ = 0;           ///< looks in vain since the cloud accepted the id
  uint8_t collisions_ = 0;
  bool surely_absent_ = false;  ///< before the add under way, the id was surely not created
  bool in_flight_ = false;
  bool waiting_ = false;
  bool done_ = false;
};

}  // namespace nullwatt
