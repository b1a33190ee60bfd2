#include "utc_time.h"

namespace nullwatt {
namespace {

constexpr uint32_t kDayS = 86400;

void put_two_digits(uint32_t value, Writer *out) {
  if (value < 10) out->put('0');
  out->put_unsigned(value);
}

}  // namespace

void write_date(uint32_t unix_s, Writer *out) {
  // Years that begin in March have their leap day at the end; 1970-01-01 is day 306 of one of them.
  uint32_t day = unix_s / kDayS + 306;
  uint32_t year = 1969;
  while (true) {
    const uint32_t next = year + 1;  // its February belongs to this year
    const bool leap = next % 4 == 0 && (next % 100 != 0 || next % 400 == 0);
    const uint32_t days = leap ? 366 : 365;
    if (day < days) break;
    day -= days;
    year = next;
  }
  // March to January have 31 30 31 30 31 31 30 31 30 31 31 days: five months are 153.
  const uint32_t month = (5 * day + 2) / 153;
  const uint32_t first = (153 * month + 2) / 5;
  out->put_unsigned(month < 10 ? year : year + 1);
  out->put('-');
  put_two_digits(month < 10 ? month + 3 : month - 9, out);
  out->put('-');
  put_two_digits(day - first + 1, out);
}

void write_date_time(uint32_t unix_s, Writer *out) {
  write_date(unix_s, out);
  const uint32_t second = unix_s % kDayS;
  out->put('T');
  put_two_digits(second / 3600, out);
  out->put(':');
  put_two_digits(second / 60 % 60, out);
  out->put(':');
  put_two_digits(second % 60, out);
  out->put("+00:00");
}

}  // namespace nullwatt
