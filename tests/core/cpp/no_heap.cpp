// Fails on any allocation inside handle, update_grid, tick and the rest after construction.
// Linked with --wrap for malloc and friends, so that a call from anywhere is seen.

#include <cstdio>
#include <cstdlib>

#include "emulator.h"

namespace {
bool forbidden = false;
int violations = 0;

void note(const char *what) {
  if (!forbidden) return;
  violations++;
  fputs(what, stderr);
  fputs(" called after construction\n", stderr);
}
}  // namespace

extern "C" {
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__wrap_malloc(size_t size) {
  note("malloc");
  return __real_malloc(size);
}
void *__wrap_calloc(size_t count, size_t size) {
  note("calloc");
  return __real_calloc(count, size);
}
void *__wrap_realloc(void *memory, size_t size) {
  note("realloc");
  return __real_realloc(memory, size);
}
}

void *operator new(size_t size) {
  note("operator new");
  return __real_malloc(size);
}
void operator delete(void *memory) noexcept { free(memory); }
void operator delete(void *memory, size_t) noexcept { free(memory); }

namespace {

using nullwatt::Emulator;
using nullwatt::FrameWriter;
using nullwatt::text_of;

size_t request(int battery, const char *phase, int32_t power_w, uint8_t *buffer) {
  char mac[] = "60f1a2b3c4xx";
  mac[10] = static_cast<char>('a' + battery / 10);
  mac[11] = static_cast<char>('0' + battery % 10);
  FrameWriter frame(buffer, nullwatt::kMaxDatagram);
  frame.field(text_of(battery % 2 == 0 ? "HMG-50" : "HMJ-2"));
  frame.field(text_of(mac));
  frame.field(text_of("HME-4"));
  frame.field(text_of(""));
  frame.field(text_of(phase));
  frame.field(power_w);
  return frame.finish();
}

Emulator emulator{nullwatt::Config()};

void run() {
  const char *phases[] = {"A", "B", "C", "D", "0"};
  uint32_t now_ms = 0xffff0000u;  // wraps on the way
  for (int step = 0; step < 5000; step++) {
    now_ms += 97;
    float grid_w[3] = {static_cast<float>(step % 700), -3.0f, 12.0f};
    if (step % 10 == 0) emulator.update_grid(grid_w, 3, now_ms);
    if (step % 777 == 0) emulator.invalidate_grid(now_ms);
    if (step % 5 == 0) emulator.update_grid_phase(static_cast<uint8_t>(step % 3), 3, 40.0f, now_ms);
    uint8_t datagram[nullwatt::kMaxDatagram];
    uint8_t reply[nullwatt::kMaxDatagram];
    // More batteries than there is room for, garbage in between.
    size_t size = request(step % (nullwatt::kMaxBatteries + 3), phases[step % 5], step % 400 - 200, datagram);
    if (step % 13 == 0) datagram[size / 2] ^= 0x41;
    emulator.handle(datagram, size, "192.0.2.1:22222", now_ms, reply, sizeof(reply));
    emulator.tick(now_ms);
    nullwatt::Settings settings;
    settings.weight = static_cast<float>(step % 11);
    emulator.set_override(text_of(step % 2 == 0 ? "60f1a2b3c4a1" : "60f1a2b3c4a2"), settings, nullwatt::kSetWeight);
    if (step % 1000 == 0) emulator.set_active_control(step % 2000 == 0);
    ct002_state state;
    emulator.state(&state);
    ct002_consumer consumer;
    emulator.consumer(static_cast<uint8_t>(step % 4), &consumer);
  }
}

}  // namespace

int main(int argc, char **) {
  forbidden = true;
  // Proves that the check can fail: any argument makes it allocate.
  if (argc > 1) free(malloc(16));
  run();
  forbidden = false;
  ct002_state state;
  emulator.state(&state);
  if (state.replies < 3000 || state.refused_full == 0) {
    fputs("the run did not exercise the emulator\n", stderr);
    return 2;
  }
  return violations == 0 ? 0 : 1;
}
