#pragma once
// Text into a buffer of the caller. What does not fit is counted all the same, so a caller without room learns how much
// is needed.

#include <cstddef>
#include <cstdint>

#include "text.h"

namespace nullwatt {

class Writer {
 public:
  /// `out` may be nullptr with capacity 0: then it only counts.
  Writer(char *out, size_t capacity) : out_(out), capacity_(capacity) {}

  void put(char byte) {
    if (size_ < capacity_) out_[size_] = byte;
    size_++;
  }
  void put(Text text) {
    for (size_t i = 0; i < text.size; i++) put(text[i]);
  }
  void put(const char *literal) { put(text_of(literal)); }
  void put_int(int32_t value);
  void put_unsigned(uint32_t value);
  /// Fixed point with 0..3 decimals, rounded half away from zero; no trailing zeros are cut. Non-finite: 0. Values
  /// beyond what 32 bit hold of the last decimal are clamped.
  void put_fixed(float value, uint8_t decimals);
  /// Every byte but A-Z a-z 0-9 - . _ ~ as %XX (RFC 3986).
  void put_percent_encoded(Text text);

  /// Bytes that were put, fitting or not.
  size_t size() const { return size_; }
  bool fits() const { return size_ <= capacity_; }
  /// Ends the text with a zero byte that is not counted; false if text and zero do not fit.
  bool terminate() {
    if (size_ >= capacity_) return false;
    out_[size_] = '\0';
    return true;
  }

 private:
  char *out_;
  size_t capacity_;
  size_t size_ = 0;
};

}  // namespace nullwatt
