#pragma once
#include <cstdarg>
#include "esp_err.h"
