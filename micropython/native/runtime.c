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
