#include "insights_discovery.h"

#include "json_writer.h"

namespace nullwatt {
namespace {

constexpr const char *kBrand = "astrameter";
constexpr const char *kSupport = "https://github.com/nullwatt/nullwatt";

using WriteTopic = void (*)(const InsightsConfig &, Writer *);

/// What an entity is, beyond its texts.
enum class Kind : uint8_t { kPower, kSensor, kPercent, kDuration, kPhase, kNumber, kSwitch };
enum class Category : uint8_t { kEveryday, kDiagnostic, kConfig };
/// Which batteries have it.
enum class Of : uint8_t { kAll, kRotation, kDcOutput };

struct BatteryEntity {
  char key[25];
  char name[25];   ///< empty = the device's main entity
  char value[59];  ///< template without its braces
  Kind kind;
  Category category;
  Of of = Of::kAll;
  // of a number
  bool box = false;
  char unit[2] = "";
  float step = 0.0f;
  int16_t low = 0;
  int16_t high = 0;
};

constexpr BatteryEntity kBatteryEntities[] = {
    {"grid_power_total", "", "value_json.grid_power.total", Kind::kPower, Category::kEveryday},
    {"grid_power_l1", "Grid Power L1", "value_json.grid_power.l1", Kind::kPower, Category::kEveryday},
    {"grid_power_l2", "Grid Power L2", "value_json.grid_power.l2", Kind::kPower, Category::kEveryday},
    {"grid_power_l3", "Grid Power L3", "value_json.grid_power.l3", Kind::kPower, Category::kEveryday},
    {"target_l1", "Target L1", "value_json.target.l1", Kind::kPower, Category::kEveryday},
    {"target_l2", "Target L2", "value_json.target.l2", Kind::kPower, Category::kEveryday},
    {"target_l3", "Target L3", "value_json.target.l3", Kind::kPower, Category::kEveryday},
    {"reported_power", "Reported Power", "value_json.reported_power", Kind::kPower, Category::kEveryday},
    {"last_target", "Last Target", "value_json.last_target", Kind::kPower, Category::kEveryday},
    {"saturation", "Saturation", "(value_json.saturation * 100) | round(1)", Kind::kPercent, Category::kEveryday},
    {"phase", "Phase", "value_json.phase", Kind::kPhase, Category::kDiagnostic},
    {"device_type", "Device Type", "value_json.device_type", Kind::kSensor, Category::kDiagnostic},
    {"battery_ip", "Battery IP", "value_json.battery_ip", Kind::kSensor, Category::kDiagnostic},
    {"ct_type", "CT Type", "value_json.ct_type", Kind::kSensor, Category::kDiagnostic},
    {"ct_mac", "CT MAC", "value_json.ct_mac", Kind::kSensor, Category::kDiagnostic},
    {"poll_interval", "Poll Interval", "value_json.poll_interval", Kind::kDuration, Category::kDiagnostic},
    {"manual_target", "Manual Target", "value_json.manual_target | default(0)", Kind::kNumber, Category::kConfig,
     Of::kAll, true, "W", 1.0f, -10000, 10000},
    {"auto_target", "Auto Target", "value_json.auto_target", Kind::kSwitch, Category::kConfig},
    {"active", "Active", "value_json.active", Kind::kSwitch, Category::kEveryday},
    {"distribution_weight", "Distribution Weight", "value_json.distribution_weight | default(1.0)", Kind::kNumber,
     Category::kConfig, Of::kAll, false, "", 0.1f, 0, 10},
    {"efficiency_window_weight", "Efficiency Window Weight",
     "(value_json.efficiency_window_weight | default(1.0)) * 100", Kind::kNumber, Category::kConfig, Of::kRotation,
     false, "%", 5.0f, 0, 100},
    {"min_dc_output", "Min DC Output", "value_json.min_dc_output | default(0, true)", Kind::kNumber, Category::kConfig,
     Of::kDcOutput, true, "W", 1.0f, 0, 1000},
    {"max_charge", "Max Charge", "value_json.max_charge", Kind::kNumber, Category::kConfig, Of::kAll, true, "W", 1.0f,
     0, 10000},
    {"max_discharge", "Max Discharge", "value_json.max_discharge", Kind::kNumber, Category::kConfig, Of::kAll, true,
     "W", 1.0f, 0, 10000},
};

void write_node_topic(const InsightsConfig &config, Writer *out) { out->put(config.node_topic); }

/// A short text of its own: topics and ids, before JSON escapes what users wrote in them.
class Composed {
 public:
  Writer *writer() { return &writer_; }
  Text text() const { return Text{text_, writer_.fits() ? writer_.size() : 0}; }

 private:
  char text_[4 * kInsightsNameSize];
  Writer writer_{text_, sizeof(text_)};
};

/// A document in the making: what all devices have in common.
class Document {
 public:
  Document(const InsightsConfig &config, Writer *out) : config_(config), json_(out) { json_.begin_object(); }

  JsonWriter &json() { return json_; }
  /// Where the name of the device goes, from which the ids of its entities are made.
  Writer *node() { return node_.writer(); }

  template<WriteTopic kWrite>
  void topic(const char *name) {
    Composed composed;
    kWrite(config_, composed.writer());
    json_.key(name);
    json_.string(composed.text());
  }

  void origin() {
    json_.key("origin");
    json_.begin_object();
    json_.member("name", "nullwatt");
    json_.member("sw_version", config_.version);
    json_.member("support_url", kSupport);
    json_.end_object();
  }

  template<WriteTopic kWrite>
  void available() {
    json_.begin_object();
    topic<kWrite>("topic");
    json_.member("payload_available", "online");
    json_.member("payload_not_available", "offline");
    json_.end_object();
  }

  /// The program's own availability, and that of the node it runs on.
  void system_availability() {
    available<write_status_topic>();
    if (config_.node_topic[0] != '\0') {
      available<write_node_topic>();
    }
  }

  void system_availability_alone() {
    if (config_.node_topic[0] != '\0') json_.member("availability_mode", "all");
    json_.key("availability");
    json_.begin_array();
    system_availability();
    json_.end_array();
  }

  /// Opens an entity.
  void begin_entity(const char *key, const char *platform, const char *name) {
    json_.key(key);
    json_.begin_object();
    json_.member("platform", platform);
    if (name[0] == '\0') {
      json_.key("name");
      json_.null();
    } else {
      json_.member("name", name);
    }
    json_.key("unique_id");
    json_.begin_string();
    json_.piece(node_.text());
    json_.piece("_");
    json_.piece(key);
    json_.end_string();
  }

  void value(const char *expression) {
    json_.key("value_template");
    json_.begin_string();
    json_.piece("{{ ");
    json_.piece(expression);
    json_.piece(" }}");
    json_.end_string();
  }

  void category(Category category) {
    if (category == Category::kDiagnostic) json_.member("entity_category", "diagnostic");
    if (category == Category::kConfig) json_.member("entity_category", "config");
  }

  void power() {
    json_.member("device_class", "power");
    json_.member("state_class", "measurement");
    json_.member("unit_of_measurement", "W");
  }

 private:
  const InsightsConfig &config_;
  JsonWriter json_;
  Composed node_;
};

void write_discovery_topic(const InsightsConfig &config, Writer *out) {
  out->put(config.discovery_prefix);
  out->put("/device/");
}

bool has_dc_output(Text device_type) {
  return starts_with_ignoring_case(device_type, text_of("HMA")) ||
         starts_with_ignoring_case(device_type, text_of("HMJ")) ||
         starts_with_ignoring_case(device_type, text_of("HMK"));
}

}  // namespace

void write_hub_discovery_topic(const InsightsConfig &config, Writer *out) {
  write_discovery_topic(config, out);
  write_hub_node(config, out);
  out->put("/config");
}

void write_device_discovery_topic(const InsightsConfig &config, Writer *out) {
  write_discovery_topic(config, out);
  write_device_node(config, out);
  out->put("/config");
}

void write_battery_discovery_topic(const InsightsConfig &config, Text key, Writer *out) {
  write_discovery_topic(config, out);
  write_battery_node(config, key, out);
  out->put("/config");
}

// -- the program ---------------------------------------------------------------------------

void write_hub_discovery(const InsightsConfig &config, Writer *out) {
  Document document(config, out);
  JsonWriter &json = document.json();
  write_hub_node(config, document.node());
  json.key("device");
  json.begin_object();
  document.topic<write_hub_id>("identifiers");
  json.member("name", "AstraMeter");
  json.member("manufacturer", kBrand);
  json.member("sw_version", config.version);
  json.end_object();
  document.origin();
  document.topic<write_bridge_topic>("state_topic");
  json.key("components");
  json.begin_object();
  // It tells whether the program runs, so it is there when nothing else is.
  document.begin_entity("status", "binary_sensor", "Status");
  json.member("device_class", "connectivity");
  document.topic<write_status_topic>("state_topic");
  json.member("payload_on", "online");
  json.member("payload_off", "offline");
  document.category(Category::kDiagnostic);
  json.end_object();
  document.begin_entity("version", "sensor", "Version");
  document.value("value_json.version");
  document.category(Category::kDiagnostic);
  document.system_availability_alone();
  json.end_object();
  document.begin_entity("consumer_count", "sensor", "Consumer Count");
  document.value("value_json.consumer_count");
  document.category(Category::kDiagnostic);
  document.system_availability_alone();
  json.end_object();
  json.end_object();
  json.end_object();
}

// -- the emulator --------------------------------------------------------------------------

void write_device_discovery(const InsightsConfig &config, Writer *out) {
  Document document(config, out);
  JsonWriter &json = document.json();
  write_device_node(config, document.node());
  json.key("device");
  json.begin_object();
  document.topic<write_device_node>("identifiers");
  json.key("name");
  json.begin_string();
  json.piece("AstraMeter CT002 ");
  json.piece(config.device_id);
  json.end_string();
  json.member("manufacturer", kBrand);
  if (config.hub) document.topic<write_hub_id>("via_device");
  json.end_object();
  document.origin();
  document.topic<write_device_topic>("state_topic");
  document.system_availability_alone();
  json.key("components");
  json.begin_object();
  document.begin_entity("smooth_target", "sensor", "");
  document.value("value_json.smooth_target");
  document.power();
  json.end_object();
  document.begin_entity("active_control", "switch", "Active Control");
  document.value("value_json.active_control");
  document.topic<write_device_command_topic>("command_topic");
  json.member("command_template", R"({"active_control": {{ 'true' if value == 'ON' else 'false' }}})");
  json.member("payload_on", "ON");
  json.member("payload_off", "OFF");
  json.member("state_on", "True");
  json.member("state_off", "False");
  json.member("retain", true);
  document.category(Category::kConfig);
  json.end_object();
  document.begin_entity("consumer_count", "sensor", "Consumer Count");
  document.value("value_json.consumer_count");
  document.category(Category::kDiagnostic);
  json.end_object();
  if (config.rotation) {
    document.begin_entity("force_rotation", "button", "Force Rotation");
    document.topic<write_device_command_topic>("command_topic");
    json.member("payload_press", R"({"force_rotation": true})");
    document.category(Category::kConfig);
    json.end_object();
  }
  json.end_object();
  json.end_object();
}

// -- a battery -----------------------------------------------------------------------------

void write_battery_discovery(const InsightsConfig &config, Text key, Text device_type, Writer *out) {
  Document document(config, out);
  JsonWriter &json = document.json();
  write_battery_node(config, key, document.node());
  Composed topic_of_battery;
  write_battery_topic(config, key, topic_of_battery.writer());
  const Text topic = topic_of_battery.text();
  Composed digits;
  write_slug(key, digits.writer());
  const Text slug = digits.text();

  json.key("device");
  json.begin_object();
  json.key("identifiers");
  json.begin_array();
  json.begin_string();
  json.piece("astrameter_consumer_");
  json.piece(slug);
  json.end_string();
  json.end_array();
  json.key("name");
  json.begin_string();
  json.piece("AstraMeter Consumer ");
  if (device_type.size > 0) {
    json.piece(device_type);
    json.piece(" ");
  }
  json.piece(slug);
  json.end_string();
  json.member("manufacturer", "Marstek");
  if (device_type.size > 0) {
    json.key("model_id");
    json.string(device_type);
  }
  // No `connections`: a MAC there would merge this device with the battery's own of another integration.
  document.topic<write_device_node>("via_device");
  json.end_object();
  document.origin();
  json.key("state_topic");
  json.string(topic);
  json.member("availability_mode", "all");
  json.key("availability");
  json.begin_array();
  document.system_availability();
  json.begin_object();
  json.key("topic");
  json.begin_string();
  json.piece(topic);
  json.piece("/availability");
  json.end_string();
  json.end_object();
  json.end_array();

  json.key("components");
  json.begin_object();
  for (const BatteryEntity &entity : kBatteryEntities) {
    if (entity.of == Of::kRotation && !config.rotation) continue;
    if (entity.of == Of::kDcOutput && !has_dc_output(device_type)) continue;
    const bool is_number = entity.kind == Kind::kNumber;
    const bool is_switch = entity.kind == Kind::kSwitch;
    document.begin_entity(entity.key, is_number ? "number" : is_switch ? "switch" : "sensor", entity.name);
    document.value(entity.value);
    document.category(entity.category);
    if (is_number || is_switch) {
      json.key("command_topic");
      json.begin_string();
      json.piece(topic);
      json.piece("/");
      json.piece(entity.key);
      json.piece("/set");
      json.end_string();
      json.member("retain", true);
    }
    switch (entity.kind) {
      case Kind::kPower:
        document.power();
        break;
      case Kind::kPercent:
        json.member("unit_of_measurement", "%");
        json.member("state_class", "measurement");
        break;
      case Kind::kDuration:
        json.member("device_class", "duration");
        json.member("unit_of_measurement", "s");
        break;
      case Kind::kPhase:
        json.member("device_class", "enum");
        json.key("options");
        json.begin_array();
        for (char phase = 'A'; phase <= 'D'; phase++) json.string(Text{&phase, 1});
        json.end_array();
        break;
      case Kind::kNumber:
        if (entity.unit[0] != '\0') json.member("unit_of_measurement", entity.unit);
        if (entity.unit[0] == 'W') json.member("device_class", "power");
        json.member("min", static_cast<int32_t>(entity.low));
        json.member("max", static_cast<int32_t>(entity.high));
        json.key("step");
        json.number(entity.step, 1);
        json.member("mode", entity.box ? "box" : "slider");
        break;
      case Kind::kSwitch:
        json.member("payload_on", "true");
        json.member("payload_off", "false");
        json.member("state_on", "True");
        json.member("state_off", "False");
        break;
      case Kind::kSensor:
        break;
    }
    json.end_object();
  }
  json.end_object();
  json.end_object();
}

}  // namespace nullwatt
