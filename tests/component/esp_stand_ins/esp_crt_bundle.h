#pragma once
#include "esp_http_client.h"
esp_err_t esp_crt_bundle_attach(void *conf);
