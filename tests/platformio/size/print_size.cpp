// The program of `pio run`: how much memory the core takes.

#include <cstdio>

#include "emulator.h"

#ifndef PIO_UNIT_TESTING
int main() {
  std::printf("Emulator: %zu bytes for %u batteries\n", sizeof(nullwatt::Emulator), nullwatt::kMaxBatteries);
  return 0;
}
#endif
