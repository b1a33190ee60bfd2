#include "app_responder.h"

#include "numeric.h"
#include "utf8.h"
#include "writer.h"

namespace nullwatt {
namespace {

const char *prefix_name(uint8_t prefix) { return prefix == 0 ? "hame_energy" : "marstek_energy"; }

/// No house draws more; and three of them still fit 32 bit.
constexpr float kMostPhaseW = 100000000.0f;

bool is_utf8(Text text) {
  while (text.size > 0) {
    const size_t size = utf8_size(text);
    if (size == 0) return false;
    text = Text{text.data + size, text.size - size};
  }
  return true;
}

int32_t whole_phase_w(float power_w) {
  return is_finite(power_w) ? round_half_even(clamp(power_w, -kMostPhaseW, kMostPhaseW)) : 0;
}

void put_member(Writer *out, const char *key, int32_t value) {
  out->put(key);
  out->put('=');
  out->put_int(value);
  out->put(',');
}

/// What separates in a list must not stand in its values.
void put_plain(Writer *out, Text text) {
  for (size_t i = 0; i < text.size; i++) {
    const char byte = text[i];
    out->put(byte == ',' || byte == ';' || byte == '=' ? '_' : byte);
  }
}

void put_slave(Writer *out, const AppSlave &slave) {
  out->put("slv_t=");
  put_plain(out, slave.type);
  out->put(",slv_id=");
  put_plain(out, slave.id);
  out->put(",slv_ip=");
  // Without the port: what follows the last colon, unless that is one of many (IPv6).
  Text address = slave.address;
  size_t colons = 0;
  size_t last = address.size;
  for (size_t i = 0; i < address.size; i++) {
    if (address[i] != ':') continue;
    colons++;
    last = i;
  }
  if (colons == 1) address.size = last;
  if (address.size == 0) address = text_of("0.0.0.0");
  put_plain(out, address);
  out->put(",slv_p=");
  out->put(upper(slave.phase));
}

bool comes_before(Text a, Text b) {
  for (size_t i = 0; i < a.size && i < b.size; i++) {
    if (a[i] != b[i]) return static_cast<uint8_t>(a[i]) < static_cast<uint8_t>(b[i]);
  }
  return a.size < b.size;
}

}  // namespace

size_t write_app_topic(AppTopic kind, uint8_t prefix, Text ct_type, Text mac, char *out, size_t capacity) {
  Writer topic(out, capacity);
  topic.put(prefix_name(prefix));
  topic.put('/');
  topic.put(ct_type);
  topic.put(kind == AppTopic::kPoll ? "/App/" : "/device/");
  topic.put(mac);
  topic.put("/ctrl");
  return topic.terminate() ? topic.size() : 0;
}

bool is_app_poll(Text topic, Text ct_type, Text mac) {
  if (ct_type.size == 0 || mac.size == 0) return false;
  size_t slashes = 0;
  for (size_t i = 0; i < topic.size; i++) slashes += topic[i] == '/' ? 1 : 0;
  if (slashes != 4) return false;
  const Text prefix = take_until('/', &topic);
  if (!equal(prefix, text_of(prefix_name(0))) && !equal(prefix, text_of(prefix_name(1)))) return false;
  return equal(take_until('/', &topic), ct_type) && equal(take_until('/', &topic), text_of("App")) &&
         equal_ignoring_case(take_until('/', &topic), mac) && equal(topic, text_of("ctrl"));
}

AppPoll parse_app_poll(Text payload) {
  if (!is_utf8(payload)) return AppPoll::kNone;
  int32_t code = 0;
  bool has_code = false;
  bool has_page = false;
  while (payload.size > 0) {
    Text value = take_until(',', &payload);
    const size_t whole = value.size;
    const Text name = take_until('=', &value);
    if (name.size == whole) continue;  // no '='
    const Text key = trim(name);
    int32_t number = 0;
    if (equal_ignoring_case(key, text_of("cd"))) {
      has_code = parse_int(value, &number);
      code = number;
    } else if (equal_ignoring_case(key, text_of("p1"))) {
      has_page = parse_int(value, &number);
    }
  }
  if (!has_code) return AppPoll::kNone;
  if (code == 1) return AppPoll::kRuntime;
  return code == 4 && has_page ? AppPoll::kSlaves : AppPoll::kNone;
}

size_t write_runtime_frame(const AppReadings &readings, char *out, size_t capacity) {
  Writer frame(out, capacity);
  int32_t power_w[3];
  for (uint8_t i = 0; i < 3; i++) power_w[i] = whole_phase_w(readings.power_w[i]);
  put_member(&frame, "pwr_a", power_w[0]);
  put_member(&frame, "pwr_b", power_w[1]);
  put_member(&frame, "pwr_c", power_w[2]);
  put_member(&frame, "pwr_t", power_w[0] + power_w[1] + power_w[2]);
  put_member(&frame, "wif_s", 2);
  put_member(&frame, "wif_r", readings.rssi_dbm);
  put_member(&frame, "ver_v", readings.version);
  put_member(&frame, "slv_n", readings.slaves);
  frame.put("cur_d=0,ble_s=0,fc4_v=202409090159,kwh=0.00,n_kwh=0.00,used_kwh=0.00,fed_kwh=0.00");
  return frame.fits() ? frame.size() : 0;
}

size_t write_slave_list(const AppSlave *slaves, size_t count, char *out, size_t capacity) {
  Writer list(out, capacity);
  size_t last = count;
  for (uint8_t written = 0; written < kSlavesPerMessage; written++) {
    // The first one behind the last one; of equal ids the one that came first.
    size_t next = count;
    for (size_t i = 0; i < count; i++) {
      const Text id = slaves[i].id;
      const bool behind =
          written == 0 || comes_before(slaves[last].id, id) || (i > last && !comes_before(id, slaves[last].id));
      if (behind && (next == count || comes_before(id, slaves[next].id))) next = i;
    }
    if (next == count) break;
    if (written > 0) list.put(',');
    put_slave(&list, slaves[next]);
    last = next;
  }
  return list.fits() ? list.size() : 0;
}

size_t write_slave_list(const Emulator &emulator, char *out, size_t capacity) {
  Writer list(out, capacity);
  ct002_consumer consumer;
  char last[sizeof(consumer.key)] = "";
  for (uint8_t written = 0; written < kSlavesPerMessage; written++) {
    // Keys are never empty and never twice there. One battery at a time, to need little stack.
    ct002_consumer next;
    bool found = false;
    for (uint8_t i = 0; emulator.consumer(i, &consumer); i++) {
      const Text key = text_of(consumer.key);
      if (!comes_before(text_of(last), key)) continue;
      if (found && !comes_before(key, text_of(next.key))) continue;
      next = consumer;
      found = true;
    }
    if (!found) break;
    if (written > 0) list.put(',');
    put_slave(&list, {text_of(next.device_type), text_of(next.key), text_of(next.source), next.phase});
    copy_text(text_of(next.key), last, sizeof(last));
  }
  return list.fits() ? list.size() : 0;
}

void AppPacer::set_connected(bool connected) {
  if (connected && !connected_) due_ = true;
  if (!connected) busy_ = false;  // whatever was in work is lost with the connection
  connected_ = connected;
}

bool AppPacer::accept(AppPoll poll) {
  if (poll == AppPoll::kNone || busy_ || !connected_) return false;
  busy_ = true;
  return true;
}

bool AppPacer::broadcast_due(bool mac_known, uint32_t now_ms) {
  if (interval_ms_ == 0 || !connected_) return false;
  // Remembered, so that a counter that wraps meanwhile does not hide it.
  if (now_ms - sent_ms_ >= interval_ms_) due_ = true;
  if (!due_ || busy_ || !mac_known) return false;
  due_ = false;
  busy_ = true;
  sent_ms_ = now_ms;
  return true;
}

}  // namespace nullwatt
