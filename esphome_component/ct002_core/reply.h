#pragma once
// The CT's answer: always 24 fields, laid out here and nowhere else.

#include <cstddef>
#include <cstdint>

#include "text.h"

namespace nullwatt {

/// Order of the five buckets on the wire.
enum Bucket : uint8_t { kBucketX, kBucketA, kBucketB, kBucketC, kBucketAbc, kBuckets };

struct Reply {
  Text ct_type;
  Text ct_mac;
  Text device_type;
  Text mac;
  float phase_w[3] = {0.0f, 0.0f, 0.0f};  ///< meter values or this battery's reading, + = import
  int32_t counts[kBuckets] = {};          ///< batteries (relay) or 0/1 flags (active control); X is not sent
  int32_t wifi_rssi = 0;
  uint8_t info_index = 0;
  int32_t charge_w[kBuckets] = {};     ///< sums of negative powers
  int32_t discharge_w[kBuckets] = {};  ///< sums of positive powers
};

/// Size of the encoded reply, 0 if it does not fit.
size_t encode_reply(const Reply &reply, uint8_t *buffer, size_t capacity);

}  // namespace nullwatt
