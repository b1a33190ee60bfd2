// The glue of the block `bluetooth:` as a program: the real bluetooth.cpp and ct002.cpp with the real core, between a
// radio, a Wi-Fi and preferences that only take notes. Compiled without access control, as ESPHome's classes are
// final and keep to themselves what happens to them.

#include <esp_bt_device.h>
#include <esp_mac.h>
#include <esp_system.h>
#include <esp_wifi.h>

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "esphome/components/ct002/bluetooth.h"
#include "esphome/components/ct002/udp_socket.h"
#include "esphome/components/esp32_ble_server/ble_2902.h"
#include "esphome/components/wifi/wifi_component.h"
#include "esphome/core/application.h"
#include "esphome/core/preferences.h"

using Bytes = std::vector<uint8_t>;

#define CHECK(condition)                                                                         \
  do {                                                                                           \
    if (!(condition)) {                                                                          \
      fprintf(stderr, "%s:%d: %s\nlog:\n%s", __FILE__, __LINE__, #condition, world.log.c_str()); \
      exit(1);                                                                                   \
    }                                                                                            \
  } while (false)

// -- the world ---------------------------------------------------------------------------------

struct World {
  uint32_t now_ms = 4294960000u;  // close to the wrap
  std::string log;
  std::vector<Bytes> notified;
  Bytes radio_address;
  const char *name = nullptr;
  bool stack_started = false;
  int advertised = 0;
  bool name_in_packet = false;
  int restarts = 0;
  std::vector<std::pair<uint32_t, std::function<void()>>> timers;
  esp_reset_reason_t reset_reason = ESP_RST_POWERON;
  bool wifi_connected = false;
  std::string wifi_ssid, wifi_password;
  std::vector<std::string> wifi_calls;
  Bytes stored;
};
static World world;

namespace esphome {

uint32_t millis() { return world.now_ms; }
void get_mac_address_raw(uint8_t *mac) { memcpy(mac, "\xa0\xb1\xc2\xd3\xe4\xf5", 6); }
uint32_t fnv1_hash(const char *text) {
  uint32_t hash = 0;
  while (*text != '\0') hash = hash * 31 + static_cast<uint8_t>(*text++);
  return hash;
}
void esp_log_printf_(int level, const char *tag, int line, const char *format, ...) {
  char text[512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof(text), format, arguments);
  va_end(arguments);
  world.log += std::string(text) + "\n";
}

void Application::safe_reboot() { world.restarts++; }
Application App;

void Component::setup() {}
void Component::loop() {}
void Component::dump_config() {}
void Component::call_setup() {}
bool Component::can_proceed() { return true; }
float Component::get_setup_priority() const { return 0.0f; }
void Component::mark_failed() { world.log += "failed\n"; }
void Component::status_set_error(const LogString *message) {}
void Component::status_set_warning(const LogString *message) {}
void Component::status_clear_warning_slow_path_() {}
void Component::set_timeout(const char *name, uint32_t timeout_ms, std::function<void()> &&call) {
  world.timers.emplace_back(world.now_ms + timeout_ms, std::move(call));
}

static esp32::ESP32PreferenceBackend backend;
static esp32::ESP32Preferences preferences;
ESPPreferences *global_preferences = &preferences;
ESPPreferenceObject esp32::ESP32Preferences::make_preference(size_t length, uint32_t type) {
  return ESPPreferenceObject(&backend);
}
bool esp32::ESP32PreferenceBackend::save(const uint8_t *data, size_t size) {
  world.stored.assign(data, data + size);
  return true;
}
bool esp32::ESP32PreferenceBackend::load(uint8_t *data, size_t size) {
  if (world.stored.size() != size) return false;
  memcpy(data, world.stored.data(), size);
  return true;
}

sensor::Sensor::Sensor() = default;

namespace socket {
BSDSocketImpl::~BSDSocketImpl() = default;
size_t format_sockaddr_to(const struct sockaddr *address, socklen_t size, std::span<char, SOCKADDR_STR_LEN> out) {
  return 0;
}
}  // namespace socket

namespace ble_device_base {
ESPBTUUID ESPBTUUID::from_uint16(uint16_t uuid) { return {}; }
}  // namespace ble_device_base

namespace wifi {
CompactString::CompactString(const char *text, size_t size) : CompactString() {}
CompactString::CompactString(CompactString &&other) noexcept : CompactString() {}
CompactString &CompactString::operator=(CompactString &&other) noexcept { return *this; }
CompactString::~CompactString() = default;
WiFiComponent::WiFiComponent() = default;
void WiFiComponent::setup() {}
void WiFiComponent::loop() {}
void WiFiComponent::dump_config() {}
WiFiComponent *global_wifi_component = nullptr;
const char *WiFiComponent::wifi_ssid_to(std::span<char, SSID_BUFFER_SIZE> buffer) {
  return strcpy(buffer.data(), world.wifi_connected ? world.wifi_ssid.c_str() : "");
}
int8_t WiFiComponent::wifi_rssi() { return -61; }
void WiFiComponent::start_connecting(const WiFiAP &ap) { world.wifi_calls.emplace_back("connect"); }
void WiFiComponent::set_sta(const WiFiAP &ap) { world.wifi_calls.emplace_back("set_sta"); }
void WiFiComponent::retry_connect() { world.wifi_calls.emplace_back("retry"); }
void WiFiComponent::save_wifi_sta(const char *ssid, const char *password) {
  world.wifi_calls.push_back(std::string("save ") + ssid + " " + password);
}
}  // namespace wifi

namespace esp32_ble {
void ESP32BLE::setup() {}
void ESP32BLE::loop() {}
void ESP32BLE::dump_config() {}
float ESP32BLE::get_setup_priority() const { return setup_priority::BLUETOOTH; }
void ESP32BLE::advertising_start() { world.advertised++; }
void ESP32BLE::advertising_stop() { world.advertised--; }
void ESP32BLE::advertising_set_service_data_and_name(std::span<const uint8_t> data, bool include_name) {
  world.name_in_packet = include_name && data.empty();
}
}  // namespace esp32_ble

namespace esp32_ble_server {
void BLEServer::setup() {}
void BLEServer::loop() {}
void BLEServer::dump_config() {}
float BLEServer::get_setup_priority() const { return setup_priority::AFTER_BLUETOOTH; }
bool BLEServer::can_proceed() { return true; }
BLEDescriptor::BLEDescriptor(ESPBTUUID uuid, uint16_t max_len, bool read, bool write) {}
BLEDescriptor::~BLEDescriptor() = default;
BLE2902::BLE2902() : BLEDescriptor({}) {}
BLEService *BLEServer::create_service(ESPBTUUID uuid, bool advertise, uint16_t num_handles) {
  return new BLEService(uuid, num_handles, 0, advertise);
}
BLEService::BLEService(ESPBTUUID uuid, uint16_t num_handles, uint8_t inst_id, bool advertise)
    : uuid_(uuid), num_handles_(num_handles), inst_id_(inst_id), advertise_(advertise) {
  this->state_ = CREATED;
}
void BLEService::start() { this->state_ = RUNNING; }
BLECharacteristic *BLEService::create_characteristic(uint16_t uuid, esp_gatt_char_prop_t properties) {
  auto *made = new BLECharacteristic(ESPBTUUID::from_uint16(uuid), properties);
  this->characteristics_.push_back(made);
  return made;
}
BLECharacteristic::BLECharacteristic(ESPBTUUID uuid, uint32_t properties) : uuid_(uuid) {
  this->properties_ = static_cast<esp_gatt_char_prop_t>(properties);
}
void BLECharacteristic::add_descriptor(BLEDescriptor *descriptor) { this->descriptors_.push_back(descriptor); }
void BLECharacteristic::set_value(std::vector<uint8_t> &&value) { this->value_ = std::move(value); }
void BLECharacteristic::notify() { world.notified.push_back(this->value_); }
}  // namespace esp32_ble_server

namespace ct002 {
std::unique_ptr<socket::Socket> open_udp_socket(uint16_t port) { return nullptr; }
}  // namespace ct002
}  // namespace esphome

extern "C" {
SemaphoreHandle_t xSemaphoreCreateMutex() { return nullptr; }
void esp_system_abort(const char *details) { abort(); }
esp_err_t esp_iface_mac_addr_set(const uint8_t *mac, esp_mac_type_t type) {
  if (type != ESP_MAC_BT || world.stack_started) return ESP_FAIL;
  world.radio_address.assign(mac, mac + 6);
  return ESP_OK;
}
const uint8_t *esp_bt_dev_get_address() { return world.radio_address.empty() ? nullptr : world.radio_address.data(); }
esp_reset_reason_t esp_reset_reason() { return world.reset_reason; }
esp_err_t esp_ble_gap_set_device_name(const char *name) { return ESP_OK; }
esp_err_t esp_ble_gatt_set_local_mtu(uint16_t mtu) { return mtu == 517 ? ESP_OK : ESP_FAIL; }
size_t heap_caps_get_free_size(uint32_t caps) { return 100000; }
size_t heap_caps_get_largest_free_block(uint32_t caps) { return 50000; }
esp_err_t esp_wifi_get_config(wifi_interface_t interface, wifi_config_t *config) {
  memcpy(config->sta.password, world.wifi_password.data(), world.wifi_password.size());
  return ESP_OK;
}
}

// -- a board -----------------------------------------------------------------------------------

using namespace esphome;

struct Board {
  ct002::CT002Component meter;
  esp32_ble::ESP32BLE ble;
  esp32_ble_server::BLEServer server;
  wifi::WiFiComponent wifi;
  ct002::Bluetooth bluetooth{&meter, &ble, &server};
  sensor::Sensor power;

  void start() {
    wifi::global_wifi_component = &wifi;
    server.set_parent(&ble);
    meter.phases_[0].sensor = &power;
    meter.phase_count_ = 1;
    bluetooth.setup();
    world.stack_started = true;
    ble.state_ = esp32_ble::BLE_COMPONENT_STATE_ACTIVE;
    server.state_ = esp32_ble_server::BLEServer::RUNNING;
    pass(5);
  }
  void pass(int times = 1) {
    for (int i = 0; i < times; i++) {
      wifi.connected_ = world.wifi_connected;
      bluetooth.loop();
    }
  }
  /// Time goes by, a second at a time.
  void wait(uint32_t seconds) {
    for (uint32_t i = 0; i < seconds; i++) {
      world.now_ms += 1000;
      pass();
      auto due = std::move(world.timers);
      world.timers.clear();
      for (auto &timer : due) {
        if (static_cast<int32_t>(world.now_ms - timer.first) >= 0) {
          timer.second();
        } else {
          world.timers.push_back(std::move(timer));
        }
      }
    }
  }
  void event(esp_gatts_cb_event_t event, uint16_t conn_id, uint16_t mtu = 0) {
    esp_ble_gatts_cb_param_t param{};
    if (event == ESP_GATTS_MTU_EVT) {
      param.mtu = {conn_id, mtu};
    } else {
      param.connect.conn_id = conn_id;
    }
    bluetooth.gatts_event_handler(event, 3, &param);
  }
  void connect(uint16_t conn_id = 0) {
    event(ESP_GATTS_CONNECT_EVT, conn_id);
    event(ESP_GATTS_MTU_EVT, conn_id, 500);
  }
  void write(const Bytes &bytes, uint16_t conn_id = 0) {
    auto *phone = bluetooth.from_phone_;
    phone->value_ = bytes;
    (*phone->on_write_callback_)(phone->value_, conn_id);
    CHECK(phone->value_.empty());  // anybody could read it
  }
  /// The one reply to one request, empty = silence.
  Bytes ask(const Bytes &bytes) {
    world.notified.clear();
    write(bytes);
    CHECK(world.notified.empty());  // callbacks only queue
    pass(3);
    CHECK(world.notified.size() <= 1);
    return world.notified.empty() ? Bytes{} : world.notified[0];
  }
};

static Bytes frame(uint8_t command, const std::string &payload) {
  Bytes bytes{0x73, static_cast<uint8_t>(payload.size() + 5), 0x23, command};
  bytes.insert(bytes.end(), payload.begin(), payload.end());
  uint8_t sum = 0;
  for (uint8_t byte : bytes) sum ^= byte;
  bytes.push_back(sum);
  return bytes;
}

static const Bytes STATUS = frame(0x03, "\x01");
static const Bytes IDENTITY = frame(0x04, "\x01");
static const Bytes REBOOT = frame(0x09, "\x01");
static const Bytes ACK = frame(0x05, "\x01");

static int16_t phase_a_w(const Bytes &status) { return static_cast<int16_t>(status[11] | status[12] << 8); }
static bool logged(const char *words) { return world.log.find(words) != std::string::npos; }

static void identity_is_set_before_the_stack_starts() {
  world = {};
  Board board;
  board.start();
  CHECK((world.radio_address == Bytes{0x02, 0xb2, 0x50, 0xda, 0xb3, 0x73}));
  CHECK(std::string(board.ble.name_) == "MST-TPM_b373");
  CHECK(world.advertised == 1 && world.name_in_packet);
  CHECK(logged("Advertising as MST-TPM_b373") && !logged("not reconnect"));
  CHECK(board.bluetooth.service_->characteristics_.size() == 3);
  board.wait(5);
  CHECK(world.advertised == 1);
  // `ble.disable` and back.
  board.ble.state_ = esp32_ble::BLE_COMPONENT_STATE_DISABLED;
  board.pass(2);
  CHECK(world.advertised == 0);
  board.ble.state_ = esp32_ble::BLE_COMPONENT_STATE_ACTIVE;
  board.pass(2);
  CHECK(world.advertised == 1);
}

static void configured_mac_is_the_id() {
  world = {};
  Board board;
  board.meter.set_ct_mac("a4c1380f00b2");
  board.meter.set_ct_type("HME-3");
  board.start();
  CHECK((world.radio_address == Bytes{0xa4, 0xc1, 0x38, 0x0f, 0x00, 0xb2}));
  CHECK(std::string(board.ble.name_) == "MST-SMR_00b2");
  board.connect();
  const Bytes reply = board.ask(IDENTITY);
  CHECK(std::string(reply.begin() + 4, reply.end() - 1) ==
        "type=HME-3,id=a4c1380f00b2,mac=a4c1380f00b2,dev_ver=122,fc_ver=202409090159");
}

static void registered_mac_restarts_once() {
  world = {};
  Board board;
  board.start();
  board.bluetooth.on_registered("02b250000001", false);
  CHECK(std::string(board.bluetooth.name_) == "MST-TPM_0001");
  board.wait(4);
  CHECK(world.restarts == 0);
  board.wait(10);
  CHECK(world.restarts == 1);
  world = {};
  Board again;
  again.bluetooth.set_registered_mac("02b250000001");
  again.start();
  CHECK(std::string(again.ble.name_) == "MST-TPM_0001");
  again.bluetooth.on_registered("02b250000002", false);
  again.wait(20);
  CHECK(world.restarts == 0);
}

static void phone_is_answered() {
  world = {};
  Board board;
  world.wifi_connected = true;
  world.wifi_ssid = "Home";
  board.start();
  board.write(STATUS);  // nobody is connected
  board.pass(2);
  CHECK(world.notified.empty());
  board.connect();
  board.meter.on_power_(0, -300.0f);
  const Bytes status = board.ask(STATUS);
  CHECK(status.size() == 24 && phase_a_w(status) == -300);
  CHECK(status[19] == 1 && static_cast<int8_t>(status[21]) == -61);
  CHECK(board.ask(frame(0x08, "\x01")) == frame(0x08, "Home"));
  // Another phone's bytes do not mix with this one's, and a new connection starts afresh.
  board.write(Bytes(STATUS.begin(), STATUS.begin() + 3), 0);
  board.write(STATUS, 7);
  board.pass(3);
  CHECK(world.notified.size() == 1);
  board.event(ESP_GATTS_DISCONNECT_EVT, 0);
  CHECK(board.bluetooth.mtu_ == 23);
  board.event(ESP_GATTS_CONNECT_EVT, 1);
  world.notified.clear();
  board.write(STATUS, 1);
  board.pass(2);
  CHECK(world.notified.size() == 1);
  CHECK(logged("has 24 bytes, the link carries 20"));
}

static void restart_needs_the_window() {
  world = {};
  Board closed;
  closed.start();
  closed.connect();
  CHECK(closed.ask(REBOOT).empty());
  closed.wait(3);
  CHECK(world.restarts == 0 && logged("no pairing window is open"));

  world = {};
  Board open;
  open.bluetooth.set_pairing_window(300000);
  open.start();
  open.connect();
  CHECK(open.ask(REBOOT).empty() && world.restarts == 0);
  open.wait(2);
  CHECK(world.restarts == 1);

  world = {};
  world.reset_reason = ESP_RST_SW;
  Board restarted;
  restarted.bluetooth.set_pairing_window(300000);
  restarted.start();
  restarted.connect();
  restarted.wait(90);
  restarted.ask(REBOOT);
  restarted.wait(2);
  CHECK(world.restarts == 0);
  ct002::OpenPairingWindowAction<> action(&restarted.bluetooth);
  action.play();
  restarted.ask(REBOOT);
  restarted.wait(2);
  CHECK(world.restarts == 1);
}

static void direction_is_applied_and_stored() {
  world = {};
  const Bytes reverse_a = frame(0x17, "\x01");
  {
    Board board;
    board.start();
    board.connect();
    CHECK(board.ask(reverse_a).empty() && world.stored.empty());
  }
  {
    Board board;
    board.bluetooth.set_allow_direction_change(true);
    board.start();
    board.connect();
    CHECK(board.ask(reverse_a) == reverse_a);
    CHECK(world.stored == Bytes{1});
    board.meter.on_power_(0, 250.0f);
    ct002_state state;
    board.meter.emulator().tick(world.now_ms);
    board.meter.emulator().state(&state);
    CHECK(state.grid_total_w == -250.0f);  // for control
    const Bytes status = board.ask(STATUS);
    CHECK(phase_a_w(status) == -250 && status[22] == 1);
  }
  {
    Board board;  // the option is off again
    world.stack_started = false;
    board.start();
    board.connect();
    board.meter.on_power_(0, 250.0f);
    CHECK(phase_a_w(board.ask(STATUS)) == 250);
  }
  Board board;
  world.stack_started = false;
  board.bluetooth.set_allow_direction_change(true);
  board.start();
  board.meter.on_power_(0, 250.0f);
  board.connect();
  CHECK(phase_a_w(board.ask(STATUS)) == -250);
}

static void wifi_is_tried_only_when_allowed() {
  const Bytes offer = frame(0x05, "MyHome<.,.>s3cret pass");
  world = {};
  Board closed;
  closed.start();
  closed.connect();
  CHECK(closed.ask(offer) == ACK);
  closed.wait(60);
  CHECK(world.wifi_calls.empty());
  CHECK(logged("'MyHome'") && !logged("s3cret"));

  world = {};
  world.wifi_connected = true;
  world.wifi_ssid = "Old";
  world.wifi_password = "old pass";
  Board board;
  board.wifi.sta_.init(1);
  board.wifi.sta_.push_back({});
  board.bluetooth.set_allow_wifi_change(true);
  board.start();
  board.connect();
  CHECK(board.ask(offer) == ACK);
  board.wait(1);
  CHECK((world.wifi_calls == std::vector<std::string>{"connect"}));
  world.wifi_connected = false;
  board.event(ESP_GATTS_DISCONNECT_EVT, 0);
  board.wait(5);
  world.wifi_connected = true;
  world.wifi_ssid = "MyHome";
  board.wait(2);  // with the password of before
  CHECK(world.wifi_calls.size() == 1);
  world.wifi_password = "s3cret pass";
  board.wait(2);
  CHECK(world.wifi_calls.size() == 2 && world.wifi_calls[1] == "save MyHome s3cret pass");
  CHECK(!logged("s3cret"));

  world = {};
  Board failing;
  failing.wifi.sta_.init(1);
  failing.wifi.sta_.push_back({});
  failing.bluetooth.set_allow_wifi_change(true);
  failing.start();
  failing.connect();
  failing.ask(offer);
  failing.wait(40);
  CHECK(world.wifi_calls.size() == 4 && world.wifi_calls[3] == "retry" && world.restarts == 0);
}

int main() {
  identity_is_set_before_the_stack_starts();
  configured_mac_is_the_id();
  registered_mac_restarts_once();
  phone_is_answered();
  restart_needs_the_window();
  direction_is_applied_and_stored();
  wifi_is_tried_only_when_allowed();
  puts("ok");
  return 0;
}
