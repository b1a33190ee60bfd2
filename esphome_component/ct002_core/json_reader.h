#pragma once
// JSON from a buffer of the caller: checked once as a whole, then looked into in place. Nothing is copied but strings,
// and those into buffers of the caller.

#include "text.h"

namespace nullwatt {

enum class JsonType : uint8_t { kNone, kObject, kArray, kString, kNumber, kTrue, kFalse, kNull };

/// A value inside a checked document; `raw` is its text, a string's with its quotes.
struct JsonValue {
  JsonType type = JsonType::kNone;
  Text raw;
};

/// Deepest nesting that is read.
inline constexpr uint8_t kJsonDepth = 16;

/// Checks a whole document (RFC 8259). False, and `root` untouched, for anything else.
bool json_parse(Text document, JsonValue *root);

/// The object's member; kNone if it has none, or is no object. Of members with one name the last counts.
JsonValue json_member(const JsonValue &object, const char *name);

/// Walks the items of an array; none for anything else.
class JsonItems {
 public:
  explicit JsonItems(const JsonValue &array);
  bool next(JsonValue *item);

 private:
  Text rest_;
};

/// A string without its escapes, terminated. False, and `out` empty, for anything else and for what does not fit.
/// `size`: how long the text is; it may hold zero bytes.
bool json_text(const JsonValue &value, char *out, size_t capacity, size_t *size = nullptr);

/// An integer (121, 121.0). False, and `out` untouched, for anything else and beyond 32 bit.
bool json_int(const JsonValue &value, int32_t *out);

}  // namespace nullwatt
