#include "web.h"
#if defined(USE_CT002_WEB) && defined(USE_ESP32)

#include <cstring>

#include <sdkconfig.h>

#include <esp_http_client.h>
#include <esp_log.h>
#ifdef CONFIG_MBEDTLS_CERTIFICATE_BUNDLE
#include <esp_crt_bundle.h>
#endif

#include "esphome/core/hal.h"

namespace esphome::ct002 {

// Room for the headers of a reply, one at a time, and of the request beside its URL and its token.
static constexpr int HEADER_SIZE = 1024;

// A body of unknown length gets this much room at first.
static constexpr size_t FIRST_ROOM = 2048;
// How often it is looked whether something has arrived. The client may log each look.
static constexpr uint32_t LOOK_MS = 100;

// At DEBUG the client logs the head of the request, and with it all that is secret.
static const char *const TALKATIVE[] = {"HTTP_CLIENT", "HTTP_HEADER",     "transport_base", "transport",
                                        "esp-tls",     "esp-tls-mbedtls", "mbedtls"};

static void quieten() {
  // Without effect where the level is fixed when the firmware is built, as by ESPHome's default: see the warning in
  // marstek_registration.py.
  for (const char *tag : TALKATIVE) {
    if (esp_log_level_get(tag) > ESP_LOG_INFO)
      esp_log_level_set(tag, ESP_LOG_INFO);
  }
}

/// The client's own timeouts begin anew with every byte: one that drips would never end.
class Patience {
 public:
  explicit Patience(uint32_t limit_ms) : started_ms_(millis()), limit_ms_(limit_ms) {}

  bool is_over() const { return millis() - this->started_ms_ >= this->limit_ms_; }
  /// Until the next look. False if it is over.
  bool wait() const {
    if (this->is_over())
      return false;
    delay(LOOK_MS);
    return true;
  }

 protected:
  uint32_t started_ms_;
  uint32_t limit_ms_;
};

static bool has_nothing_yet(int64_t code) { return code == -ESP_ERR_HTTP_EAGAIN; }

static WebResult read_body(esp_http_client_handle_t client, int64_t length, const Patience &patience, WebJob *job) {
  if (job->body_limit == 0)
    return WebResult::REPLY;
  const bool chunked = esp_http_client_is_chunked_response(client);
  const bool known = !chunked && length > 0;
  if (known && length > static_cast<int64_t>(job->body_limit)) {
    job->truncated = true;
    return WebResult::REPLY;
  }
  const size_t room = known ? static_cast<size_t>(length) : job->body_limit;
  while (job->size < room) {
    if (job->size == job->capacity()) {
      const size_t first = known ? room : FIRST_ROOM;
      if (!job->reserve(job->size == 0 ? first : 2 * job->size))
        return WebResult::NO_MEMORY;
    }
    const int size = esp_http_client_read(client, job->body + job->size, static_cast<int>(job->capacity() - job->size));
    if (size == 0) {
      // Without a length the end of the connection is the end of the body; whether it is whole shows in the JSON.
      const bool whole = !known && (!chunked || esp_http_client_is_complete_data_received(client));
      return whole ? WebResult::REPLY : WebResult::CUT_OFF;
    }
    if (size < 0 && !has_nothing_yet(size))
      return WebResult::CUT_OFF;
    if (size > 0)
      job->size += static_cast<size_t>(size);
    if (size < 0 ? !patience.wait() : patience.is_over())
      return WebResult::TIMED_OUT;
  }
  job->truncated = !known;
  return WebResult::REPLY;
}

static WebResult ask(esp_http_client_handle_t client, WebJob *job) {
  esp_http_client_set_header(client, "Accept", "application/json");
  if (job->token[0] != '\0') {
    esp_http_client_set_header(client, "Content-Type", "application/json");
    esp_http_client_set_header(client, "token", job->token);
  }
  const Patience patience(job->timeout_ms);
  if (esp_http_client_open(client, 0) != ESP_OK)
    return WebResult::UNREACHABLE;
  // From here on it takes what has arrived and waits for nothing; we wait.
  esp_http_client_set_timeout_ms(client, 0);
  int64_t length = esp_http_client_fetch_headers(client);
  for (; has_nothing_yet(length); length = esp_http_client_fetch_headers(client)) {
    if (!patience.wait())
      return WebResult::TIMED_OUT;
  }
  if (length < 0)
    return WebResult::CUT_OFF;
  job->status = esp_http_client_get_status_code(client);
  return read_body(client, length, patience, job);
}

void web_fetch(WebJob *job) {
  quieten();
  esp_http_client_config_t config = {};
  config.url = job->url;
  config.method = HTTP_METHOD_GET;
  config.user_agent = "Dart/2.19 (dart:io)";
  config.timeout_ms = static_cast<int>(job->timeout_ms);
  // A redirect would carry the secrets of the URL elsewhere.
  config.disable_auto_redirect = true;
  config.buffer_size = HEADER_SIZE;
  // The first line of the request must fit as a whole.
  config.buffer_size_tx = static_cast<int>(strlen(job->url) + strlen(job->token)) + HEADER_SIZE;
  if (job->tls.ca_certificate != nullptr && job->tls.verify) {
    config.cert_pem = job->tls.ca_certificate;
#ifdef CONFIG_MBEDTLS_CERTIFICATE_BUNDLE
  } else if (job->tls.verify) {
    config.crt_bundle_attach = esp_crt_bundle_attach;
#endif
  }
  esp_http_client_handle_t client = esp_http_client_init(&config);
  if (client == nullptr)
    return;
  job->result = ask(client, job);
  esp_http_client_close(client);
  esp_http_client_cleanup(client);
}

}  // namespace esphome::ct002

#endif
