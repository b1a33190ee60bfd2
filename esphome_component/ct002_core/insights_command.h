#pragma once
// MQTT insights: what a message on a command topic asks for. A message asks for something whole and within its range,
// or for nothing; why is told in words for the log.

#include "emulator.h"
#include "insights_topics.h"

namespace nullwatt {

enum class InsightsCommandKind : uint8_t {
  kNone,          ///< not ours, or nothing to do
  kRefused,       ///< malformed; `reason` says why
  kSetting,       ///< a battery's setting
  kHouse,         ///< active control and rotation
  kAvailability,  ///< the broker remembers a battery, with `value` 1 as there
};

struct InsightsCommand {
  InsightsCommandKind kind = InsightsCommandKind::kNone;
  const char *reason = nullptr;  ///< why it is not carried out; nullptr = it is
  char key[kKeySize] = {};       ///< the battery's
  uint16_t setting = 0;          ///< SettingBit
  float value = 0.0f;            ///< in the unit of Settings; switches 0 or 1
  bool force_rotation = false;
  bool sets_active_control = false;
  bool active_control = false;
};

/// Reads one message.
InsightsCommand parse_insights_command(const InsightsConfig &config, Text topic, Text payload);

/// Carries a command out, for hosts that keep no settings of their own. `reason` of the command is set on an error.
bool apply(InsightsCommand *command, Emulator *emulator);

}  // namespace nullwatt
