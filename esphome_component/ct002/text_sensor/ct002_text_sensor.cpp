#include "ct002_text_sensor.h"

#include <cstring>

#include "esphome/components/ct002/printable.h"

namespace esphome::ct002 {

namespace texts {

static void copy(const char *from, char (&text)[TEXT_SIZE]) {
  strncpy(text, from, TEXT_SIZE - 1);
  text[TEXT_SIZE - 1] = '\0';
  make_printable(text);
}

void last_drop_reason(const View &view, char (&text)[TEXT_SIZE]) {
  if (view.last_drop != nullwatt::DropReason::kNone)
    copy(nullwatt::drop_reason_text(view.last_drop), text);
}

void phase(const View &view, char (&text)[TEXT_SIZE]) {
  if (view.battery == nullptr)
    return;
  const char letter[] = {view.battery->phase, '\0'};
  copy(letter, text);
}

void model(const View &view, char (&text)[TEXT_SIZE]) {
  if (view.battery != nullptr)
    copy(view.battery->device_type, text);
}

void mac(const View &view, char (&text)[TEXT_SIZE]) { copy(view.mac, text); }

void address(const View &view, char (&text)[TEXT_SIZE]) {
  if (view.battery == nullptr)
    return;
  copy(view.battery->source, text);
  if (char *port = strrchr(text, ':'))
    *port = '\0';
}

}  // namespace texts

void CT002TextSensor::refresh(const View &view) {
  char text[TEXT_SIZE] = "";
  this->text_(view, text);
  if (!this->has_state() || this->get_raw_state() != text)
    this->publish_state(text);
}

}  // namespace esphome::ct002
