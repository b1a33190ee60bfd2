#include "text.h"

namespace nullwatt {
namespace {

bool is_blank(char byte) { return byte == ' ' || (byte >= '\t' && byte <= '\r'); }

}  // namespace

Text text_of(const char *literal) {
  Text text{literal, 0};
  while (literal != nullptr && literal[text.size] != '\0') text.size++;
  return text;
}

char lower(char byte) { return byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte + 32) : byte; }

char upper(char byte) { return byte >= 'a' && byte <= 'z' ? static_cast<char>(byte - 32) : byte; }

bool equal(Text a, Text b) {
  if (a.size != b.size) return false;
  for (size_t i = 0; i < a.size; i++) {
    if (a[i] != b[i]) return false;
  }
  return true;
}

bool equal_ignoring_case(Text a, Text b) {
  if (a.size != b.size) return false;
  for (size_t i = 0; i < a.size; i++) {
    if (lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}

bool starts_with(Text text, Text begin) { return text.size >= begin.size && equal(Text{text.data, begin.size}, begin); }

bool starts_with_ignoring_case(Text text, Text begin) {
  return text.size >= begin.size && equal_ignoring_case(Text{text.data, begin.size}, begin);
}

Text take_until(char separator, Text *rest) {
  Text part{rest->data, 0};
  while (part.size < rest->size && (*rest)[part.size] != separator) part.size++;
  const size_t used = part.size < rest->size ? part.size + 1 : part.size;
  *rest = Text{rest->data + used, rest->size - used};
  return part;
}

Text trim(Text text) {
  while (text.size > 0 && is_blank(text[0])) {
    text.data++;
    text.size--;
  }
  while (text.size > 0 && is_blank(text[text.size - 1])) text.size--;
  return text;
}

void copy_text(Text text, char *out, size_t capacity) {
  size_t n = text.size < capacity ? text.size : capacity - 1;
  for (size_t i = 0; i < n; i++) out[i] = text[i];
  out[n] = '\0';
}

bool parse_int(Text text, int32_t *out) {
  text = trim(text);
  size_t i = 0;
  bool negative = false;
  if (text.size > 0 && (text[0] == '-' || text[0] == '+')) {
    negative = text[0] == '-';
    i = 1;
  }
  if (i == text.size) return false;
  int64_t value = 0;
  for (; i < text.size; i++) {
    if (text[i] < '0' || text[i] > '9') return false;
    value = value * 10 + (text[i] - '0');
    if (value > INT32_MAX) return false;
  }
  *out = static_cast<int32_t>(negative ? -value : value);
  return true;
}

size_t format_int(int32_t value, char *out) {
  if (value >= 0 && value < 10) {  // most numbers of a reply
    *out = static_cast<char>('0' + value);
    return 1;
  }
  char reversed[10];
  size_t digits = 0;
  uint32_t rest = value < 0 ? 0u - static_cast<uint32_t>(value) : static_cast<uint32_t>(value);
  do {
    reversed[digits++] = static_cast<char>('0' + rest % 10);
    rest /= 10;
  } while (rest != 0);
  size_t size = 0;
  if (value < 0) out[size++] = '-';
  while (digits > 0) out[size++] = reversed[--digits];
  return size;
}

int32_t round_half_even(float value) {
  constexpr float kLimit = 2147483520.0f;  // the largest float that still fits int32_t
  if (!(value > -kLimit)) return value != value ? 0 : -2147483520;
  if (value > kLimit) return 2147483520;
  int32_t below = static_cast<int32_t>(value);
  if (static_cast<float>(below) > value) below--;
  float rest = value - static_cast<float>(below);
  if (rest > 0.5f || (rest == 0.5f && (below & 1) != 0)) return below + 1;
  return below;
}

}  // namespace nullwatt
