// Stand-in for the part of ArduinoJson 7 and of ESPHome that the lambdas of the meter packages use, so that they run
// on a computer. Missing keys and indexes are null all the way down; a text is not a number.
#pragma once

#include <cctype>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

struct JsonNode {
  enum { NONE, BOOL, NUMBER, TEXT, ARRAY, OBJECT } type = NONE;
  double number = 0;
  std::string text;
  std::vector<JsonNode> items;
  std::map<std::string, JsonNode> members;
};

class JsonVariantConst {
 public:
  JsonVariantConst(const JsonNode *node = nullptr) : node_(node) {}
  bool isNull() const { return node_ == nullptr || node_->type == JsonNode::NONE; }
  JsonVariantConst operator[](const char *key) const {
    if (node_ == nullptr || node_->type != JsonNode::OBJECT) return {};
    auto found = node_->members.find(key);
    return found == node_->members.end() ? nullptr : &found->second;
  }
  JsonVariantConst operator[](int index) const {
    if (node_ == nullptr || node_->type != JsonNode::ARRAY || index >= (int) node_->items.size()) return {};
    return &node_->items[index];
  }
  template<typename T> bool is() const {
    if (node_ == nullptr) return false;
    if constexpr (std::is_same_v<T, bool>) return node_->type == JsonNode::BOOL;
    if constexpr (std::is_same_v<T, const char *>) return node_->type == JsonNode::TEXT;
    return std::is_floating_point_v<T> && node_->type == JsonNode::NUMBER;
  }
  template<typename T> T as() const {
    if constexpr (std::is_same_v<T, const char *>) {
      return node_ != nullptr && node_->type == JsonNode::TEXT ? node_->text.c_str() : nullptr;
    } else {
      const bool counts = node_ != nullptr && (node_->type == JsonNode::NUMBER || node_->type == JsonNode::BOOL);
      return counts ? static_cast<T>(node_->number) : T{};
    }
  }

 private:
  const JsonNode *node_;
};

using JsonObjectConst = JsonVariantConst;

class JsonDocument {
 public:
  JsonNode root;
  template<typename T> T as() const { return T(&root); }
};

namespace json {

class Parser {
 public:
  explicit Parser(const char *at) : at_(at) {}
  bool document(JsonNode &node) { return value_(node) && (skip_(), *at_ == '\0'); }

 private:
  void skip_() {
    while (isspace(static_cast<unsigned char>(*at_))) at_++;
  }
  bool take_(char wanted) {
    skip_();
    if (*at_ != wanted) return false;
    at_++;
    return true;
  }
  bool word_(const char *word) {
    if (strncmp(at_, word, strlen(word)) != 0) return false;
    at_ += strlen(word);
    return true;
  }
  bool text_(std::string &text) {
    if (!take_('"')) return false;
    for (; *at_ != '"'; at_++) {
      if (*at_ == '\\') at_++;
      if (*at_ == '\0') return false;
      text += *at_;
    }
    at_++;
    return true;
  }
  bool value_(JsonNode &node) {
    skip_();
    if (word_("null")) return true;
    const bool is_true = word_("true");
    if (is_true || word_("false")) {
      node.type = JsonNode::BOOL;
      node.number = is_true;
      return true;
    }
    if (*at_ == '"') {
      node.type = JsonNode::TEXT;
      return text_(node.text);
    }
    if (take_('[')) {
      node.type = JsonNode::ARRAY;
      if (take_(']')) return true;
      do {
        if (!value_(node.items.emplace_back())) return false;
      } while (take_(','));
      return take_(']');
    }
    if (take_('{')) {
      node.type = JsonNode::OBJECT;
      if (take_('}')) return true;
      do {
        std::string key;
        if (!text_(key) || !take_(':') || !value_(node.members[key])) return false;
      } while (take_(','));
      return take_('}');
    }
    if (*at_ != '-' && !isdigit(static_cast<unsigned char>(*at_))) return false;
    char *end;
    node.type = JsonNode::NUMBER;
    node.number = strtod(at_, &end);
    at_ = end;
    return true;
  }
  const char *at_;
};

inline JsonDocument parse_json(const std::string &text) {
  JsonDocument document;
  if (!Parser(text.c_str()).document(document.root)) document.root = JsonNode{};
  return document;
}

}  // namespace json

namespace http_request {
struct HttpContainer {
  int status_code;
};
}  // namespace http_request

template<typename T> std::optional<T> parse_number(const char *text) {
  char *end;
  const T number = strtod(text, &end);
  return end == text || *end != '\0' ? std::nullopt : std::optional<T>(number);
}

struct Sensor {
  std::optional<float> published;
  void publish_state(float value) { published = value; }
};

#define ESP_LOGW(...) (void) 0
