// The HTTP client of the chip between a server and a memory that do as they are told. Prints "ok".

#include <esp_crt_bundle.h>
#include <esp_heap_caps.h>
#include <esp_http_client.h>
#include <esp_log.h>
#include <freertos/FreeRTOS.h>
#include <freertos/task.h>

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "esphome/components/ct002/web.h"
#include "esphome/core/hal.h"

using esphome::ct002::WebJob;
using esphome::ct002::WebResult;

namespace {

constexpr uint32_t LIMIT_MS = 20000;

// -- what the platform does ----------------------------------------------------------------------

uint32_t now_ms = 0;
size_t largest_block = SIZE_MAX;
std::vector<size_t> asked_for;
std::vector<std::string> levels_set;
esp_log_level_t level = ESP_LOG_VERBOSE;

/// One byte after another, each `pause_ms` after the one before; nothing after the last one.
struct Server {
  uint32_t pause_ms = 0;
  size_t head = 1;  ///< bytes before the body; SIZE_MAX: it never ends
  int64_t length = 0;
  bool chunked = false;
  std::string body;
  bool falls_silent = false;  ///< behind the body, instead of closing
  uint32_t connect_ms = 0;

  uint32_t opened_ms = 0;
  size_t taken = 0;
  int timeout_ms = 0;
} server;

/// Bytes that have arrived and were not taken.
size_t waiting() {
  const size_t all = server.head == SIZE_MAX ? SIZE_MAX : server.head + server.body.size();
  const size_t arrived = server.pause_ms == 0 ? all : (now_ms - server.opened_ms) / server.pause_ms;
  return (arrived < all ? arrived : all) - server.taken;
}

/// Of the transport: at most `most` bytes, 0 after the timeout.
size_t take(size_t most) {
  const uint32_t started_ms = now_ms;
  while (waiting() == 0) {
    if (now_ms - started_ms >= static_cast<uint32_t>(server.timeout_ms)) return 0;
    now_ms++;
  }
  const size_t size = waiting() < most ? waiting() : most;
  server.taken += size;
  return size;
}

void check(bool good, const char *what, int line) {
  if (good) return;
  printf("line %d: %s\n", line, what);
  exit(1);
}
#define CHECK(condition) check(condition, #condition, __LINE__)

}  // namespace

namespace esphome {
uint32_t millis() { return now_ms; }
}  // namespace esphome

void vTaskDelay(TickType_t ticks) { now_ms += ticks; }
void vTaskDelete(TaskHandle_t) {}
BaseType_t xTaskCreate(TaskFunction_t function, const char *, uint32_t, void *parameter, UBaseType_t, TaskHandle_t *) {
  function(parameter);
  return pdPASS;
}
void *heap_caps_malloc_prefer(size_t size, size_t, ...) {
  asked_for.push_back(size);
  return size > largest_block ? nullptr : malloc(size);
}
esp_err_t esp_crt_bundle_attach(void *) { return ESP_OK; }
esp_log_level_t esp_log_level_get(const char *) { return level; }
void esp_log_level_set(const char *tag, esp_log_level_t wanted) {
  CHECK(wanted <= ESP_LOG_INFO);
  levels_set.emplace_back(tag);
}

esp_http_client_handle_t esp_http_client_init(const esp_http_client_config_t *config) {
  server.timeout_ms = config->timeout_ms;
  return reinterpret_cast<esp_http_client_handle_t>(&server);
}
esp_err_t esp_http_client_set_header(esp_http_client_handle_t, const char *, const char *) { return ESP_OK; }
esp_err_t esp_http_client_set_timeout_ms(esp_http_client_handle_t, int timeout_ms) {
  server.timeout_ms = timeout_ms;
  return ESP_OK;
}
esp_err_t esp_http_client_open(esp_http_client_handle_t, int) {
  now_ms += server.connect_ms;
  server.opened_ms = now_ms;
  return ESP_OK;
}
int64_t esp_http_client_fetch_headers(esp_http_client_handle_t) {
  // As ESP-IDF does: it reads on for as long as bytes come.
  while (server.taken < server.head) {
    CHECK(now_ms - server.opened_ms < 1000 * LIMIT_MS);
    if (take(server.head == SIZE_MAX ? 1 : server.head - server.taken) == 0) return -ESP_ERR_HTTP_EAGAIN;
  }
  return server.length;
}
bool esp_http_client_is_chunked_response(esp_http_client_handle_t) { return server.chunked; }
int esp_http_client_get_status_code(esp_http_client_handle_t) { return 200; }
int esp_http_client_read(esp_http_client_handle_t, char *buffer, int size) {
  int got = 0;
  while (got < size) {
    const size_t at = server.taken - server.head;
    if (at == server.body.size() && !server.falls_silent) break;
    const size_t more = take(static_cast<size_t>(size - got));
    if (more == 0) return got > 0 ? got : -ESP_ERR_HTTP_EAGAIN;
    memcpy(buffer + got, server.body.data() + at, more);
    got += static_cast<int>(more);
  }
  return got;
}
bool esp_http_client_is_complete_data_received(esp_http_client_handle_t) {
  return server.taken == server.head + server.body.size();
}
esp_err_t esp_http_client_close(esp_http_client_handle_t) { return ESP_OK; }
esp_err_t esp_http_client_cleanup(esp_http_client_handle_t) { return ESP_OK; }

namespace {

struct Outcome {
  WebResult result;
  std::string body;
  bool truncated;
  uint32_t took_ms;
};

Outcome fetch(const Server &wanted, size_t limit = 16384) {
  server = wanted;
  asked_for.clear();
  levels_set.clear();
  const uint32_t started_ms = now_ms;
  WebJob job(limit);
  strcpy(job.url, "https://cloud.example/");
  job.timeout_ms = LIMIT_MS;
  CHECK(web_start(&job));
  CHECK(job.is_done() && !esphome::ct002::web_is_busy());
  return {job.result, std::string(job.body == nullptr ? "" : job.body, job.size), job.truncated, now_ms - started_ms};
}

std::string text(size_t size) {
  std::string made;
  while (made.size() < size) made += std::to_string(made.size()) + ",";
  made.resize(size);
  return made;
}

Server replying(const std::string &body, bool known) {
  Server made;
  made.body = body;
  made.length = known ? static_cast<int64_t>(body.size()) : 0;
  made.chunked = !known;
  return made;
}

void replies_arrive_whole() {
  for (const size_t size : {size_t{1}, size_t{2047}, size_t{2048}, size_t{2049}, size_t{9000}, size_t{16383}}) {
    for (const bool known : {true, false}) {
      for (const uint32_t pause_ms : {0u, 1u}) {
        Server made = replying(text(size), known);
        made.pause_ms = pause_ms;
        const Outcome outcome = fetch(made);
        CHECK(outcome.result == WebResult::REPLY && !outcome.truncated);
        CHECK(outcome.body == text(size));
      }
    }
  }
  CHECK(fetch(replying(text(16384), true)).body == text(16384));
  CHECK(fetch(replying("", true)).result == WebResult::REPLY);
  // To the end of the connection.
  Server plain = replying(text(3000), false);
  plain.chunked = false;
  CHECK(fetch(plain).body == text(3000));
}

void memory_is_asked_for_in_steps() {
  fetch(replying(text(500), false));
  CHECK(asked_for == std::vector<size_t>{2048});
  fetch(replying(text(9000), false));
  CHECK((asked_for == std::vector<size_t>{2048, 4096, 8192, 16384}));
  fetch(replying(text(9000), true));
  CHECK(asked_for == std::vector<size_t>{9000});
  // The body does not matter.
  fetch(replying(text(9000), true), 0);
  CHECK(asked_for.empty());
}

void too_long_is_not_too_little_memory() {
  CHECK(fetch(replying(text(16385), true)).truncated);
  CHECK(fetch(replying(text(17000), false)).truncated);
  largest_block = 4096;
  for (const bool known : {true, false}) {
    const Outcome outcome = fetch(replying(text(9000), known));
    CHECK(outcome.result == WebResult::NO_MEMORY && !outcome.truncated);
  }
  CHECK(fetch(replying(text(3000), false)).body == text(3000));
  largest_block = SIZE_MAX;
}

void no_server_keeps_it_busy() {
  for (const uint32_t pause_ms : {50u, 1000u, LIMIT_MS - 1000, 10 * LIMIT_MS}) {
    Server drips;
    drips.pause_ms = pause_ms;
    drips.head = SIZE_MAX;
    const Outcome head = fetch(drips);
    CHECK(head.result == WebResult::TIMED_OUT && head.took_ms <= LIMIT_MS + 100);
    for (const bool known : {true, false}) {
      Server body = replying(text(16000), known);
      body.pause_ms = pause_ms;
      const Outcome outcome = fetch(body);
      CHECK(outcome.result == WebResult::TIMED_OUT && outcome.took_ms <= LIMIT_MS + 100);
    }
  }
  Server silent = replying(text(100), false);
  silent.falls_silent = true;
  CHECK(fetch(silent).took_ms <= LIMIT_MS + 100);
  // All parts together.
  Server slow = replying(text(100), true);
  slow.connect_ms = LIMIT_MS - 1000;
  slow.pause_ms = 50;
  CHECK(fetch(slow).result == WebResult::TIMED_OUT);
}

void a_reply_that_is_cut_off() {
  Server made = replying(text(100), true);
  made.length = 200;
  CHECK(fetch(made).result == WebResult::CUT_OFF);
}

void the_log_holds_no_request() {
  fetch(replying("{}", true));
  CHECK(!levels_set.empty() && levels_set.front() == "HTTP_CLIENT");
  level = ESP_LOG_ERROR;
  fetch(replying("{}", true));
  CHECK(levels_set.empty());  // never more than somebody wanted
  level = ESP_LOG_VERBOSE;
}

}  // namespace

int main() {
  replies_arrive_whole();
  memory_is_asked_for_in_steps();
  too_long_is_not_too_little_memory();
  no_server_keeps_it_busy();
  a_reply_that_is_cut_off();
  the_log_holds_no_request();
  puts("ok");
}
