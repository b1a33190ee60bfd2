#pragma once
/* JSON of the side protocols alone, for tools and tests. */

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* cffi-begin */
/* What a document, or the member `name` of it (NULL = the whole), is: 0 nothing or no JSON, 1 object, 2 array,
 * 3 string, 4 number, 5 true, 6 false, 7 null. `raw` and `raw_size` point into the document. */
uint8_t ct002_json_look(const char *document, size_t size, const char *name, const char **raw, size_t *raw_size);
/* The same for an item of an array, counted from 0. */
uint8_t ct002_json_item(const char *document, size_t size, size_t index, const char **raw, size_t *raw_size);
/* A string without its escapes, terminated; 0 if it is none or does not fit. */
int ct002_json_text(const char *document, size_t size, char *out, size_t capacity);
int ct002_json_int(const char *document, size_t size, int32_t *out);
/* A text as a JSON string. Bytes needed; nothing past `capacity` is written. */
size_t ct002_json_quote(const char *text, size_t size, char *out, size_t capacity);
/* Fixed point with 0..3 decimals. Bytes needed. */
size_t ct002_put_fixed(float value, uint8_t decimals, char *out, size_t capacity);
/* cffi-end */

#ifdef __cplusplus
}
#endif
