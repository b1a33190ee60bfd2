#include "json_reader.h"

namespace nullwatt {
namespace {

bool is_digit(char byte) { return byte >= '0' && byte <= '9'; }

int hex_digit(char byte) {
  if (is_digit(byte)) return byte - '0';
  const char small = lower(byte);
  return small >= 'a' && small <= 'f' ? small - 'a' + 10 : -1;
}

/// Where the reader stands. Past the end it sees zero bytes, which are no JSON.
class Cursor {
 public:
  explicit Cursor(Text text) : text_(text) {}

  char peek() const { return at_ < text_.size ? text_[at_] : '\0'; }
  bool at_end() const { return at_ >= text_.size; }
  size_t at() const { return at_; }
  Text since(size_t begin) const { return Text{text_.data + begin, at_ - begin}; }
  Text rest() const { return Text{text_.data + at_, text_.size - at_}; }

  bool take(char byte) {
    if (at_end() || text_[at_] != byte) return false;
    at_++;
    return true;
  }
  bool take(const char *word) {
    for (; *word != '\0'; word++) {
      if (!take(*word)) return false;
    }
    return true;
  }
  void skip_blanks() {
    while (peek() == ' ' || peek() == '\t' || peek() == '\n' || peek() == '\r') at_++;
  }
  bool take_digits() {
    if (!is_digit(peek())) return false;
    while (is_digit(peek())) at_++;
    return true;
  }
  bool take_string();
  bool take_number();

 private:
  bool take_escape();

  Text text_;
  size_t at_ = 0;
};

bool Cursor::take_escape() {
  const char kind = peek();
  if (at_end()) return false;
  at_++;
  if (kind == 'u') {
    for (int i = 0; i < 4; i++) {
      if (hex_digit(peek()) < 0) return false;
      at_++;
    }
    return true;
  }
  return kind == '"' || kind == '\\' || kind == '/' || kind == 'b' || kind == 'f' || kind == 'n' || kind == 'r' ||
         kind == 't';
}

bool Cursor::take_string() {
  if (!take('"')) return false;
  while (!at_end()) {
    const char byte = text_[at_++];
    if (byte == '"') return true;
    if (static_cast<uint8_t>(byte) < 0x20) return false;
    if (byte == '\\' && !take_escape()) return false;
  }
  return false;
}

bool Cursor::take_number() {
  take('-');
  if (!take('0') && !take_digits()) return false;
  if (take('.') && !take_digits()) return false;
  if (peek() == 'e' || peek() == 'E') {
    at_++;
    if (!take('+')) take('-');
    if (!take_digits()) return false;
  }
  return true;
}

/// A value without content: no object, no array.
JsonType take_scalar(Cursor *cursor) {
  switch (cursor->peek()) {
    case '"':
      return cursor->take_string() ? JsonType::kString : JsonType::kNone;
    case 't':
      return cursor->take("true") ? JsonType::kTrue : JsonType::kNone;
    case 'f':
      return cursor->take("false") ? JsonType::kFalse : JsonType::kNone;
    case 'n':
      return cursor->take("null") ? JsonType::kNull : JsonType::kNone;
    default:
      return cursor->take_number() ? JsonType::kNumber : JsonType::kNone;
  }
}

/// Name and colon of a member.
bool take_name(Cursor *cursor) {
  cursor->skip_blanks();
  if (!cursor->take_string()) return false;
  cursor->skip_blanks();
  return cursor->take(':');
}

/// One value with all that is in it. The nesting is kept in the bits of a number: 1 = object.
JsonType take_value(Cursor *cursor) {
  static_assert(kJsonDepth < 32, "one bit each");
  uint32_t objects = 0;
  uint8_t depth = 0;
  JsonType whole = JsonType::kNone;
  while (true) {
    cursor->skip_blanks();
    const bool is_object = cursor->peek() == '{';
    if (is_object || cursor->peek() == '[') {
      if (depth == kJsonDepth) return JsonType::kNone;
      cursor->take(is_object ? '{' : '[');
      if (depth == 0) whole = is_object ? JsonType::kObject : JsonType::kArray;
      depth++;
      objects = (objects << 1) | (is_object ? 1u : 0u);
      cursor->skip_blanks();
      if (cursor->peek() != (is_object ? '}' : ']')) {
        if (is_object && !take_name(cursor)) return JsonType::kNone;
        continue;
      }
    } else {
      const JsonType type = take_scalar(cursor);
      if (type == JsonType::kNone || depth == 0) return type;
    }
    // A value has ended, and maybe those around it.
    while (depth > 0) {
      cursor->skip_blanks();
      const bool in_object = (objects & 1u) != 0;
      if (cursor->take(',')) {
        if (in_object && !take_name(cursor)) return JsonType::kNone;
        break;
      }
      if (!cursor->take(in_object ? '}' : ']')) return JsonType::kNone;
      objects >>= 1;
      depth--;
    }
    if (depth == 0) return whole;
  }
}

/// What stands between the brackets.
Text inside(const JsonValue &value) { return Text{value.raw.data + 1, value.raw.size - 2}; }

/// The next value of a checked list, and the rest behind its comma.
bool take_listed(Text *rest, JsonValue *value) {
  Cursor cursor(*rest);
  cursor.skip_blanks();
  if (cursor.at_end()) return false;
  const size_t begin = cursor.at();
  value->type = take_value(&cursor);
  if (value->type == JsonType::kNone) return false;
  value->raw = cursor.since(begin);
  cursor.skip_blanks();
  cursor.take(',');
  *rest = cursor.rest();
  return true;
}

/// Bytes of a code point in UTF-8. Half a surrogate pair becomes '?'.
size_t encode_utf8(uint32_t code, char *out) {
  if (code >= 0xD800 && code <= 0xDFFF) code = '?';
  if (code < 0x80) {
    out[0] = static_cast<char>(code);
    return 1;
  }
  if (code < 0x800) {
    out[0] = static_cast<char>(0xC0 | (code >> 6));
    out[1] = static_cast<char>(0x80 | (code & 0x3F));
    return 2;
  }
  if (code < 0x10000) {
    out[0] = static_cast<char>(0xE0 | (code >> 12));
    out[1] = static_cast<char>(0x80 | ((code >> 6) & 0x3F));
    out[2] = static_cast<char>(0x80 | (code & 0x3F));
    return 3;
  }
  out[0] = static_cast<char>(0xF0 | (code >> 18));
  out[1] = static_cast<char>(0x80 | ((code >> 12) & 0x3F));
  out[2] = static_cast<char>(0x80 | ((code >> 6) & 0x3F));
  out[3] = static_cast<char>(0x80 | (code & 0x3F));
  return 4;
}

/// Takes the characters of a checked string one by one.
class Characters {
 public:
  explicit Characters(const JsonValue &string) : text_(inside(string)) {}

  /// Bytes of the next character in `out` (4 at most), 0 at the end.
  size_t next(char *out) {
    if (at_ >= text_.size) return 0;
    const char byte = text_[at_++];
    if (byte != '\\') {
      out[0] = byte;
      return 1;
    }
    const char kind = text_[at_++];
    if (kind != 'u') {
      out[0] = kind == 'b'   ? '\b'
               : kind == 'f' ? '\f'
               : kind == 'n' ? '\n'
               : kind == 'r' ? '\r'
               : kind == 't' ? '\t'
                             : kind;
      return 1;
    }
    uint32_t code = unit();
    const bool pair =
        code >= 0xD800 && code < 0xDC00 && at_ + 6 <= text_.size && text_[at_] == '\\' && text_[at_ + 1] == 'u';
    if (pair) {
      const size_t back = at_;
      at_ += 2;
      const uint32_t low = unit();
      if (low >= 0xDC00 && low < 0xE000) {
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
      } else {
        at_ = back;
      }
    }
    return encode_utf8(code, out);
  }

 private:
  uint32_t unit() {
    uint32_t code = 0;
    for (int i = 0; i < 4; i++) code = code << 4 | static_cast<uint32_t>(hex_digit(text_[at_++]));
    return code;
  }

  Text text_;
  size_t at_ = 0;
};

bool equals(const JsonValue &string, const char *name) {
  Characters characters(string);
  char bytes[4];
  for (size_t count = characters.next(bytes); count > 0; count = characters.next(bytes)) {
    for (size_t i = 0; i < count; i++) {
      // A zero byte inside the string must not pass for the name's end.
      if (*name == '\0' || *name != bytes[i]) return false;
      name++;
    }
  }
  return *name == '\0';
}

}  // namespace

bool json_parse(Text document, JsonValue *root) {
  Cursor cursor(document);
  cursor.skip_blanks();
  const size_t begin = cursor.at();
  const JsonType type = take_value(&cursor);
  if (type == JsonType::kNone) return false;
  const Text raw = cursor.since(begin);
  cursor.skip_blanks();
  if (!cursor.at_end()) return false;
  *root = JsonValue{type, raw};
  return true;
}

JsonValue json_member(const JsonValue &object, const char *name) {
  JsonValue found;
  if (object.type != JsonType::kObject) return found;
  Text rest = inside(object);
  while (true) {
    Cursor cursor(rest);
    cursor.skip_blanks();
    const size_t begin = cursor.at();
    if (!cursor.take_string()) return found;
    const JsonValue key{JsonType::kString, cursor.since(begin)};
    cursor.skip_blanks();
    cursor.take(':');
    rest = cursor.rest();
    JsonValue value;
    if (!take_listed(&rest, &value)) return found;
    if (equals(key, name)) found = value;
  }
}

JsonItems::JsonItems(const JsonValue &array) {
  if (array.type == JsonType::kArray) rest_ = inside(array);
}

bool JsonItems::next(JsonValue *item) { return take_listed(&rest_, item); }

bool json_text(const JsonValue &value, char *out, size_t capacity, size_t *text_size) {
  out[0] = '\0';
  if (value.type != JsonType::kString) return false;
  Characters characters(value);
  char bytes[4];
  size_t size = 0;
  for (size_t count = characters.next(bytes); count > 0; count = characters.next(bytes)) {
    if (size + count >= capacity) {
      out[0] = '\0';
      return false;
    }
    for (size_t i = 0; i < count; i++) out[size++] = bytes[i];
  }
  out[size] = '\0';
  if (text_size != nullptr) *text_size = size;
  return true;
}

bool json_int(const JsonValue &value, int32_t *out) {
  if (value.type != JsonType::kNumber) return false;
  Text digits = value.raw;
  // 121.0 is what some servers make of 121.
  while (digits.size > 2 && digits[digits.size - 1] == '0') {
    size_t point = digits.size - 1;
    while (point > 0 && digits[point] == '0') point--;
    if (digits[point] != '.') break;
    digits.size = point;
  }
  return parse_int(digits, out);
}

}  // namespace nullwatt
