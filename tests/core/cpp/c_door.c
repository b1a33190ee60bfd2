/* A C program with the core inside: compiled as C, linked without libstdc++. */

#include <stdio.h>
#include <string.h>

#include "c_api.h"

static uint64_t emulator_memory[4096];
static uint64_t config_memory[64];

int main(void) {
  ct002_config *config = ct002_config_init(config_memory, sizeof(config_memory));
  if (config == NULL || ct002_config_set_number(config, "no_such_option", 1.0f) != CT002_UNKNOWN) return 1;
  if (ct002_init(emulator_memory, 16, config) != NULL) return 2;
  if (ct002_init((char *)emulator_memory + 1, sizeof(emulator_memory) - 1, config) != NULL) return 3;
  ct002_emulator *emulator = ct002_init(emulator_memory, sizeof(emulator_memory), config);
  if (emulator == NULL) return 4;
  float grid_w[1] = {250.0f};
  ct002_update_grid(emulator, grid_w, 1, 0);
  uint8_t request[256];
  uint8_t reply[256];
  const char *fields = "HMG-50|60F1A2B3C401|HME-4||A|0";
  size_t size = ct002_encode_frame(fields, strlen(fields), request, sizeof(request));
  uint8_t reason = 99;
  size_t answer = ct002_handle(emulator, request, size, "192.0.2.1:22222", 10, reply, sizeof(reply), &reason);
  if (answer == 0 || reason != 0) return 5;
  printf("%.*s\n", (int)answer - 6, (const char *)reply + 5);
  return 0;
}
