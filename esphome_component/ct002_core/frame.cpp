#include "frame.h"

namespace nullwatt {
namespace {

constexpr uint8_t kSoh = 0x01;
constexpr uint8_t kStx = 0x02;
constexpr uint8_t kEtx = 0x03;
constexpr uint8_t kSeparator = 0x7c;
constexpr size_t kMinFrame = 10;
constexpr size_t kMaxFrame = 9999;
constexpr size_t kTrailer = 3;  // ETX and two checksum digits
constexpr char kHex[] = "0123456789abcdef";

size_t decimal_digits(size_t value) {
  size_t digits = 1;
  while (value >= 10) {
    value /= 10;
    digits++;
  }
  return digits;
}

uint8_t xor_of(const uint8_t *data, size_t size) {
  uint8_t sum = 0;
  for (size_t i = 0; i < size; i++) sum ^= data[i];
  return sum;
}

/// Real CTs send upper-case digits and may send a space as first digit, which leaves that digit unchecked.
bool checksum_matches(uint8_t expected, char first, char second) {
  char low = kHex[expected & 0x0f];
  if (lower(second) != low) return false;
  return first == ' ' || lower(first) == kHex[expected >> 4];
}

}  // namespace

const char *drop_reason_text(DropReason reason) {
  switch (reason) {
    case DropReason::kNone:
      return "";
    case DropReason::kTooLong:
      return "longer than 256 bytes";
    case DropReason::kTooShort:
      return "shorter than 10 bytes";
    case DropReason::kNoHeader:
      return "does not start with SOH STX";
    case DropReason::kNoSeparator:
      return "no field separator";
    case DropReason::kLengthNotANumber:
      return "length is not a number";
    case DropReason::kLengthMismatch:
      return "length does not match the datagram";
    case DropReason::kNoEndOfText:
      return "no ETX before the checksum";
    case DropReason::kChecksum:
      return "checksum wrong";
    case DropReason::kNotAscii:
      return "byte outside ASCII";
    case DropReason::kTooFewFields:
      return "fewer than 4 fields";
    case DropReason::kOtherCtMac:
      return "meant for another CT MAC";
    case DropReason::kDuplicate:
      return "repeated within the dedupe window";
    case DropReason::kTableFull:
      return "no room for another battery";
    case DropReason::kReplyTooLong:
      return "reply does not fit a datagram";
  }
  return "unknown";
}

DropReason decode_frame(const uint8_t *frame, size_t size, Text *body) {
  if (size < kMinFrame) return DropReason::kTooShort;
  if (frame[0] != kSoh || frame[1] != kStx) return DropReason::kNoHeader;
  size_t separator = 2;
  while (separator < size && frame[separator] != kSeparator) separator++;
  if (separator == size) return DropReason::kNoSeparator;
  if (separator == 2) return DropReason::kLengthNotANumber;
  size_t length = 0;
  for (size_t i = 2; i < separator; i++) {
    if (frame[i] < '0' || frame[i] > '9') return DropReason::kLengthNotANumber;
    // Leading zeros are fine, so the digit count is unbounded: stop growing once it cannot match any more.
    if (length <= size) length = length * 10 + (frame[i] - '0');
  }
  if (length != size) return DropReason::kLengthMismatch;
  size_t end = size - kTrailer;
  if (frame[end] != kEtx || end <= separator) return DropReason::kNoEndOfText;
  if (!checksum_matches(xor_of(frame, end + 1), static_cast<char>(frame[end + 1]), static_cast<char>(frame[end + 2]))) {
    return DropReason::kChecksum;
  }
  for (size_t i = separator + 1; i < end; i++) {
    if (frame[i] >= 0x80) return DropReason::kNotAscii;
  }
  *body = Text{reinterpret_cast<const char *>(frame) + separator + 1, end - separator - 1};
  return DropReason::kNone;
}

bool FieldReader::next(Text *field) {
  if (done_) return false;
  size_t size = 0;
  while (size < rest_.size && rest_[size] != static_cast<char>(kSeparator)) size++;
  *field = Text{rest_.data, size};
  if (size == rest_.size) {
    done_ = true;
  } else {
    rest_.data += size + 1;
    rest_.size -= size + 1;
  }
  return true;
}

FrameWriter::FrameWriter(uint8_t *buffer, size_t capacity)
    : buffer_(buffer), capacity_(capacity < kMaxFrame ? capacity : kMaxFrame) {
  // Room for as many length digits as the longest possible frame needs; finish() closes the gap.
  body_start_ = 2 + decimal_digits(capacity_);
  end_ = body_start_;
  overflow_ = capacity_ < body_start_ + kTrailer;
}

void FrameWriter::field(Text text) {
  if (overflow_ || end_ + 1 + text.size + kTrailer > capacity_) {
    overflow_ = true;
    return;
  }
  uint8_t sum = kSeparator;
  uint8_t *to = buffer_ + end_;
  *to++ = kSeparator;
  for (size_t i = 0; i < text.size; i++) {
    uint8_t byte = static_cast<uint8_t>(text[i]);
    sum ^= byte;
    *to++ = byte;
  }
  body_xor_ ^= sum;
  end_ += 1 + text.size;
}

void FrameWriter::field(int32_t value) {
  char digits[11];
  field(Text{digits, format_int(value, digits)});
}

size_t FrameWriter::finish() {
  if (overflow_) return 0;
  size_t body = end_ - body_start_;
  size_t base = 2 + body + kTrailer;
  size_t digits = 1;
  while (decimal_digits(base + digits) != digits) digits++;
  size_t size = base + digits;
  size_t start = 2 + digits;
  if (start != body_start_) {
    for (size_t i = 0; i < body; i++) buffer_[start + i] = buffer_[body_start_ + i];
  }
  buffer_[0] = kSoh;
  buffer_[1] = kStx;
  size_t rest = size;
  for (size_t i = digits; i > 0; i--) {
    buffer_[1 + i] = static_cast<uint8_t>('0' + rest % 10);
    rest /= 10;
  }
  buffer_[start + body] = kEtx;
  uint8_t sum = static_cast<uint8_t>(xor_of(buffer_, start) ^ body_xor_ ^ kEtx);
  buffer_[start + body + 1] = static_cast<uint8_t>(kHex[sum >> 4]);
  buffer_[start + body + 2] = static_cast<uint8_t>(kHex[sum & 0x0f]);
  return size;
}

}  // namespace nullwatt
