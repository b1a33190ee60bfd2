#pragma once
// Frames of the app's Bluetooth link, and the receiver that finds them in a stream of bytes:
//   73 LEN 23 CMD payload XOR
// LEN counts the whole frame, XOR is that of all bytes before it. Numbers are little-endian. Only this file knows
// these bytes.

#include <cstddef>
#include <cstdint>

#include "text.h"

namespace nullwatt {

inline constexpr size_t kBleShortestFrame = 5;
inline constexpr size_t kBleLongestRequest = 128;
inline constexpr size_t kBleLongestReply = 255;
inline constexpr uint8_t kBleQueuedFrames = 8;
inline constexpr uint32_t kBlePartialTimeoutMs = 1000;

/// A checked frame; the payload is a view into its bytes.
struct BleFrame {
  uint8_t command = 0;
  Text payload;
};

/// False for anything but one whole frame of up to 255 bytes.
bool ble_decode(const uint8_t *bytes, size_t size, BleFrame *out);

/// Builds a frame in a buffer of the caller.
class BleFrameWriter {
 public:
  BleFrameWriter(uint8_t *frame, size_t capacity, uint8_t command);

  void put(uint8_t byte);
  void put(Text text);
  void put_zeros(size_t count);
  void put_16(int32_t value);
  void put_32(int32_t value);

  /// Payload bytes that were put, fitting or not.
  size_t payload_size() const { return size_ - kPayload; }
  /// Forgets what was put after the payload had this size.
  void cut_payload(size_t size) { size_ = kPayload + size; }
  /// Length and checksum. Size of the frame, 0 if it does not fit the buffer or 255 bytes.
  size_t finish();

 private:
  static constexpr size_t kPayload = 4;

  uint8_t *frame_;
  size_t capacity_;
  size_t size_ = 0;
};

/// Overwrites memory that held a password. A plain loop over dead memory would be optimised away.
void wipe(void *memory, size_t size);

/// What the phone writes, as one stream: a frame may span writes, a write may hold several frames.
///
/// Rules
/// 1. Bytes before a head are skipped; an impossible LEN is thrown away with its head.
/// 2. Of a frame with a wrong marker or checksum nothing is left, the next byte may start another one.
/// 3. A pause of more than a second ends a frame that is not complete.
/// 4. Complete frames wait for the main loop, 8 at most; further ones are dropped and counted.
class BleStream {
 public:
  /// True when a complete frame was dropped because the queue is full.
  bool put(uint8_t byte, uint32_t now_ms);
  /// The oldest frame that waits; valid until drop_first() or clear().
  bool first(BleFrame *out) const;
  void drop_first();
  uint8_t waiting() const { return waiting_; }
  /// Back to the start: another connection has nothing to do with this one.
  void clear();

 private:
  bool queue();
  void forget_partial();

  uint8_t queue_[kBleQueuedFrames][kBleLongestRequest];
  uint8_t partial_[kBleLongestRequest];
  uint32_t put_ms_ = 0;
  uint8_t partial_size_ = 0;
  uint8_t first_ = 0;
  uint8_t waiting_ = 0;
};

}  // namespace nullwatt
