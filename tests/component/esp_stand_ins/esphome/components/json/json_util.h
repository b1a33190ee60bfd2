// Stand-in: the real one reads ArduinoJson.
#pragma once
#include <cstddef>
struct JsonString {
  JsonString(const char *text, size_t size, bool is_static);
};
struct JsonVariant {
  void set(const char *text);
  void set(JsonString text);
};
