#include "web.h"
#if defined(USE_CT002_WEB) && defined(USE_ESP32)

#include <cstring>

#include <sdkconfig.h>

#include <esp_http_client.h>
#ifdef CONFIG_MBEDTLS_CERTIFICATE_BUNDLE
#include <esp_crt_bundle.h>
#endif

#include "esphome/core/hal.h"

namespace esphome::ct002 {

// Room for the headers of a reply, one at a time, and of the request beside its URL and its token.
static constexpr int HEADER_SIZE = 1024;

static WebResult failure_of(int64_t code) {
  return code == -ESP_ERR_HTTP_EAGAIN ? WebResult::TIMED_OUT : WebResult::CUT_OFF;
}

static WebResult read_body(esp_http_client_handle_t client, int64_t length, WebJob *job) {
  if (job->body_limit == 0)
    return WebResult::REPLY;
  const bool chunked = esp_http_client_is_chunked_response(client);
  const bool known = !chunked && length > 0;
  if (known && length > static_cast<int64_t>(job->body_limit)) {
    job->truncated = true;
    return WebResult::REPLY;
  }
  const size_t room = known ? static_cast<size_t>(length) : job->body_limit;
  if (!job->reserve(room)) {
    job->truncated = true;
    return WebResult::REPLY;
  }
  const uint32_t started_ms = millis();
  while (job->size < room) {
    const int size = esp_http_client_read(client, job->body + job->size, static_cast<int>(room - job->size));
    if (size < 0)
      return failure_of(size);
    if (size == 0) {
      // Without a length the end of the connection is the end of the body; whether it is whole shows in the JSON.
      const bool whole = !known && (!chunked || esp_http_client_is_complete_data_received(client));
      return whole ? WebResult::REPLY : WebResult::CUT_OFF;
    }
    job->size += static_cast<size_t>(size);
    if (millis() - started_ms > job->timeout_ms)
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
  if (esp_http_client_open(client, 0) != ESP_OK)
    return WebResult::UNREACHABLE;
  const int64_t length = esp_http_client_fetch_headers(client);
  if (length < 0)
    return failure_of(length);
  job->status = esp_http_client_get_status_code(client);
  return read_body(client, length, job);
}

void web_fetch(WebJob *job) {
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
