// Stand-in: signatures and fields as in ESP-IDF 5.
#pragma once
#include <cstddef>
#include <cstdint>

#include "esp_err.h"
#define ESP_ERR_HTTP_EAGAIN 0x7007

using esp_http_client_handle_t = struct esp_http_client *;
enum esp_http_client_method_t { HTTP_METHOD_GET = 0 };
struct esp_http_client_config_t {
  const char *url;
  const char *cert_pem;
  const char *user_agent;
  esp_http_client_method_t method;
  int timeout_ms;
  bool disable_auto_redirect;
  int buffer_size;
  int buffer_size_tx;
  bool skip_cert_common_name_check;
  esp_err_t (*crt_bundle_attach)(void *conf);
};
esp_http_client_handle_t esp_http_client_init(const esp_http_client_config_t *config);
esp_err_t esp_http_client_set_header(esp_http_client_handle_t client, const char *key, const char *value);
esp_err_t esp_http_client_set_timeout_ms(esp_http_client_handle_t client, int timeout_ms);
esp_err_t esp_http_client_open(esp_http_client_handle_t client, int write_size);
int64_t esp_http_client_fetch_headers(esp_http_client_handle_t client);
bool esp_http_client_is_chunked_response(esp_http_client_handle_t client);
int esp_http_client_get_status_code(esp_http_client_handle_t client);
int esp_http_client_read(esp_http_client_handle_t client, char *buffer, int size);
bool esp_http_client_is_complete_data_received(esp_http_client_handle_t client);
esp_err_t esp_http_client_close(esp_http_client_handle_t client);
esp_err_t esp_http_client_cleanup(esp_http_client_handle_t client);
