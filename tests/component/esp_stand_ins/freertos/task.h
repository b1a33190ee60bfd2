#pragma once
#include "FreeRTOS.h"

using TaskHandle_t = struct Task *;
using TaskFunction_t = void (*)(void *);
BaseType_t xTaskCreate(TaskFunction_t function, const char *name, uint32_t stack_size, void *parameter,
                       UBaseType_t priority, TaskHandle_t *handle);
void vTaskDelete(TaskHandle_t handle);
void vTaskDelay(TickType_t ticks);
TaskHandle_t xTaskGetCurrentTaskHandle();
TickType_t xTaskGetTickCount();
TickType_t xTaskGetTickCountFromISR();
BaseType_t xTaskNotifyGive(TaskHandle_t task);
void vTaskNotifyGiveFromISR(TaskHandle_t task, BaseType_t *woken);
uint32_t ulTaskNotifyTake(BaseType_t clear, TickType_t ticks);
bool xPortInIsrContext();
void vPortYield();
