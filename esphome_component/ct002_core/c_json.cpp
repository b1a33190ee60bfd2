#include "c_json.h"

#include "json_reader.h"
#include "json_writer.h"

using nullwatt::JsonValue;
using nullwatt::Text;
using nullwatt::Writer;

namespace {

JsonValue parsed(const char *document, size_t size) {
  JsonValue root;
  nullwatt::json_parse(Text{document, size}, &root);
  return root;
}

uint8_t told(const JsonValue &value, const char **raw, size_t *raw_size) {
  *raw = value.raw.data;
  *raw_size = value.raw.size;
  return static_cast<uint8_t>(value.type);
}

}  // namespace

extern "C" {

uint8_t ct002_json_look(const char *document, size_t size, const char *name, const char **raw, size_t *raw_size) {
  const JsonValue root = parsed(document, size);
  return told(name == nullptr ? root : nullwatt::json_member(root, name), raw, raw_size);
}

uint8_t ct002_json_item(const char *document, size_t size, size_t index, const char **raw, size_t *raw_size) {
  const JsonValue root = parsed(document, size);
  nullwatt::JsonItems items(root);
  JsonValue item;
  for (size_t i = 0; items.next(&item); i++) {
    if (i == index) return told(item, raw, raw_size);
  }
  return told(JsonValue(), raw, raw_size);
}

int ct002_json_text(const char *document, size_t size, char *out, size_t capacity) {
  return nullwatt::json_text(parsed(document, size), out, capacity) ? 1 : 0;
}

int ct002_json_int(const char *document, size_t size, int32_t *out) {
  return nullwatt::json_int(parsed(document, size), out) ? 1 : 0;
}

size_t ct002_json_quote(const char *text, size_t size, char *out, size_t capacity) {
  Writer writer(out, capacity);
  nullwatt::JsonWriter(&writer).string(Text{text, size});
  return writer.size();
}

size_t ct002_put_fixed(float value, uint8_t decimals, char *out, size_t capacity) {
  Writer writer(out, capacity);
  writer.put_fixed(value, decimals);
  return writer.size();
}
}
