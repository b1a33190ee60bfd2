#include "consumer_table.h"

#include "clock.h"

namespace nullwatt {
namespace {

constexpr uint32_t kFirstTtlMs = 30000;
constexpr uint32_t kMinTtlMs = 5000;
constexpr uint32_t kTtlPolls = 2;
constexpr uint32_t kMaxIntervalMs = 6000000;  // keeps tenths of a second inside 16 bit

/// Quotient rounded half to even.
uint32_t divide_rounded(uint32_t value, uint32_t divisor) {
  uint32_t quotient = value / divisor;
  uint32_t rest = value % divisor;
  if (2 * rest > divisor || (2 * rest == divisor && (quotient & 1) != 0)) quotient++;
  return quotient;
}

}  // namespace

Consumer *ConsumerTable::find(const char *key) {
  for (Consumer &consumer : entries_) {
    if (consumer.used && same_key(consumer.key, key)) return &consumer;
  }
  return nullptr;
}

Consumer *ConsumerTable::admit(const char *key) {
  for (Consumer &consumer : entries_) {
    if (consumer.used) continue;
    consumer = Consumer();
    copy_text(text_of(key), consumer.key, kKeySize);
    consumer.used = true;
    return &consumer;
  }
  return nullptr;
}

uint8_t ConsumerTable::count() const {
  uint8_t count = 0;
  for (const Consumer &consumer : entries_) {
    if (consumer.used) count++;
  }
  return count;
}

uint32_t time_to_live_ms(const Consumer &consumer, int32_t fixed_ttl_ms) {
  if (fixed_ttl_ms >= 0) return static_cast<uint32_t>(fixed_ttl_ms);
  if (consumer.polls < 2) return kFirstTtlMs;
  uint32_t ttl_ms = kTtlPolls * consumer.poll_interval_ds * 100u;
  return ttl_ms < kMinTtlMs ? kMinTtlMs : ttl_ms;
}

bool expired(const Consumer &consumer, int32_t fixed_ttl_ms, uint32_t now_ms) {
  return elapsed_ms(now_ms, consumer.seen_ms) > time_to_live_ms(consumer, fixed_ttl_ms);
}

void note_poll(Consumer *consumer, uint32_t now_ms) {
  if (consumer->polls > 0) {
    uint32_t interval_ms = elapsed_ms(now_ms, consumer->seen_ms);
    if (interval_ms > kMaxIntervalMs) interval_ms = kMaxIntervalMs;
    uint32_t tenths = consumer->polls == 1 ? divide_rounded(interval_ms, 100)
                                           : divide_rounded(3 * interval_ms + 700 * consumer->poll_interval_ds, 1000);
    consumer->poll_interval_ds = static_cast<uint16_t>(tenths);
  }
  consumer->seen_ms = now_ms;
  if (consumer->polls != UINT32_MAX) consumer->polls++;
}

}  // namespace nullwatt
