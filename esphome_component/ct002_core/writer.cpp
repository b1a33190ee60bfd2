#include "writer.h"

#include "numeric.h"

namespace nullwatt {

void Writer::put_int(int32_t value) {
  if (value < 0) put('-');
  put_unsigned(value < 0 ? 0u - static_cast<uint32_t>(value) : static_cast<uint32_t>(value));
}

void Writer::put_unsigned(uint32_t value) {
  char digits[10];
  size_t count = 0;
  do {
    digits[count++] = static_cast<char>('0' + value % 10);
    value /= 10;
  } while (value != 0);
  while (count > 0) put(digits[--count]);
}

void Writer::put_fixed(float value, uint8_t decimals) {
  constexpr float kLimit = 2147483520.0f;  // the largest float that still fits int32_t
  if (!is_finite(value)) value = 0.0f;
  int32_t scale = 1;
  for (uint8_t i = 0; i < decimals && i < 3; i++) scale *= 10;
  const float scaled = clamp(value * static_cast<float>(scale), -kLimit, kLimit);
  const int32_t rounded = static_cast<int32_t>(scaled < 0.0f ? scaled - 0.5f : scaled + 0.5f);
  if (rounded < 0) put('-');
  const uint32_t whole = rounded < 0 ? 0u - static_cast<uint32_t>(rounded) : static_cast<uint32_t>(rounded);
  put_unsigned(whole / static_cast<uint32_t>(scale));
  if (scale == 1) return;
  put('.');
  for (uint32_t digit = static_cast<uint32_t>(scale) / 10; digit > 0; digit /= 10) {
    put(static_cast<char>('0' + whole / digit % 10));
  }
}

void Writer::put_percent_encoded(Text text) {
  const char *hex = "0123456789ABCDEF";
  for (size_t i = 0; i < text.size; i++) {
    const char byte = text[i];
    const bool plain = (lower(byte) >= 'a' && lower(byte) <= 'z') || (byte >= '0' && byte <= '9') || byte == '-' ||
                       byte == '.' || byte == '_' || byte == '~';
    if (plain) {
      put(byte);
      continue;
    }
    const auto code = static_cast<uint8_t>(byte);
    put('%');
    put(hex[code >> 4]);
    put(hex[code & 15]);
  }
}

}  // namespace nullwatt
