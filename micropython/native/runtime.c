// What compilers call by themselves and a native .mpy finds nowhere else. The user C module does not need this file.

#include "py/dynruntime.h"

// dynruntime makes macros of some of these names.
#undef memcpy
#undef memmove
#undef memset
#undef memcmp

void *memcpy(void *to, const void *from, size_t size) { return mp_fun_table.memmove_(to, from, size); }

void *memmove(void *to, const void *from, size_t size) { return mp_fun_table.memmove_(to, from, size); }

void *memset(void *to, int byte, size_t size) { return mp_fun_table.memset_(to, byte, size); }

int memcmp(const void *left, const void *right, size_t size) {
  const uint8_t *a = left;
  const uint8_t *b = right;
  for (; size > 0 && *a == *b; a++, b++) size--;
  return size == 0 ? 0 : *a - *b;
}

size_t strlen(const char *text) {
  const volatile char *at = text;  // or the compiler sees what the loop is and makes a call to strlen of it
  while (*at != '\0') at++;
  return (size_t)((const char *)at - text);
}

int strcmp(const char *left, const char *right) {
  while (*left != '\0' && *left == *right) left++, right++;
  return (uint8_t)*left - (uint8_t)*right;
}

// Digit by digit, rounded to the nearest: what chips do that have an instruction for it, and IEEE 754 asks for.
float sqrtf(float value) {
  uint32_t bits;
  __builtin_memcpy(&bits, &value, sizeof(bits));
  if (bits << 1 == 0) return value;                                     // zero keeps its sign
  if ((bits & 0x7F800000) == 0x7F800000) return value * value + value;  // infinity, or not a number
  if (bits >> 31 != 0) return (value - value) / (value - value);
  int32_t exponent = (int32_t)(bits >> 23);
  uint32_t rest = bits & 0x7FFFFF;
  if (exponent == 0) {
    for (exponent = 1; (rest & 0x800000) == 0; exponent--) rest <<= 1;
  } else {
    rest |= 0x800000;
  }
  exponent -= 127;
  rest <<= (exponent & 1) != 0 ? 2 : 1;
  exponent >>= 1;
  uint32_t root = 0;
  uint32_t doubled = 0;
  for (uint32_t digit = 0x1000000; digit != 0; digit >>= 1) {
    uint32_t taken = doubled + digit;
    if (taken <= rest) {
      doubled = taken + digit;
      rest -= taken;
      root += digit;
    }
    rest <<= 1;
  }
  if (rest != 0) root += root & 1;
  bits = (root >> 1) + 0x3F000000 + ((uint32_t)exponent << 23);
  __builtin_memcpy(&value, &bits, sizeof(bits));
  return value;
}
