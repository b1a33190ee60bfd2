// Stand-in: the real one reads ArduinoJson.
#pragma once
struct JsonVariant {
  void set(const char *text);
};
