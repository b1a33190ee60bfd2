#pragma once
// The types that ESPHome's declarations name; nothing here is ever run.

#include <cstddef>

namespace ArduinoJson {
class Allocator {};
}  // namespace ArduinoJson

class JsonString {
 public:
  JsonString(const char *text, size_t size, bool is_linked = false) {}
};
class JsonVariant {
 public:
  template<typename T>
  bool set(const T &value) {
    return true;
  }
};
class JsonObject {};
class JsonObjectConst {
 public:
  JsonObjectConst(JsonObject object) {}
};
class JsonDocument {
 public:
  explicit JsonDocument(ArduinoJson::Allocator *allocator = nullptr) {}
  template<typename T>
  T to() {
    return T();
  }
};
