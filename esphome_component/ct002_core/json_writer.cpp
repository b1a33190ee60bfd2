#include "json_writer.h"

#include "numeric.h"
#include "utf8.h"

namespace nullwatt {

void JsonWriter::comma() {
  if (needs_comma_) out_->put(',');
  needs_comma_ = true;
}

void JsonWriter::open(char bracket) {
  comma();
  out_->put(bracket);
  needs_comma_ = false;
}

void JsonWriter::close(char bracket) {
  out_->put(bracket);
  needs_comma_ = true;
}

void JsonWriter::key(Text name) {
  string(name);
  out_->put(':');
  needs_comma_ = false;
}

void JsonWriter::string(Text text) {
  begin_string();
  piece(text);
  end_string();
}

void JsonWriter::begin_string() {
  comma();
  out_->put('"');
}

void JsonWriter::end_string() { out_->put('"'); }

void JsonWriter::piece(Text text) {
  while (text.size > 0) {
    const size_t size = utf8_size(text);
    const char byte = text[0];
    if (size == 0) {
      out_->put('?');
    } else if (byte == '"' || byte == '\\') {
      out_->put('\\');
      out_->put(byte);
    } else if (static_cast<uint8_t>(byte) < 0x20) {
      out_->put("\\u00");
      out_->put(static_cast<char>('0' + (byte >> 4)));
      out_->put("0123456789abcdef"[byte & 15]);
    } else {
      out_->put(Text{text.data, size});
    }
    const size_t step = size == 0 ? 1 : size;
    text.data += step;
    text.size -= step;
  }
}

void JsonWriter::integer(int32_t value) {
  comma();
  out_->put_int(value);
}

void JsonWriter::number(float value, uint8_t decimals) {
  if (!is_finite(value)) {
    null();
    return;
  }
  comma();
  out_->put_fixed(value, decimals);
}

void JsonWriter::boolean(bool value) {
  comma();
  out_->put(value ? "true" : "false");
}

void JsonWriter::null() {
  comma();
  out_->put("null");
}

}  // namespace nullwatt
