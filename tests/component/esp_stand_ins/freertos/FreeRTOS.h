// Stand-in: the names of FreeRTOS that ESPHome's headers and ours use, to let a computer's compiler read them.
#pragma once
#include <cstddef>
#include <cstdint>

using BaseType_t = int;
using UBaseType_t = unsigned int;
using TickType_t = uint32_t;
using StackType_t = uint8_t;
struct StaticTask_t {};
struct StaticSemaphore_t {};
#define pdPASS 1
#define pdTRUE 1
#define pdFALSE 0
#define tskIDLE_PRIORITY 0
#define portMAX_DELAY 0xFFFFFFFFu
#define portTICK_PERIOD_MS 1
#define portYIELD_FROM_ISR(woken) ((void) (woken))
#define pdMS_TO_TICKS(ms) (ms)
#define configTICK_RATE_HZ 1000
