// Hostile input against the whole core, for AddressSanitizer and UBSan. With clang's libFuzzer
// (-fsanitize=fuzzer -DLIBFUZZER) it is guided by coverage; otherwise main() makes the inputs.

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "app_responder.h"
#include "ble_pairing.h"
#include "c_api.h"
#include "emulator.h"
#include "registration.h"

namespace {

using nullwatt::Emulator;
using nullwatt::Text;

/// Reads the fuzzer's bytes as numbers; zeros when they run out.
class Source {
 public:
  Source(const uint8_t *data, size_t size) : data_(data), size_(size) {}

  bool empty() const { return size_ == 0; }
  uint8_t byte() {
    if (size_ == 0) return 0;
    size_--;
    return *data_++;
  }
  uint32_t word() {
    uint32_t value = 0;
    for (int i = 0; i < 4; i++) value = value << 8 | byte();
    return value;
  }
  float number() {
    uint32_t bits = word();
    float value;
    memcpy(&value, &bits, sizeof(value));
    return value;
  }
  /// Exactly `size` bytes in a block of their own, so that reading past them is seen.
  std::unique_ptr<uint8_t[]> block(size_t size) {
    std::unique_ptr<uint8_t[]> bytes(new uint8_t[size]);
    for (size_t i = 0; i < size; i++) bytes[i] = byte();
    return bytes;
  }

 private:
  const uint8_t *data_;
  size_t size_;
};

[[noreturn]] void fail(const char *what) {
  fprintf(stderr, "broken promise: %s\n", what);
  abort();
}

void check_reply(const uint8_t *reply, size_t size) {
  Text body;
  if (nullwatt::decode_frame(reply, size, &body) != nullwatt::DropReason::kNone) fail("a reply parses back");
  nullwatt::FieldReader fields(body);
  Text field;
  int count = 0;
  while (fields.next(&field)) count++;
  if (count != 24) fail("a reply has 24 fields");
}

void send(Emulator *emulator, const uint8_t *datagram, size_t size, Source *source, uint32_t now_ms) {
  size_t capacity = source->byte() < 200 ? 256 : source->byte();
  std::unique_ptr<uint8_t[]> reply(new uint8_t[capacity]);
  nullwatt::DropReason reason;
  size_t answer = emulator->handle(datagram, size, "192.0.2.1:22222", now_ms, reply.get(), capacity, &reason);
  if (answer > capacity) fail("a reply stays inside its buffer");
  if ((answer > 0) != (reason == nullwatt::DropReason::kNone)) fail("silence has a reason");
  if (answer > 0) check_reply(reply.get(), answer);
}

/// A well-formed poll with odd contents: random bytes alone rarely get past the checksum.
void send_framed(Emulator *emulator, Source *source, uint32_t now_ms) {
  static const char *kTypes[] = {"HMG-50", "VNSE3-0", "HMJ-2", "JPLS-8H", ""};
  static const char *kPhases[] = {"A", "B", "C", "D", "0", " a"};
  uint8_t buffer[300];
  nullwatt::FrameWriter frame(buffer, sizeof(buffer));
  frame.field(nullwatt::text_of(kTypes[source->byte() % 5]));
  char mac[16] = "60f1a2b3c4";
  mac[10] = static_cast<char>('a' + source->byte() % 20);
  frame.field(nullwatt::text_of(mac));
  frame.field(nullwatt::text_of("HME-4"));
  frame.field(nullwatt::text_of(""));
  frame.field(nullwatt::text_of(kPhases[source->byte() % 6]));
  if (source->byte() % 4 != 0) {
    frame.field(static_cast<int32_t>(static_cast<int16_t>(source->word())));
  } else {
    frame.field(static_cast<int32_t>(source->word() & 0x7fffffff));
  }
  size_t extra = source->byte() % 8;
  std::unique_ptr<uint8_t[]> text = source->block(extra);
  for (size_t i = 0; i < extra; i++) text[i] &= 0x7f;
  frame.field(Text{reinterpret_cast<const char *>(text.get()), extra});
  size_t size = frame.finish();
  std::unique_ptr<uint8_t[]> exact(new uint8_t[size]);
  memcpy(exact.get(), buffer, size);
  send(emulator, exact.get(), size, source, now_ms);
}

/// The cloud and the app may send anything, and buffers may have any size.
void talk_to_the_cloud(const Emulator &emulator, Source *source, uint32_t now_ms) {
  nullwatt::RegistrationConfig config;
  config.account = {"https://cloud.example", "a@b", "0123456789abcdef", "Europe/Berlin", "HME-4"};
  nullwatt::RegistrationRecord record;
  for (char &byte : record.mac) byte = static_cast<char>(source->byte());
  record.stage = source->byte() % 6;
  record.model = 4;
  std::unique_ptr<nullwatt::Registration> registration(new nullwatt::Registration(config, record));
  static const char *kReplies[] = {R"({"code":2,"token":"t","data":[]})", R"({"data":[{"devid":"02b250aabbcc"}]})",
                                   R"({"code":"1"})", R"({"code":4})", "{}"};
  for (int i = 0; i < 8; i++) {
    const size_t room = source->byte() % 8 == 0 ? source->byte() : nullwatt::kCloudUrlSize;
    std::unique_ptr<char[]> url(new char[room + 1]);
    now_ms += registration->pause_ms();
    registration->next_request(now_ms, source->word(), url.get(), room);
    const char *reply = kReplies[source->byte() % 5];
    const size_t known = strlen(reply);
    const size_t size = source->byte() % 3 == 0 ? source->byte() : known;
    std::unique_ptr<uint8_t[]> body = source->block(size);
    if (size == known) memcpy(body.get(), reply, size);
    if (size > 0 && source->byte() % 2 == 0) body[source->byte() % size] ^= 4;
    registration->on_reply(200, Text{reinterpret_cast<const char *>(body.get()), size}, false, now_ms);
    nullwatt::parse_app_poll(Text{reinterpret_cast<const char *>(body.get()), size});
    nullwatt::is_app_poll(Text{reinterpret_cast<const char *>(body.get()), size}, nullwatt::text_of("HME-4"),
                          nullwatt::text_of("02b250aabbcc"));
  }
  const size_t room = source->byte() * 4u;
  std::unique_ptr<char[]> list(new char[room]);
  if (nullwatt::write_slave_list(emulator, list.get(), room) > room) fail("a list stays inside its buffer");
}

void change_settings(Emulator *emulator, Source *source) {
  nullwatt::Settings settings;
  settings.active = source->byte() % 2 == 0;
  settings.manual = source->byte() % 2 == 0;
  settings.manual_target_w = source->number();
  settings.weight = source->number();
  char mac[16] = "60f1a2b3c4";
  mac[10] = static_cast<char>('a' + source->byte() % 40);
  emulator->set_override(nullwatt::text_of(mac), settings, source->byte());
}

/// A phone that writes anything, sometimes a frame that is well-formed.
struct Phone {
  nullwatt::BleStream stream;
  nullwatt::BlePairing pairing;
  nullwatt::WifiTrial trial;

  void begin(Source *source, uint32_t now_ms) {
    nullwatt::BleOptions options;
    options.allow_wifi_change = source->byte() % 2 == 0;
    options.allow_direction_change = source->byte() % 2 == 0;
    options.pairing_window_ms = source->byte() * 1000u;
    pairing.begin(options, source->byte() % 2 == 0, now_ms);
  }

  void write(Source *source, uint32_t now_ms) {
    uint8_t frame[nullwatt::kBleLongestReply];
    nullwatt::BleFrameWriter writer(frame, sizeof(frame), source->byte() % 26);
    for (size_t left = source->byte() % 140u; left > 0; left--) writer.put(source->byte());
    const size_t size = source->byte() % 4 == 0 ? writer.payload_size() : writer.finish();
    for (size_t i = 0; i < size; i++) stream.put(frame[i], now_ms);
    if (source->byte() % 8 == 0) {
      stream.clear();
      pairing.disconnect();
    }
  }

  void serve(const Emulator &emulator, Source *source, uint32_t now_ms) {
    nullwatt::BleContext context;
    context.ct_type = nullwatt::text_of(source->byte() % 2 == 0 ? "HME-4" : "HME-3");
    context.id = nullwatt::text_of("02b2503c7e91");
    for (float &power_w : context.phase_w) power_w = source->number();
    for (float &voltage_v : context.phase_v) voltage_v = source->number();
    context.mtu = static_cast<uint16_t>(source->word());
    context.rssi_dbm = static_cast<int8_t>(source->byte());
    context.reversed_bits = source->byte();
    context.emulator = &emulator;
    nullwatt::BleFrame request;
    while (stream.first(&request)) {
      const uint8_t command = request.command;
      const size_t capacity = source->byte();
      std::unique_ptr<uint8_t[]> reply(new uint8_t[capacity]);
      const nullwatt::BleOutcome outcome = pairing.handle(request, context, now_ms, reply.get(), capacity);
      stream.drop_first();
      nullwatt::BleFrame answer;
      if (outcome.reply_size > capacity) fail("a reply to the phone stays inside its buffer");
      if (outcome.reply_size > 0 && !nullwatt::ble_decode(reply.get(), outcome.reply_size, &answer)) {
        fail("a reply to the phone is a frame");
      }
      if (outcome.reply_size > 0 && answer.command != command) fail("a reply to the phone repeats the command");
      if (outcome.reversed_bits > 7) fail("there are three phases");
      if (outcome.action == nullwatt::BleAction::kWifiOffered) {
        trial.offer(pairing.credentials(), pairing.options().allow_wifi_change, {true, false, {}, {}}, now_ms);
        pairing.forget_credentials();
      }
    }
    const nullwatt::WifiFacts facts{source->byte() % 16 != 0, source->byte() % 2 == 0,
                                    nullwatt::text_of(trial.credentials().ssid),
                                    nullwatt::text_of(trial.credentials().password)};
    if (trial.tick(facts, now_ms) == nullwatt::WifiStep::kSave) trial.forget();
  }
};

void look(const Emulator &emulator) {
  ct002_state state;
  emulator.state(&state);
  if (state.consumers > nullwatt::kMaxBatteries) fail("the table keeps its size");
  ct002_consumer consumer;
  uint8_t count = 0;
  while (emulator.consumer(count, &consumer)) {
    if (memchr(consumer.key, 0, sizeof(consumer.key)) == nullptr) fail("texts end");
    count++;
  }
  if (count != state.consumers) fail("every battery is shown once");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  Source source(data, size);
  nullwatt::Config config;
  config.active_control = source.byte() % 4 != 0;
  config.dedupe_window_ms = source.byte() % 3 == 0 ? 500 : 0;
  config.consumer_ttl_ms = source.byte() % 4 == 0 ? 3000 : -1;
  auto emulator = std::make_unique<Emulator>(config);
  uint32_t now_ms = source.word();
  auto phone = std::make_unique<Phone>();
  phone->begin(&source, now_ms);
  while (!source.empty()) {
    now_ms += source.byte() % 8 == 0 ? source.word() % 100000 : source.byte() * 4u;
    switch (source.byte() % 10) {
      case 0: {
        size_t length = source.byte() + (source.byte() % 8 == 0 ? 200u : 0u);
        std::unique_ptr<uint8_t[]> datagram = source.block(length);
        send(emulator.get(), datagram.get(), length, &source, now_ms);
        break;
      }
      case 1: {
        float grid_w[3] = {source.number(), source.number(), source.number()};
        emulator->update_grid(grid_w, source.byte() % 5, now_ms);
        break;
      }
      case 2: {
        float grid_w[3] = {static_cast<float>(static_cast<int16_t>(source.word())), 0.0f, 20.0f};
        emulator->update_grid(grid_w, 3, now_ms);
        break;
      }
      case 3:
        emulator->update_grid_phase(source.byte() % 5, source.byte() % 5, source.number(), now_ms);
        break;
      case 4:
        change_settings(emulator.get(), &source);
        break;
      case 5:
        emulator->tick(now_ms);
        look(*emulator);
        break;
      case 6:
        if (source.byte() % 8 == 0) emulator->set_active_control(source.byte() % 2 == 0);
        if (source.byte() % 8 == 0) emulator->invalidate_grid(now_ms);
        if (source.byte() % 8 == 0) emulator->unassign_grid();
        if (source.byte() % 8 == 0) emulator->reconfigure(config);
        if (source.byte() % 4 == 0) talk_to_the_cloud(*emulator, &source, now_ms);
        break;
      case 7:
        phone->write(&source, now_ms);
        if (source.byte() % 4 == 0) phone->serve(*emulator, &source, now_ms);
        break;
      default:
        send_framed(emulator.get(), &source, now_ms);
    }
  }
  look(*emulator);
  return 0;
}

#ifndef LIBFUZZER
int main(int argc, char **argv) {
  long runs = argc > 1 ? atol(argv[1]) : 1000;
  uint32_t state = argc > 2 ? static_cast<uint32_t>(atol(argv[2])) : 1u;
  for (long run = 0; run < runs; run++) {
    uint8_t data[4096];
    for (uint8_t &byte : data) {
      state ^= state << 13;  // xorshift32
      state ^= state >> 17;
      state ^= state << 5;
      byte = static_cast<uint8_t>(state >> 24);
    }
    LLVMFuzzerTestOneInput(data, state % sizeof(data));
  }
  printf("%ld runs\n", runs);
  return 0;
}
#endif
