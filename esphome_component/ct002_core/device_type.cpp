#include "device_type.h"

namespace nullwatt {
namespace {

struct Row {
  const char *prefix;
  DeviceTraits traits;
};

constexpr LawKind kRamp = LawKind::kRamp;
constexpr LawKind kIntegrator2 = LawKind::kIntegrator2;
constexpr LawKind kDc = LawKind::kDcRegulator;
constexpr LawKind kGeneric = LawKind::kGeneric;

constexpr Row kRows[] = {
    {"VNSA", {true, true, true, kIntegrator2, kIntegrator2, 10, 0}},  // Venus A
    {"VNSD", {true, true, true, kIntegrator2, kIntegrator2, 10, 0}},  // Venus D
    {"VNS", {true, true, false, kIntegrator2, kIntegrator2, 10, 0}},  // Venus E 3
    {"HMG", {true, true, false, kIntegrator2, kRamp, 20, 0}},         // Venus C / E: both laws, chosen by the CT's type
    {"HMN", {true, false, true, kRamp, kRamp, 10, 0}},                // Jupiter
    {"HMM", {true, false, true, kRamp, kRamp, 10, 0}},                // Jupiter
    {"JPLS", {true, false, true, kRamp, kRamp, 10, 0}},               // Jupiter
    {"HMA", {false, false, true, kDc, kDc, 10, 80}},                  // B2500
    {"HMJ", {false, false, true, kDc, kDc, 10, 80}},                  // B2500
    {"HMK", {false, false, true, kDc, kDc, 10, 80}},                  // B2500
    {"IDEAL", {true, true, false, LawKind::kIdeal, LawKind::kIdeal, 0, 0}},  // the lab's yardstick
};

}  // namespace

DeviceTraits traits_of(Text device_type) {
  for (const Row &row : kRows) {
    Text prefix = text_of(row.prefix);
    if (device_type.size >= prefix.size && equal_ignoring_case(Text{device_type.data, prefix.size}, prefix)) {
      return row.traits;
    }
  }
  return {true, true, false, kGeneric, kGeneric, 10, 0};
}

}  // namespace nullwatt
