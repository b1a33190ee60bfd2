#include "ble_frame.h"

#include "clock.h"

namespace nullwatt {
namespace {

constexpr uint8_t kHead = 0x73;
constexpr uint8_t kMarker = 0x23;
constexpr size_t kLengthAt = 1;
constexpr size_t kMarkerAt = 2;
constexpr size_t kCommandAt = 3;

uint8_t exclusive_or(const uint8_t *bytes, size_t size) {
  uint8_t sum = 0;
  for (size_t i = 0; i < size; i++) sum ^= bytes[i];
  return sum;
}

}  // namespace

bool ble_decode(const uint8_t *bytes, size_t size, BleFrame *out) {
  if (size < kBleShortestFrame || size > kBleLongestReply) return false;
  if (bytes[0] != kHead || bytes[kLengthAt] != size || bytes[kMarkerAt] != kMarker) return false;
  if (exclusive_or(bytes, size) != 0) return false;
  out->command = bytes[kCommandAt];
  out->payload = Text{reinterpret_cast<const char *>(bytes) + kCommandAt + 1, size - kBleShortestFrame};
  return true;
}

BleFrameWriter::BleFrameWriter(uint8_t *frame, size_t capacity, uint8_t command)
    : frame_(frame), capacity_(capacity < kBleLongestReply ? capacity : kBleLongestReply) {
  put(kHead);
  put(0);  // the length, once it is known
  put(kMarker);
  put(command);
}

void BleFrameWriter::put(uint8_t byte) {
  if (size_ < capacity_) frame_[size_] = byte;
  size_++;
}

void BleFrameWriter::put(Text text) {
  for (size_t i = 0; i < text.size; i++) put(static_cast<uint8_t>(text[i]));
}

void BleFrameWriter::put_zeros(size_t count) {
  for (size_t i = 0; i < count; i++) put(uint8_t{0});
}

void BleFrameWriter::put_16(int32_t value) {
  put(static_cast<uint8_t>(value));
  put(static_cast<uint8_t>(value >> 8));
}

void BleFrameWriter::put_32(int32_t value) {
  put_16(value);
  put_16(value >> 16);
}

size_t BleFrameWriter::finish() {
  const size_t total = size_ + 1;
  if (total > capacity_) return 0;
  frame_[kLengthAt] = static_cast<uint8_t>(total);
  frame_[size_] = exclusive_or(frame_, size_);
  return total;
}

void wipe(void *memory, size_t size) {
  volatile auto *bytes = static_cast<volatile uint8_t *>(memory);
  for (size_t i = 0; i < size; i++) bytes[i] = 0;
}

bool BleStream::put(uint8_t byte, uint32_t now_ms) {
  if (partial_size_ > 0 && elapsed_ms(now_ms, put_ms_) > kBlePartialTimeoutMs) forget_partial();
  put_ms_ = now_ms;
  if (partial_size_ == 0 && byte != kHead) return false;
  partial_[partial_size_++] = byte;
  if (partial_size_ <= kLengthAt) return false;
  const uint8_t length = partial_[kLengthAt];
  if (length < kBleShortestFrame || length > kBleLongestRequest) {
    forget_partial();
    return false;
  }
  if (partial_size_ < length) return false;
  BleFrame frame;
  const bool dropped = ble_decode(partial_, length, &frame) && !queue();
  forget_partial();
  return dropped;
}

bool BleStream::queue() {
  if (waiting_ == kBleQueuedFrames) return false;
  uint8_t *slot = queue_[(first_ + waiting_) % kBleQueuedFrames];
  for (uint8_t i = 0; i < partial_size_; i++) slot[i] = partial_[i];
  waiting_++;
  return true;
}

void BleStream::forget_partial() {
  wipe(partial_, partial_size_);
  partial_size_ = 0;
}

bool BleStream::first(BleFrame *out) const {
  const uint8_t *frame = queue_[first_];
  return waiting_ > 0 && ble_decode(frame, frame[kLengthAt], out);
}

void BleStream::drop_first() {
  if (waiting_ == 0) return;
  wipe(queue_[first_], kBleLongestRequest);
  first_ = static_cast<uint8_t>((first_ + 1) % kBleQueuedFrames);
  waiting_--;
}

void BleStream::clear() {
  while (waiting_ > 0) drop_first();
  forget_partial();
}

}  // namespace nullwatt
