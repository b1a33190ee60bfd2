#include "config_access.h"

#include <cstddef>

namespace nullwatt {
namespace {

#define NULLWATT_TEXT(group, key, value, choices, capacity, unit, help) \
  {group, #key, unit, help, choices, value, 0.0f, 0.0f, static_cast<float>(capacity), OptionKind::kText},
#define NULLWATT_NUMBER(group, key, value, low, high, unit, help, kind) \
  {group, #key, unit, help, "", "", static_cast<float>(value), static_cast<float>(low), static_cast<float>(high), kind},
#define NULLWATT_BOOL(group, key, value, low, high, unit, help) \
  NULLWATT_NUMBER(group, key, value, low, high, unit, help, OptionKind::kBool)
#define NULLWATT_INT(group, key, value, low, high, unit, help) \
  NULLWATT_NUMBER(group, key, value, low, high, unit, help, OptionKind::kInt)
#define NULLWATT_FLOAT(group, key, value, low, high, unit, help) \
  NULLWATT_NUMBER(group, key, value, low, high, unit, help, OptionKind::kFloat)
#define NULLWATT_SECONDS(group, key, value, low, high, unit, help) \
  NULLWATT_NUMBER(group, key, value, low, high, unit, help, OptionKind::kSeconds)

constexpr OptionInfo kTable[] = {
    NULLWATT_OPTIONS(NULLWATT_TEXT, NULLWATT_BOOL, NULLWATT_INT, NULLWATT_FLOAT, NULLWATT_SECONDS)};
constexpr size_t kCount = sizeof(kTable) / sizeof(kTable[0]);

#undef NULLWATT_TEXT
#undef NULLWATT_BOOL
#undef NULLWATT_INT
#undef NULLWATT_FLOAT
#undef NULLWATT_SECONDS

#define NULLWATT_TEXT(group, key, ...) offsetof(Config, key),
#define NULLWATT_SECONDS(group, key, ...) offsetof(Config, key##_ms),
constexpr size_t kOffset[] = {
    NULLWATT_OPTIONS(NULLWATT_TEXT, NULLWATT_TEXT, NULLWATT_TEXT, NULLWATT_TEXT, NULLWATT_SECONDS)};
#undef NULLWATT_TEXT
#undef NULLWATT_SECONDS

size_t find(Text key) {
  size_t index = 0;
  while (index < kCount && !equal_ignoring_case(key, text_of(kTable[index].key))) index++;
  return index;
}

template<typename T>
T *member(Config *config, size_t index) {
  return reinterpret_cast<T *>(reinterpret_cast<char *>(config) + kOffset[index]);
}

bool is_hex(char byte) { return (byte >= '0' && byte <= '9') || (lower(byte) >= 'a' && lower(byte) <= 'f'); }

/// Empty, or 12 hex digits with any separators.
bool is_mac(Text value) {
  size_t digits = 0;
  for (size_t i = 0; i < value.size; i++) {
    if (is_hex(value[i])) {
      digits++;
    } else if (value[i] != ':' && value[i] != '-') {
      return false;
    }
  }
  return digits == 12 || value.size == 0;
}

/// Replaces `value` by the choice it equals, so that `hme-4` is kept as `HME-4`.
bool match_choice(Text *value, const char *choices) {
  Text rest = text_of(choices);
  if (equal_ignoring_case(rest, text_of("<mac>"))) return is_mac(*value);
  size_t start = 0;
  for (size_t i = 0; i <= rest.size; i++) {
    if (i < rest.size && rest[i] != '|') continue;
    Text choice{rest.data + start, i - start};
    if (equal_ignoring_case(*value, choice)) {
      *value = choice;
      return true;
    }
    start = i + 1;
  }
  return false;
}

}  // namespace

size_t option_count() { return kCount; }

const OptionInfo &option_at(size_t index) { return kTable[index]; }

OptionError set_option(Config *config, Text key, float value) {
  size_t index = find(key);
  if (index == kCount) return OptionError::kUnknown;
  const OptionInfo &option = kTable[index];
  if (option.kind == OptionKind::kText) return OptionError::kKind;
  bool unset = option.default_value < option.low && value < option.low;
  // The negated form also refuses NaN.
  if (!unset && !((value >= option.low || option.low <= -NULLWATT_NO_LIMIT) &&
                  (value <= option.high || option.high >= NULLWATT_NO_LIMIT))) {
    return OptionError::kRange;
  }
  switch (option.kind) {
    case OptionKind::kBool:
      if (value != 0.0f && value != 1.0f) return OptionError::kRange;
      *member<bool>(config, index) = value != 0.0f;
      break;
    case OptionKind::kInt:
      if (value != static_cast<float>(static_cast<int32_t>(value))) return OptionError::kKind;
      *member<int32_t>(config, index) = static_cast<int32_t>(value);
      break;
    case OptionKind::kSeconds:
      *member<int32_t>(config, index) = option_ms(value);
      break;
    default:
      *member<float>(config, index) = unset ? NULLWATT_NOT_SET : value;
  }
  return OptionError::kNone;
}

OptionError set_option(Config *config, Text key, Text value) {
  size_t index = find(key);
  if (index == kCount) return OptionError::kUnknown;
  const OptionInfo &option = kTable[index];
  if (option.kind != OptionKind::kText) return OptionError::kKind;
  size_t capacity = static_cast<size_t>(option.high);
  if (value.size >= capacity || !match_choice(&value, option.choices)) return OptionError::kRange;
  copy_text(value, member<char>(config, index), capacity);
  return OptionError::kNone;
}

bool get_option(const Config &config, Text key, float *value) {
  size_t index = find(key);
  if (index == kCount) return false;
  const char *at = reinterpret_cast<const char *>(&config) + kOffset[index];
  switch (kTable[index].kind) {
    case OptionKind::kBool:
      *value = *reinterpret_cast<const bool *>(at) ? 1.0f : 0.0f;
      return true;
    case OptionKind::kInt:
      *value = static_cast<float>(*reinterpret_cast<const int32_t *>(at));
      return true;
    case OptionKind::kSeconds: {
      int32_t ms = *reinterpret_cast<const int32_t *>(at);
      *value = ms < 0 ? NULLWATT_NOT_SET : static_cast<float>(ms) / 1000.0f;
      return true;
    }
    case OptionKind::kFloat:
      *value = *reinterpret_cast<const float *>(at);
      return true;
    default:
      return false;
  }
}

bool get_option(const Config &config, Text key, Text *value) {
  size_t index = find(key);
  if (index == kCount || kTable[index].kind != OptionKind::kText) return false;
  *value = text_of(reinterpret_cast<const char *>(&config) + kOffset[index]);
  return true;
}

}  // namespace nullwatt
