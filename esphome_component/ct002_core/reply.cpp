#include "reply.h"

#include "frame.h"

namespace nullwatt {

size_t encode_reply(const Reply &reply, uint8_t *buffer, size_t capacity) {
  FrameWriter frame(buffer, capacity);
  frame.field(reply.ct_type);
  frame.field(reply.ct_mac);
  frame.field(reply.device_type);
  frame.field(reply.mac);
  for (float watts : reply.phase_w) frame.field(round_half_even(watts));
  // The total rounds the sum of the unrounded values, so it may differ from the sum of fields 5-7.
  frame.field(round_half_even(reply.phase_w[0] + reply.phase_w[1] + reply.phase_w[2]));
  for (uint8_t bucket = kBucketA; bucket < kBuckets; bucket++) frame.field(reply.counts[bucket]);
  frame.field(reply.wifi_rssi);
  frame.field(static_cast<int32_t>(reply.info_index));
  for (int32_t watts : reply.charge_w) frame.field(watts);
  for (int32_t watts : reply.discharge_w) frame.field(watts);
  return frame.finish();
}

}  // namespace nullwatt
