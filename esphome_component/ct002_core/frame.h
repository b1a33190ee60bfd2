#pragma once
// The envelope of every CT002 datagram:
//   SOH STX length | field | field ... ETX checksum
// Length is decimal and counts the whole datagram; checksum is the XOR of everything
// up to and including ETX, two hex digits. Only this file knows these bytes.

#include <cstddef>
#include <cstdint>

#include "text.h"

namespace nullwatt {

/// Why a datagram got no reply. The order is the order of the checks.
enum class DropReason : uint8_t {
  kNone,
  kTooLong,
  kTooShort,
  kNoHeader,
  kNoSeparator,
  kLengthNotANumber,
  kLengthMismatch,
  kNoEndOfText,
  kChecksum,
  kNotAscii,
  kTooFewFields,
  kOtherCtMac,
  kDuplicate,
  kTableFull,
  kReplyTooLong,
};

inline constexpr uint8_t kDropReasons = static_cast<uint8_t>(DropReason::kReplyTooLong) + 1;

/// One line for people, without a full stop.
const char *drop_reason_text(DropReason reason);

/// Checks a frame of any size and points `body` at the bytes between the first separator
/// and ETX. The body is a view into `frame`.
DropReason decode_frame(const uint8_t *frame, size_t size, Text *body);

/// Walks the fields of a body from left to right.
class FieldReader {
 public:
  explicit FieldReader(Text body) : rest_(body) {}

  /// False when there is no further field. An empty body holds one empty field.
  bool next(Text *field);

 private:
  Text rest_;
  bool done_ = false;
};

/// Builds a frame in place. Running out of room is remembered, so only finish() has to be asked.
class FrameWriter {
 public:
  FrameWriter(uint8_t *buffer, size_t capacity);

  void field(Text text);
  void field(int32_t value);

  /// Closes the frame and returns its size, or 0 if it does not fit the buffer or 9999 bytes.
  size_t finish();

 private:
  uint8_t *buffer_;
  size_t capacity_;
  size_t body_start_;
  size_t end_;
  uint8_t body_xor_ = 0;  ///< kept while writing, so that closing need not read the body again
  bool overflow_ = false;
};

}  // namespace nullwatt
