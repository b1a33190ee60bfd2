#pragma once
// Options by name, for hosts that get them as text: the C API, the test channel.
// A host whose options are fixed at compile time never links this file.

#include <cstddef>
#include <cstdint>

#include "config.h"
#include "text.h"

namespace nullwatt {

enum class OptionKind : uint8_t { kText, kBool, kInt, kFloat, kSeconds };
enum class OptionError : uint8_t { kNone, kUnknown, kRange, kKind };

/// One row of the option table.
struct OptionInfo {
  const char *group;
  const char *key;
  const char *unit;
  const char *help;
  const char *choices;       ///< kText: allowed values separated by |, or <mac>
  const char *default_text;  ///< kText only
  float default_value;
  float low;
  float high;
  OptionKind kind;
};

size_t option_count();
/// `index` < option_count().
const OptionInfo &option_at(size_t index);

/// Sets a number in the unit of the table (seconds, not milliseconds). On an error nothing changes.
/// A value below the range stands for "not set" where the table's default does.
OptionError set_option(Config *config, Text key, float value);
OptionError set_option(Config *config, Text key, Text value);
/// False for unknown keys and for texts.
bool get_option(const Config &config, Text key, float *value);
/// False for unknown keys and for numbers. The text lives as long as `config`.
bool get_option(const Config &config, Text key, Text *value);

}  // namespace nullwatt
