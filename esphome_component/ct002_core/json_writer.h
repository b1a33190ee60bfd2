#pragma once
// JSON into a Writer: commas, quotes and escapes. Members and items come in the order in which they are put; that every
// object and array is closed is the caller's affair.

#include "writer.h"

namespace nullwatt {

class JsonWriter {
 public:
  explicit JsonWriter(Writer *out) : out_(out) {}

  void begin_object() { open('{'); }
  void end_object() { close('}'); }
  void begin_array() { open('['); }
  void end_array() { close(']'); }

  /// Name of the member whose value comes next.
  void key(Text name);
  void key(const char *name) { key(text_of(name)); }

  /// Bytes that are not UTF-8 become '?', so that what comes out is always JSON.
  void string(Text text);
  void string(const char *text) { string(text_of(text)); }
  void integer(int32_t value);
  /// Fixed point, see Writer; null for what JSON has no number for.
  void number(float value, uint8_t decimals);
  void boolean(bool value);
  void null();

  // A string that is made of several pieces.
  void begin_string();
  void piece(Text text);
  void piece(const char *text) { piece(text_of(text)); }
  void end_string();

  // The commonest members.
  void member(const char *name, const char *text) {
    key(name);
    string(text);
  }
  void member(const char *name, bool value) {
    key(name);
    boolean(value);
  }
  void member(const char *name, int32_t value) {
    key(name);
    integer(value);
  }

 private:
  void open(char bracket);
  void close(char bracket);
  void comma();

  Writer *out_;
  bool needs_comma_ = false;
};

}  // namespace nullwatt
