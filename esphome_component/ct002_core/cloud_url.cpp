#include "cloud_url.h"

namespace nullwatt {
namespace {

void put_host(Writer *out, const CloudAccount &account) {
  Text base = trim(text_of(account.base_url));
  while (base.size > 0 && base[base.size - 1] == '/') base.size--;
  out->put(base);
}

void put_parameter(Writer *out, const char *name, const char *value) {
  out->put(name);
  out->put_percent_encoded(text_of(value));
}

}  // namespace

void put_token_url(Writer *out, const CloudAccount &account) {
  put_host(out, account);
  put_parameter(out, "/app/Solar/v2_get_device.php?mailbox=", account.mailbox);
  put_parameter(out, "&pwd=", account.password_md5);
}

void put_list_url(Writer *out, const CloudAccount &account, const char *token) {
  put_host(out, account);
  put_parameter(out, "/ems/api/v1/getDeviceList?mailbox=", account.mailbox);
  put_parameter(out, "&token=", token);
}

void put_add_url(Writer *out, const CloudAccount &account, const char *token, const char *mac) {
  const bool ct003 = equal_ignoring_case(text_of(account.ct_type), text_of("HME-3"));
  put_host(out, account);
  put_parameter(out, "/app/Solar/v2_add_device.php?name=", ct003 ? "AstraMeter CT003" : "AstraMeter CT002");
  put_parameter(out, "&mailbox=", account.mailbox);
  put_parameter(out, "&devid=", mac);
  put_parameter(out, "&mac=", mac);
  put_parameter(out, "&type=", ct003 ? "HME-3" : "HME-4");
  put_parameter(out, "&token=", token);
  out->put("&access=1");
  // The app takes a CT002 that is called MST-SMR_ for a CT003.
  put_parameter(out, "&bluetooth_name=", ct003 ? "MST-SMR_" : "MST-TPM_");
  const Text id = text_of(mac);
  out->put_percent_encoded(id.size > 4 ? Text{id.data + id.size - 4, 4} : id);
  put_parameter(out, "&position=", "{}");
  put_parameter(out, "&timeZone=", account.timezone);
  out->put("&version=121");
}

}  // namespace nullwatt
