#include "insights_command.h"

#include "json_reader.h"
#include "numeric.h"

namespace nullwatt {
namespace {

enum class FieldKind : uint8_t { kSwitch, kInvertedSwitch, kNumber };

struct Field {
  char name[25];
  char reason[38];
  FieldKind kind;
  SettingBit setting;
  float low;
  float high;
  float factor;
};

constexpr Field kFields[] = {
    {"active", "must be true, on, 1, false, off or 0", FieldKind::kSwitch, kSetActive, 0, 1, 1},
    {"auto_target", "must be true, on, 1, false, off or 0", FieldKind::kInvertedSwitch, kSetManual, 0, 1, 1},
    {"manual_target", "must be a number, -10000 to 10000 W", FieldKind::kNumber, kSetManualTarget, -10000, 10000, 1},
    {"distribution_weight", "must be a number, 0 to 10", FieldKind::kNumber, kSetWeight, 0, 10, 1},
    {"efficiency_window_weight", "must be a number, 0 to 100 %", FieldKind::kNumber, kSetWindowWeight, 0, 100, 0.01f},
    {"min_dc_output", "must be a number, 0 to 1000 W", FieldKind::kNumber, kSetMinDcOutput, 0, 1000, 1},
    {"max_charge", "must be a number, 0 to 10000 W", FieldKind::kNumber, kSetMaxCharge, 0, 10000, 1},
    {"max_discharge", "must be a number, 0 to 10000 W", FieldKind::kNumber, kSetMaxDischarge, 0, 10000, 1},
};

/// Takes `begin` off the front; false, and nothing taken, if the text begins otherwise.
bool take(Text *text, Text begin) {
  if (!starts_with(*text, begin)) return false;
  text->data += begin.size;
  text->size -= begin.size;
  return true;
}

bool parse_switch(Text text, bool *on) {
  struct Word {
    char text[6];
    bool on;
  };
  constexpr Word kWords[] = {{"true", true}, {"on", true}, {"1", true}, {"false", false}, {"off", false}, {"0", false}};
  for (const Word &word : kWords) {
    if (!equal_ignoring_case(text, text_of(word.text))) continue;
    *on = word.on;
    return true;
  }
  return false;
}

bool parse_digits(Text *text, float *value, int32_t *count) {
  *count = 0;
  while (text->size > 0 && (*text)[0] >= '0' && (*text)[0] <= '9') {
    *value = *value * 10.0f + static_cast<float>((*text)[0] - '0');
    (*count)++;
    text->data++;
    text->size--;
  }
  return *count > 0;
}

/// A decimal number such as 5, -0.25, .5, 1e3; nothing else, and nothing that is not finite.
bool parse_number(Text text, float *out) {
  const bool negative = text.size > 0 && text[0] == '-';
  if (negative || (text.size > 0 && text[0] == '+')) take(&text, Text{text.data, 1});
  float value = 0.0f;
  int32_t digits = 0;
  int32_t decimals = 0;
  bool any = parse_digits(&text, &value, &digits);
  if (take(&text, text_of("."))) any = parse_digits(&text, &value, &decimals) || any;
  if (!any) return false;
  int32_t exponent = 0;
  if (take(&text, text_of("e")) || take(&text, text_of("E"))) {
    if (!parse_int(text, &exponent) || trim(text).size != text.size) return false;
    text.size = 0;
  }
  if (text.size > 0) return false;
  constexpr int32_t kMostExponent = 60;  // beyond it, a float is 0 or infinite anyway
  if (exponent > kMostExponent || exponent < -kMostExponent || decimals > kMostExponent) return false;
  exponent -= decimals;
  for (; exponent > 0; exponent--) value *= 10.0f;
  for (; exponent < 0; exponent++) value /= 10.0f;
  if (!is_finite(value)) return false;
  *out = negative ? -value : value;
  return true;
}

InsightsCommand refused(const char *reason) {
  InsightsCommand command;
  command.kind = InsightsCommandKind::kRefused;
  command.reason = reason;
  return command;
}

InsightsCommand parse_setting(Text key, Text field_name, Text payload) {
  const Field *field = nullptr;
  for (const Field &candidate : kFields) {
    if (equal(field_name, text_of(candidate.name))) field = &candidate;
  }
  if (field == nullptr) return refused("no such setting");
  // Empty is how a retained command is deleted from the broker.
  if (payload.size == 0) return {};
  InsightsCommand command;
  command.kind = InsightsCommandKind::kSetting;
  command.setting = field->setting;
  make_key(key, command.key);
  if (field->kind == FieldKind::kNumber) {
    float value = 0.0f;
    if (!parse_number(payload, &value) || value < field->low || value > field->high) return refused(field->reason);
    command.value = value * field->factor;
  } else {
    bool on = false;
    if (!parse_switch(payload, &on)) return refused(field->reason);
    command.value = on == (field->kind == FieldKind::kSwitch) ? 1.0f : 0.0f;
  }
  return command;
}

InsightsCommand parse_house(Text payload) {
  if (payload.size == 0) return {};
  JsonValue root;
  if (!json_parse(payload, &root) || root.type != JsonType::kObject) return refused("must be a JSON object");
  const JsonType rotation = json_member(root, "force_rotation").type;
  const JsonType active = json_member(root, "active_control").type;
  if (rotation != JsonType::kNone && rotation != JsonType::kTrue) return refused("force_rotation must be true");
  if (active != JsonType::kNone && active != JsonType::kTrue && active != JsonType::kFalse) {
    return refused("active_control must be true or false");
  }
  if (rotation == JsonType::kNone && active == JsonType::kNone) {
    return refused("must have force_rotation or active_control");
  }
  InsightsCommand command;
  command.kind = InsightsCommandKind::kHouse;
  command.force_rotation = rotation == JsonType::kTrue;
  command.sets_active_control = active != JsonType::kNone;
  command.active_control = active == JsonType::kTrue;
  return command;
}

InsightsCommand parse_availability(Text key, Text payload) {
  InsightsCommand command;
  command.kind = InsightsCommandKind::kAvailability;
  make_key(key, command.key);
  command.value = equal(payload, text_of("online")) ? 1.0f : 0.0f;
  return command;
}

}  // namespace

InsightsCommand parse_insights_command(const InsightsConfig &config, Text topic, Text payload) {
  const bool ours = take(&topic, text_of(config.base_topic)) && take(&topic, text_of("/ct002/")) &&
                    take(&topic, text_of(config.device_id)) && take(&topic, text_of("/"));
  if (!ours) return {};
  payload = trim(payload);
  if (equal(topic, text_of("set"))) return parse_house(payload);
  if (!take(&topic, text_of("consumer/"))) return {};
  const Text key = take_until('/', &topic);
  const Text field = take_until('/', &topic);
  const bool is_key = key.size > 0 && key.size < kKeySize;
  if (is_key && equal(field, text_of("availability")) && topic.size == 0) return parse_availability(key, payload);
  if (!equal(topic, text_of("set"))) return {};
  if (!is_key) return refused("no battery can be called so");
  return parse_setting(key, field, payload);
}

bool apply(InsightsCommand *command, Emulator *emulator) {
  if (command->kind == InsightsCommandKind::kHouse) {
    if (command->sets_active_control) emulator->set_active_control(command->active_control);
    if (command->force_rotation) emulator->force_rotation();
    return true;
  }
  if (command->kind != InsightsCommandKind::kSetting) return true;
  Settings settings;
  const bool on = command->value > 0.5f;
  settings.active = on;
  settings.manual = on;
  settings.manual_target_w = command->value;
  settings.weight = command->value;
  settings.window_weight = command->value;
  settings.min_dc_output_w = command->value;
  settings.max_charge_w = command->value;
  settings.max_discharge_w = command->value;
  const SettingError error = emulator->set_override(text_of(command->key), settings, command->setting);
  if (error == SettingError::kNone) return true;
  command->reason = error == SettingError::kTableFull ? "no room for the settings of another battery" : "out of range";
  return false;
}

}  // namespace nullwatt
