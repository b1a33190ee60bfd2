#pragma once
#include <cstddef>
#include <cstdint>
#define MALLOC_CAP_8BIT 1
#define MALLOC_CAP_SPIRAM 2
#define MALLOC_CAP_INTERNAL 4
void *heap_caps_malloc(size_t size, uint32_t caps);
void *heap_caps_malloc_prefer(size_t size, size_t count, ...);
void *heap_caps_calloc(size_t count, size_t size, uint32_t caps);
void *heap_caps_realloc(void *memory, size_t size, uint32_t caps);
void *heap_caps_realloc_prefer(void *memory, size_t size, size_t count, ...);
void heap_caps_free(void *memory);
size_t heap_caps_get_free_size(uint32_t caps);
size_t heap_caps_get_largest_free_block(uint32_t caps);
