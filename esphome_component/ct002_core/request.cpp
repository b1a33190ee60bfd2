#include "request.h"

namespace nullwatt {
namespace {

Phase parse_phase(Text field) {
  field = trim(field);
  if (field.size != 1) return Phase::kUnassigned;
  char letter = upper(field[0]);
  if (letter < 'A' || letter > 'D') return Phase::kUnassigned;
  return static_cast<Phase>(letter - 'A' + 1);
}

}  // namespace

char phase_letter(Phase phase) {
  return phase == Phase::kUnassigned ? '0' : static_cast<char>('A' + static_cast<uint8_t>(phase) - 1);
}

DropReason parse_request(Text body, Request *request) {
  FieldReader fields(body);
  Text *identity[] = {&request->device_type, &request->mac, &request->ct_type, &request->ct_mac};
  for (Text *field : identity) {
    if (!fields.next(field)) return DropReason::kTooFewFields;
  }
  Text field;
  if (fields.next(&field)) request->phase = parse_phase(field);
  if (fields.next(&field) && !parse_int(field, &request->power_w)) request->power_w = 0;
  int32_t participate = 1;
  if (fields.next(&field) && parse_int(field, &participate)) request->participates = participate != 0;
  return DropReason::kNone;
}

}  // namespace nullwatt
