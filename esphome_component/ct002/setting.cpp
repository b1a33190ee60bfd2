#include "setting.h"

#include <cmath>

namespace esphome::ct002 {

using namespace nullwatt;  // names of the core's setting bits

namespace {

struct Range {
  float low;
  float high;
};

// In the order of Setting. The ranges of the entities and actions (entity_table.py) lie inside.
constexpr Range RANGES[] = {
    {0.0f, 1.0f},           // ACTIVE_CONTROL
    {-10000.0f, 10000.0f},  // GRID_TARGET
    {0.0f, 100000.0f},      // PEAK_SHAVING_THRESHOLD
    {0.0f, 10000.0f},       // MIN_EFFICIENT_POWER
    {0.0f, 1.0f},           // ACTIVE
    {0.0f, 1.0f},           // AUTOMATIC
    {-10000.0f, 10000.0f},  // MANUAL_TARGET
    {0.0f, 10.0f},          // WEIGHT
    {0.0f, 100.0f},         // WINDOW_WEIGHT
    {0.0f, 1000.0f},        // MIN_DC_OUTPUT
    {0.0f, 10000.0f},       // MAX_CHARGE
    {0.0f, 10000.0f},       // MAX_DISCHARGE
    {0.0f, 15.0f},          // CHARGE_ORDER
    {0.0f, 15.0f},          // DISCHARGE_ORDER
    {0.0f, 4.0f},           // MODE
};
static_assert(sizeof(RANGES) / sizeof(Range) == static_cast<size_t>(Setting::MODE) + 1, "one range per setting");

constexpr float PERCENT = 100.0f;

float bound_or_nan(float bound_w) { return bound_w < 0.0f ? NAN : bound_w; }

uint8_t whole(float value) { return static_cast<uint8_t>(std::lround(value)); }

Mode mode_of(const Wishes &wishes) {
  if (!wishes.active)
    return Mode::OFF;
  if (wishes.manual)
    return Mode::MANUAL;
  if (wishes.may_charge && wishes.may_discharge)
    return Mode::AUTOMATIC;
  return wishes.may_charge ? Mode::CHARGE_ONLY : Mode::DISCHARGE_ONLY;
}

uint16_t set_mode(Wishes *wishes, Mode mode) {
  wishes->active = mode != Mode::OFF;
  // Off keeps the rest, for the day the battery is switched on again.
  if (mode == Mode::OFF)
    return kSetActive;
  wishes->manual = mode == Mode::MANUAL;
  wishes->may_charge = mode != Mode::DISCHARGE_ONLY;
  wishes->may_discharge = mode != Mode::CHARGE_ONLY;
  return kSetActive | kSetManual | kSetMaxCharge | kSetMaxDischarge;
}

}  // namespace

bool is_allowed(Setting setting, float value) {
  const Range &range = RANGES[static_cast<uint8_t>(setting)];
  // False for NaN, too.
  return value >= range.low && value <= range.high;
}

float wish(const Wishes &wishes, Setting setting) {
  switch (setting) {
    case Setting::ACTIVE:
      return wishes.active;
    case Setting::AUTOMATIC:
      return wishes.manual ? 0.0f : 1.0f;
    case Setting::MANUAL_TARGET:
      return wishes.manual_target_w;
    case Setting::WEIGHT:
      return wishes.weight;
    case Setting::WINDOW_WEIGHT:
      return std::round(wishes.window_weight * PERCENT * 10.0f) / 10.0f;
    case Setting::MIN_DC_OUTPUT:
      return bound_or_nan(wishes.min_dc_output_w);
    case Setting::MAX_CHARGE:
      return bound_or_nan(wishes.max_charge_w);
    case Setting::MAX_DISCHARGE:
      return bound_or_nan(wishes.max_discharge_w);
    case Setting::CHARGE_ORDER:
      return wishes.charge_order;
    case Setting::DISCHARGE_ORDER:
      return wishes.discharge_order;
    case Setting::MODE:
      return static_cast<float>(mode_of(wishes));
    default:
      return NAN;
  }
}

uint16_t set_wish(Wishes *wishes, Setting setting, float value) {
  switch (setting) {
    case Setting::ACTIVE:
      wishes->active = value != 0.0f;
      return kSetActive;
    case Setting::AUTOMATIC:
      wishes->manual = value == 0.0f;
      return kSetManual;
    case Setting::MANUAL_TARGET:
      wishes->manual_target_w = value;
      return kSetManualTarget;
    case Setting::WEIGHT:
      wishes->weight = value;
      return kSetWeight;
    case Setting::WINDOW_WEIGHT:
      wishes->window_weight = value / PERCENT;
      return kSetWindowWeight;
    case Setting::MIN_DC_OUTPUT:
      wishes->min_dc_output_w = value;
      return kSetMinDcOutput;
    case Setting::MAX_CHARGE:
      wishes->max_charge_w = value;
      return kSetMaxCharge;
    case Setting::MAX_DISCHARGE:
      wishes->max_discharge_w = value;
      return kSetMaxDischarge;
    case Setting::CHARGE_ORDER:
      wishes->charge_order = whole(value);
      return kSetChargeOrder;
    case Setting::DISCHARGE_ORDER:
      wishes->discharge_order = whole(value);
      return kSetDischargeOrder;
    case Setting::MODE:
      return set_mode(wishes, static_cast<Mode>(whole(value)));
    default:
      return 0;
  }
}

Settings settings_of(const Wishes &wishes) {
  Settings settings;
  settings.active = wishes.active;
  settings.manual = wishes.manual;
  settings.manual_target_w = wishes.manual_target_w;
  settings.weight = wishes.weight;
  settings.window_weight = wishes.window_weight;
  settings.min_dc_output_w = wishes.min_dc_output_w;
  settings.max_charge_w = wishes.may_charge ? wishes.max_charge_w : 0.0f;
  settings.max_discharge_w = wishes.may_discharge ? wishes.max_discharge_w : 0.0f;
  settings.charge_order = wishes.charge_order;
  settings.discharge_order = wishes.discharge_order;
  return settings;
}

}  // namespace esphome::ct002
