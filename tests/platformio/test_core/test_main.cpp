// Smoke test of the core for PlatformIO: the frame codec and a poll, from bytes to bytes.

#include <cstdio>
#include <cstring>

#include "emulator.h"

namespace {

const char *failure = nullptr;
int failure_line = 0;

#define EXPECT(condition)                     \
  do {                                        \
    if (!(condition) && failure == nullptr) { \
      failure = #condition;                   \
      failure_line = __LINE__;                \
    }                                         \
  } while (false)

// An HMG-50 on phase A that delivers nothing.
constexpr char kRequest[] =
    "\x01\x02"
    "50|HMG-50|60F1A2B3C401|HME-4|5cce1b7a90d4|A|0\x03"
    "4e";
constexpr size_t kRequestSize = sizeof(kRequest) - 1;

const uint8_t *bytes(const char *text) { return reinterpret_cast<const uint8_t *>(text); }

void encodes_a_frame() {
  uint8_t frame[32];
  nullwatt::FrameWriter writer(frame, sizeof(frame));
  writer.field(nullwatt::text_of("abc"));
  size_t size = writer.finish();
  EXPECT(size == 11);
  EXPECT(std::memcmp(frame,
                     "\x01\x02"
                     "11|abc\x03"
                     "1c",
                     11) == 0);
}

void decodes_a_frame() {
  nullwatt::Text body;
  EXPECT(nullwatt::decode_frame(bytes(kRequest), kRequestSize, &body) == nullwatt::DropReason::kNone);
  nullwatt::FieldReader fields(body);
  nullwatt::Text field;
  int count = 0;
  while (fields.next(&field)) count++;
  EXPECT(count == 6);
}

void refuses_a_damaged_frame() {
  char damaged[sizeof(kRequest)];
  std::memcpy(damaged, kRequest, sizeof(kRequest));
  damaged[10] ^= 1;
  nullwatt::Text body;
  EXPECT(nullwatt::decode_frame(bytes(damaged), kRequestSize, &body) == nullwatt::DropReason::kChecksum);
}

void answers_a_poll_in_relay_mode() {
  nullwatt::Config config;
  config.active_control = false;
  nullwatt::Emulator emulator(config);
  const float grid_w[3] = {312.0f, -48.0f, 95.0f};
  emulator.update_grid(grid_w, 3, 1000);
  uint8_t reply[nullwatt::kMaxDatagram];
  size_t size = emulator.handle(bytes(kRequest), kRequestSize, "192.0.2.21:22222", 1000, reply, sizeof(reply));
  constexpr char kExpected[] = "|HME-4|5cce1b7a90d4|HMG-50|60F1A2B3C401|312|-48|95|359|1|0|0|0|-50|0|0|0|";
  EXPECT(size > 5 + std::strlen(kExpected));
  EXPECT(std::memcmp(reply + 4, kExpected, std::strlen(kExpected)) == 0);
}

void steers_a_battery_against_the_import() {
  nullwatt::Emulator emulator{nullwatt::Config()};
  const float grid_w[3] = {300.0f, 0.0f, 0.0f};
  emulator.update_grid(grid_w, 3, 1000);
  uint8_t reply[nullwatt::kMaxDatagram];
  EXPECT(emulator.handle(bytes(kRequest), kRequestSize, "192.0.2.21:22222", 1000, reply, sizeof(reply)) > 0);
  ct002_consumer battery;
  EXPECT(emulator.consumer(0, &battery));
  EXPECT(battery.reading_w > 0.0f);
  EXPECT(!emulator.consumer(1, &battery));
}

void stays_silent_to_noise() {
  nullwatt::Emulator emulator{nullwatt::Config()};
  uint8_t reply[nullwatt::kMaxDatagram];
  nullwatt::DropReason reason = nullwatt::DropReason::kNone;
  EXPECT(emulator.handle(bytes("noise"), 5, "192.0.2.21:22222", 0, reply, sizeof(reply), &reason) == 0);
  EXPECT(reason == nullwatt::DropReason::kTooShort);
}

bool run(const char *name, void (*test)()) {
  failure = nullptr;
  test();
  if (failure == nullptr) {
    std::printf("ok %s\n", name);
  } else {
    std::printf("fail %s: %s:%d: %s\n", name, __FILE__, failure_line, failure);
  }
  return failure == nullptr;
}

}  // namespace

int main() {
  bool passed = true;
#define RUN(test) passed &= run(#test, test)
  RUN(encodes_a_frame);
  RUN(decodes_a_frame);
  RUN(refuses_a_damaged_frame);
  RUN(answers_a_poll_in_relay_mode);
  RUN(steers_a_battery_against_the_import);
  RUN(stays_silent_to_noise);
  std::printf("done\n");
  return passed ? 0 : 1;
}
