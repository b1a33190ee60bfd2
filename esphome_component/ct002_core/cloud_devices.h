#pragma once
// What the cloud answers: the token, and which of the account's devices is the emulated meter. Read in place.

#include "ct_mac.h"
#include "json_reader.h"
#include "text.h"

namespace nullwatt {

/// Ids of emulated meters begin with this, so that they are told from real ones.
inline constexpr const char *kManagedPrefix = "02b250";

enum class TokenReply : uint8_t { kToken, kNotJson, kWrongPassword, kRefused, kNoToken };

/// Reply to the first request; the token is terminated.
TokenReply read_token(Text body, char *token, size_t capacity);

enum class AddReply : uint8_t { kAdded, kNotJson, kNoCode, kRefused };

AddReply read_add(Text body);

/// The account's devices, from both lists. Entries without a MAC or a type are completed by the other list's entry of
/// the same id.
class CloudDevices {
 public:
  /// Forgets all. Looks for devices of this type; `own` is the id that was created earlier, or "". `candidate` is one
  /// that might be created.
  void restart(const char *ct_type, const char *own, const char *candidate);
  /// One reply. False if it is no JSON; a reply without devices is fine.
  bool read(Text body);

  /// MAC of the device to use: the one that was created earlier, else the first one; "" = none.
  const char *found() const { return own_found_[0] != '\0' ? own_found_ : first_found_; }
  bool found_own() const { return own_found_[0] != '\0'; }
  /// The candidate's id or MAC is taken.
  bool collides() const { return collides_; }

 private:
  /// A managed device of which something is missing yet.
  struct Partial {
    char id[kMacSize] = {};
    char mac[kMacSize] = {};
    bool typed = false;  ///< it has the wanted type
    bool used = false;
  };
  static constexpr uint8_t kPartials = 4;

  void read_device(const JsonValue &device);
  void take(const char *id, const char *mac);

  const char *ct_type_ = "";
  char own_[kMacSize] = {};
  char candidate_[kMacSize] = {};
  char own_found_[kMacSize] = {};
  char first_found_[kMacSize] = {};
  Partial partials_[kPartials];
  bool collides_ = false;
};

}  // namespace nullwatt
