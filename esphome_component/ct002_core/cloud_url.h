#pragma once
// The three requests of the registration, as URLs. Everything in them is a secret of the user: nothing of it is logged.

#include "writer.h"

namespace nullwatt {

/// The account and the meter to register. Texts live as long as whoever uses this.
struct CloudAccount {
  const char *base_url = "";      ///< scheme and host; a `/` at its end is dropped
  const char *mailbox = "";       ///< e-mail address of the account
  const char *password_md5 = "";  ///< of the UTF-8 password, 32 lower-case hex digits
  const char *timezone = "Europe/Berlin";
  const char *ct_type = "HME-4";  ///< or "HME-3"
};

void put_token_url(Writer *out, const CloudAccount &account);
void put_list_url(Writer *out, const CloudAccount &account, const char *token);
/// `mac`: 12 digits, the new device's id.
void put_add_url(Writer *out, const CloudAccount &account, const char *token, const char *mac);

}  // namespace nullwatt
