// Nanoseconds per poll through the C door: four batteries taking turns, a meter sample per round.
// The number of polls may be given, for tools that count instructions instead of time.

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "c_api.h"

namespace {

constexpr int kBatteries = 4;
constexpr int kPolls = 2000000;
alignas(8) unsigned char emulator_memory[1 << 16];
alignas(8) unsigned char config_memory[1 << 12];

}  // namespace

int main(int count, char **arguments) {
  int polls = count > 1 ? atoi(arguments[1]) : kPolls;
  ct002_config *config = ct002_config_init(config_memory, sizeof(config_memory));
  ct002_emulator *emulator = ct002_init(emulator_memory, sizeof(emulator_memory), config);
  uint8_t requests[kBatteries][256];
  size_t sizes[kBatteries];
  for (int i = 0; i < kBatteries; i++) {
    char fields[] = "HMG-50|60F1A2B3C40x|HME-4|5cce1b7a90d4|A|-217";
    fields[18] = static_cast<char>('0' + i);
    fields[39] = static_cast<char>('A' + i % 3);
    sizes[i] = ct002_encode_frame(fields, strlen(fields), requests[i], sizeof(requests[i]));
  }
  uint8_t reply[256];
  uint8_t reason = 0;
  size_t bytes = 0;
  uint32_t now_ms = 0;
  auto start = std::chrono::steady_clock::now();
  for (int poll = 0; poll < polls; poll++) {
    int i = poll % kBatteries;
    if (i == 0) {
      now_ms += 1000;
      float grid_w[3] = {static_cast<float>(poll % 600) - 300.0f, 40.0f, -20.0f};
      ct002_update_grid(emulator, grid_w, 3, now_ms);
    }
    bytes += ct002_handle(emulator, requests[i], sizes[i], "192.0.2.1:22222", now_ms, reply, sizeof(reply), &reason);
  }
  std::chrono::duration<double, std::nano> spent = std::chrono::steady_clock::now() - start;
  if (bytes < static_cast<size_t>(polls) * 80) return 1;
  printf("%.1f\n", spent.count() / polls);
  return 0;
}
