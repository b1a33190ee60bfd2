#include "cloud_devices.h"

namespace nullwatt {
namespace {

constexpr int32_t kCodeToken = 2;
constexpr int32_t kCodeWrongPassword = 4;

/// `code` as a number or as a text of one.
bool read_code(const JsonValue &reply, int32_t *code) {
  const JsonValue value = json_member(reply, "code");
  if (json_int(value, code)) return true;
  char text[16];
  return json_text(value, text, sizeof(text)) && parse_int(text_of(text), code);
}

bool contains(Text text, const char *word) {
  const Text wanted = text_of(word);
  for (; text.size >= wanted.size; text = Text{text.data + 1, text.size - 1}) {
    if (starts_with_ignoring_case(text, wanted)) return true;
  }
  return false;
}

/// In words: English, Chinese, and Chinese with escapes.
bool blames_password(Text body) {
  return contains(body, "password") || contains(body, "\xE5\xAF\x86\xE7\xA0\x81") || contains(body, "\\u5bc6\\u7801");
}

/// One word of ASCII: anything else in a header may be the end of it and the beginning of another one.
bool is_printable(Text text) {
  for (size_t i = 0; i < text.size; i++) {
    if (text[i] < '!' || text[i] > '~') return false;
  }
  return text.size > 0;
}

bool is_managed(const char *mac) { return starts_with(text_of(mac), text_of(kManagedPrefix)); }

/// A member that is a MAC; "" if it is none.
void read_mac(const JsonValue &device, const char *name, char (&mac)[kMacSize]) {
  char text[32];
  mac[0] = '\0';
  if (json_text(json_member(device, name), text, sizeof(text))) normalize_ct_mac(text_of(text), mac);
}

bool same(const char *a, const char *b) { return equal_ignoring_case(text_of(a), text_of(b)); }

}  // namespace

TokenReply read_token(Text body, char *token, size_t capacity) {
  token[0] = '\0';
  JsonValue reply;
  if (!json_parse(body, &reply)) return TokenReply::kNotJson;
  int32_t code = 0;
  const bool has_code = read_code(reply, &code);
  if (!has_code || code != kCodeToken) {
    // The code alone may stand for another refusal.
    const bool wrong = has_code && code == kCodeWrongPassword && blames_password(body);
    return wrong ? TokenReply::kWrongPassword : TokenReply::kRefused;
  }
  size_t size = 0;
  const bool fits = json_text(json_member(reply, "token"), token, capacity, &size);
  if (fits && is_printable(Text{token, size})) return TokenReply::kToken;
  token[0] = '\0';
  return TokenReply::kNoToken;
}

AddReply read_add(Text body) {
  JsonValue reply;
  if (!json_parse(body, &reply)) return AddReply::kNotJson;
  int32_t code = 0;
  if (!read_code(reply, &code)) return AddReply::kNoCode;
  return code == 1 || code == 2 ? AddReply::kAdded : AddReply::kRefused;
}

void CloudDevices::restart(const char *ct_type, const char *own, const char *candidate) {
  *this = CloudDevices();
  ct_type_ = ct_type;
  copy_text(text_of(own), own_, sizeof(own_));
  copy_text(text_of(candidate), candidate_, sizeof(candidate_));
}

bool CloudDevices::read(Text body) {
  JsonValue reply;
  if (!json_parse(body, &reply)) return false;
  JsonItems devices(json_member(reply, "data"));
  JsonValue device;
  while (devices.next(&device)) read_device(device);
  return true;
}

void CloudDevices::read_device(const JsonValue &device) {
  char id[kMacSize];
  char mac[kMacSize];
  char type[16];
  read_mac(device, "devid", id);
  read_mac(device, "mac", mac);
  const bool has_type = json_text(json_member(device, "type"), type, sizeof(type)) && type[0] != '\0';
  if (candidate_[0] != '\0' && (same(id, candidate_) || same(mac, candidate_))) collides_ = true;
  if (id[0] == '\0' || !is_managed(id)) return;

  Partial *partial = nullptr;
  for (Partial &known : partials_) {
    if (known.used && same(known.id, id)) partial = &known;
  }
  bool typed = has_type && same(type, ct_type_);
  if (partial != nullptr) {
    // The first list wins; this one only fills in.
    if (partial->mac[0] != '\0') copy_text(text_of(partial->mac), mac, sizeof(mac));
    typed = typed || partial->typed;
  } else if (has_type && !typed) {
    return;  // another kind of meter
  }
  if (typed && mac[0] != '\0') {
    if (is_managed(mac)) take(id, mac);
    if (partial != nullptr) partial->used = false;
    return;
  }
  for (Partial &free : partials_) {
    if (partial == nullptr && !free.used) partial = &free;
  }
  if (partial == nullptr) return;  // so many broken entries are of no use
  copy_text(text_of(id), partial->id, sizeof(partial->id));
  copy_text(text_of(mac), partial->mac, sizeof(partial->mac));
  partial->typed = typed;
  partial->used = true;
}

void CloudDevices::take(const char *id, const char *mac) {
  if (first_found_[0] == '\0') copy_text(text_of(mac), first_found_, sizeof(first_found_));
  if (own_[0] != '\0' && (same(id, own_) || same(mac, own_))) copy_text(text_of(mac), own_found_, sizeof(own_found_));
}

}  // namespace nullwatt
