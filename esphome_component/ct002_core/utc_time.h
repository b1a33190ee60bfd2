#pragma once
// Dates of the Gregorian calendar from seconds since 1970, in UTC.

#include "writer.h"

namespace nullwatt {

/// Before this a clock was never set: 2020-01-01.
inline constexpr uint32_t kEarliestUnixTime = 1577836800;

/// YYYY-MM-DD
void write_date(uint32_t unix_s, Writer *out);

/// YYYY-MM-DDThh:mm:ss+00:00
void write_date_time(uint32_t unix_s, Writer *out);

}  // namespace nullwatt
