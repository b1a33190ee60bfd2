#pragma once
// Bounded text: views over bytes that somebody else owns, fixed-size copies, and
// integers to and from decimal. Nothing here allocates or needs a terminator.

#include <cstddef>
#include <cstdint>

namespace nullwatt {

/// A run of bytes inside a buffer that outlives the view. May be empty; never null-terminated.
struct Text {
  const char *data = nullptr;
  size_t size = 0;

  char operator[](size_t index) const { return data[index]; }
};

/// View over a null-terminated string; nullptr is the empty text.
Text text_of(const char *literal);

/// ASCII lower case of one byte; other bytes are returned as they are.
char lower(char byte);
char upper(char byte);

/// Byte by byte.
bool equal(Text a, Text b);
bool equal_ignoring_case(Text a, Text b);

bool starts_with(Text text, Text begin);
bool starts_with_ignoring_case(Text text, Text begin);

/// What stands before the separator, all of it without one; `rest` is left with what follows the separator.
Text take_until(char separator, Text *rest);

/// The text without ASCII white space at both ends.
Text trim(Text text);

/// Copies at most `capacity - 1` bytes and terminates; what does not fit is cut off.
void copy_text(Text text, char *out, size_t capacity);

/// Decimal integer with optional sign, surrounded by optional blanks. False (and `out`
/// untouched) for anything else and for values beyond 32 bit: `1_000`, `0x10`, `-217.5`, "".
bool parse_int(Text text, int32_t *out);

/// Writes the decimal digits of `value`, at most 11 bytes. Returns the count. Never `-0`.
size_t format_int(int32_t value, char *out);

/// Round half to even, the rounding of the wire format. Values beyond 32 bit are clamped.
int32_t round_half_even(float value);

}  // namespace nullwatt
