#include "web.h"
#ifdef USE_CT002_WEB

#include <cstring>

#ifdef USE_ESP32
#include <freertos/FreeRTOS.h>
#include <freertos/task.h>
#else
#include <thread>
#endif

#include "esphome/core/helpers.h"

namespace esphome::ct002 {

static std::atomic<bool> busy{false};

#ifdef USE_ESP32
// As much as ESPHome's own task for HTTPS has.
static constexpr uint32_t STACK_SIZE = 8192;
#endif

static void wipe(char *bytes, size_t size) {
  // volatile, or the compiler leaves out what nobody reads again.
  for (volatile char *at = bytes; size > 0; size--)
    *at++ = '\0';
}

WebJob::~WebJob() {
  wipe(this->url, sizeof(this->url));
  wipe(this->token, sizeof(this->token));
  if (this->body == nullptr)
    return;
  wipe(this->body, this->capacity_);
  RAMAllocator<char>().deallocate(this->body, this->capacity_);
}

bool WebJob::reserve(size_t size) {
  if (size > this->body_limit)
    size = this->body_limit;
  if (size <= this->capacity_)
    return this->body != nullptr;
  RAMAllocator<char> allocator;
  char *grown = allocator.allocate(size);
  if (grown == nullptr)
    return false;
  if (this->body != nullptr) {
    memcpy(grown, this->body, this->size);
    wipe(this->body, this->capacity_);
    allocator.deallocate(this->body, this->capacity_);
  }
  this->body = grown;
  this->capacity_ = size;
  return true;
}

static void run(WebJob *job) {
  web_fetch(job);
  // From here on the job may be gone at any moment.
  job->done.store(true, std::memory_order_release);
  busy.store(false);
}

bool web_is_busy() { return busy.load(); }

#ifdef USE_ESP32

static void task(void *job) {
  run(static_cast<WebJob *>(job));
  vTaskDelete(nullptr);
}

bool web_start(WebJob *job) {
  if (busy.exchange(true))
    return false;
  // Below the main loop: it calculates keys only while that one waits.
  if (xTaskCreate(task, "ct002_web", STACK_SIZE, job, tskIDLE_PRIORITY, nullptr) == pdPASS)
    return true;
  busy.store(false);
  return false;
}

#else

bool web_start(WebJob *job) {
  if (busy.exchange(true))
    return false;
  std::thread(run, job).detach();
  return true;
}

#endif

}  // namespace esphome::ct002

#endif
