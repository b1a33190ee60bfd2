#include "device_type.h"

namespace nullwatt {
namespace {

struct Row {
  const char *prefix;
  DeviceTraits traits;
};

constexpr Row kRows[] = {
    {"VNSA", {true, true, true}},   // Venus A
    {"VNSD", {true, true, true}},   // Venus D
    {"HMG", {true, true, false}},   // Venus C / E
    {"VNS", {true, true, false}},   // Venus E 3
    {"HMN", {true, false, true}},   // Jupiter
    {"HMM", {true, false, true}},   // Jupiter
    {"JPLS", {true, false, true}},  // Jupiter
    {"HMA", {false, false, true}},  // B2500
    {"HMJ", {false, false, true}},  // B2500
    {"HMK", {false, false, true}},  // B2500
};

}  // namespace

DeviceTraits traits_of(Text device_type) {
  for (const Row &row : kRows) {
    Text prefix = text_of(row.prefix);
    if (device_type.size >= prefix.size && equal_ignoring_case(Text{device_type.data, prefix.size}, prefix)) {
      return row.traits;
    }
  }
  return {true, true, false};
}

}  // namespace nullwatt
