#pragma once
#define IRAM_ATTR
#define DRAM_ATTR
#define RTC_NOINIT_ATTR
