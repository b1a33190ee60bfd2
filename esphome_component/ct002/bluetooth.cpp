#include "bluetooth.h"
#ifdef USE_CT002_BLUETOOTH

#include <esp_bt_device.h>
#include <esp_gap_ble_api.h>
#include <esp_gatt_common_api.h>
#include <esp_heap_caps.h>
#include <esp_mac.h>
#include <esp_system.h>

#include <cinttypes>
#include <cmath>
#include <cstring>

#include "esphome/components/ct002_core/text.h"
#include "esphome/components/esp32_ble_server/ble_2902.h"
#include "esphome/components/network/util.h"
#include "esphome/core/application.h"
#include "esphome/core/hal.h"
#include "esphome/core/log.h"
#include "esphome/core/version.h"
#include "printable.h"
#ifdef USE_WIFI
#include <esp_wifi.h>

#include "esphome/components/wifi/wifi_component.h"
#endif

namespace esphome::ct002 {

using esp32_ble_server::BLE2902;
using esp32_ble_server::BLECharacteristic;

static const char *const TAG = "ct002.bluetooth";

static constexpr uint16_t SERVICE = 0xFF00;
static constexpr uint16_t FROM_PHONE = 0xFF01;
static constexpr uint16_t TO_PHONE = 0xFF02;
static constexpr uint16_t UNUSED = 0xFF06;  // a real meter has it, the app does not use it
static constexpr uint32_t TICK_INTERVAL_MS = 1000;
// The app and the user have this time to read what registration says.
static constexpr uint32_t REGISTERED_RESTART_DELAY_MS = 5000;

void Bluetooth::setup() {
  this->meter_->begin();
  this->at_boot_ = this->identity_();
  nullwatt::copy_text(nullwatt::text_of(this->at_boot_.id), this->id_, sizeof(this->id_));
  nullwatt::ble_name(nullwatt::text_of(this->meter_->emulator().config().ct_type), this->id_, this->name_);
  this->ble_->set_name(this->name_);
  this->meter_->set_bluetooth_id(this->id_);
  this->set_radio_address_();
  this->restore_direction_();
  // Whoever can make the board restart must not get a window by it: only power and the reset button open one.
  const esp_reset_reason_t reason = esp_reset_reason();
  const bool by_hand = reason == ESP_RST_POWERON || reason == ESP_RST_EXT;
  this->pairing_.begin(this->options_, !by_hand, millis());
  ESP_LOGI(TAG, "Bluetooth ID %s, name %s", this->id_, this->name_);
}

void Bluetooth::loop() {
  const uint32_t now_ms = millis();
  this->serve_();
  if (now_ms - this->ticked_ms_ < TICK_INTERVAL_MS)
    return;
  this->ticked_ms_ = now_ms;
  const bool was_open = this->pairing_.is_window_open();
  this->pairing_.tick(now_ms);
  if (was_open && !this->pairing_.is_window_open())
    ESP_LOGI(TAG, "Pairing window closed");
  this->take_id_(false, false);
  this->tick_wifi_(now_ms);
}

void Bluetooth::dump_config() {
  static const char *const SOURCES[] = {"registration", "ct_mac", "derived from the chip"};
  ESP_LOGCONFIG(TAG,
                "Bluetooth pairing:\n"
                "  ID: %s (%s)\n"
                "  Name: %s\n"
                "  Wi-Fi change by the app: %s\n"
                "  Direction change by the app: %s\n"
                "  Reversed phases: %u\n"
                "  Restart by the app: %s",
                this->id_, SOURCES[static_cast<uint8_t>(this->at_boot_.source)], this->name_,
                YESNO(this->options_.allow_wifi_change), YESNO(this->options_.allow_direction_change),
                this->reversed_bits_, this->options_.pairing_window_ms > 0 ? "in the pairing window" : "never");
  if (this->options_.pairing_window_ms > 0)
    ESP_LOGCONFIG(TAG, "  Pairing window: %" PRIu32 " s", this->options_.pairing_window_ms / 1000);
}

// -- identity --------------------------------------------------------------------------------

nullwatt::BleIdentity Bluetooth::identity_() const {
  uint8_t factory_mac[nullwatt::kBleAddressBytes];
  get_mac_address_raw(factory_mac);
  return nullwatt::ble_identity(nullwatt::text_of(this->registered_mac_), nullwatt::text_of(this->meter_->ct_mac()),
                                factory_mac);
}

/// Of Bluetooth alone: another base MAC would change the one of Wi-Fi too, and with it the board's address in the LAN.
void Bluetooth::set_radio_address_() {
  uint8_t address[nullwatt::kBleAddressBytes];
  if (!nullwatt::ble_address(nullwatt::text_of(this->id_), address))
    return;
  if (!nullwatt::is_unicast(address)) {
    ESP_LOGW(TAG, "%s is no address a radio can have: its first byte must be even", this->id_);
    return;
  }
  const esp_err_t error = esp_iface_mac_addr_set(address, ESP_MAC_BT);
  if (error != ESP_OK)
    ESP_LOGW(TAG, "The Bluetooth address was refused: error %d", error);
}

void Bluetooth::check_address_() {
  uint8_t wanted[nullwatt::kBleAddressBytes];
  const uint8_t *found = esp_bt_dev_get_address();
  const bool known = nullwatt::ble_address(nullwatt::text_of(this->id_), wanted) && found != nullptr;
  if (!known || memcmp(wanted, found, sizeof(wanted)) != 0)
    ESP_LOGW(TAG, "The Bluetooth address is not %s: the app can add the board but not reconnect to it", this->id_);
}

void Bluetooth::on_registered(const char *mac, bool forced) {
  this->set_registered_mac_(mac);
  this->take_id_(true, forced);
}

void Bluetooth::take_id_(bool just_saved, bool forced) {
  const nullwatt::BleIdentity identity = this->identity_();
  if (strcmp(identity.id, this->id_) == 0 && !just_saved)
    return;
  nullwatt::copy_text(nullwatt::text_of(identity.id), this->id_, sizeof(this->id_));
  switch (nullwatt::ble_id_change(this->at_boot_, nullwatt::text_of(this->id_), just_saved, forced)) {
    case nullwatt::BleIdChange::kNone:
      break;
    case nullwatt::BleIdChange::kRestart:
      ESP_LOGI(TAG, "Restarting once, so that the radio takes the registered MAC %s", this->id_);
      this->set_timeout("registered", REGISTERED_RESTART_DELAY_MS, [] { App.safe_reboot(); });
      break;
    case nullwatt::BleIdChange::kRename:
      ESP_LOGW(TAG, "The ID is now %s: the app can reconnect after the next restart", this->id_);
      break;
  }
  this->rename_();
}

void Bluetooth::rename_() {
  nullwatt::ble_name(nullwatt::text_of(this->meter_->emulator().config().ct_type), this->id_, this->name_);
  // ESPHome gives the name to the stack only when that starts.
  if (this->advertised_ && esp_ble_gap_set_device_name(this->name_) == ESP_OK)
    this->ble_->advertising_set_service_data_and_name(std::span<const uint8_t>{}, true);
}

// -- GATT server -----------------------------------------------------------------------------

void Bluetooth::serve_() {
  if (!this->server_->is_running()) {
    if (this->advertised_) {
      this->advertised_ = false;
      this->end_link_();
#if ESPHOME_VERSION_CODE >= VERSION_CODE(2026, 9, 0)
      this->ble_->advertising_stop();
#endif
    }
    return;
  }
  if (this->service_ == nullptr) {
    this->create_service_();
    return;
  }
  if (this->service_->is_created()) {
    this->service_->start();
  } else if (this->service_->is_running() && !this->advertised_) {
    this->advertise_();
  }
  this->handle_frame_();
}

void Bluetooth::create_service_() {
  this->service_ = this->server_->create_service(esp32_ble::ESPBTUUID::from_uint16(SERVICE));
  if (this->service_ == nullptr) {
    this->mark_failed(LOG_STR("no GATT service"));
    return;
  }
  this->from_phone_ = this->service_->create_characteristic(
      FROM_PHONE, BLECharacteristic::PROPERTY_WRITE | BLECharacteristic::PROPERTY_WRITE_NR);
  this->from_phone_->on_write(
      [this](std::span<const uint8_t> bytes, uint16_t conn_id) { this->receive_(bytes, conn_id); });
  this->to_phone_ = this->service_->create_characteristic(
      TO_PHONE, BLECharacteristic::PROPERTY_READ | BLECharacteristic::PROPERTY_NOTIFY);
  this->to_phone_->add_descriptor(new BLE2902());  // NOLINT(cppcoreguidelines-owning-memory)
  BLECharacteristic *unused = this->service_->create_characteristic(UNUSED, BLECharacteristic::PROPERTY_READ |
                                                                                BLECharacteristic::PROPERTY_WRITE |
                                                                                BLECharacteristic::PROPERTY_NOTIFY);
  unused->add_descriptor(new BLE2902());  // NOLINT(cppcoreguidelines-owning-memory)
}

void Bluetooth::advertise_() {
  this->advertised_ = true;
  esp_ble_gatt_set_local_mtu(nullwatt::kBleLargestMtu);
  // First what is sent, then that it is: requests are counted since 2026.9, and setting the payload is none. The name
  // goes into the packet itself, as the app does not wait for a scan response.
  this->ble_->advertising_set_service_data_and_name(std::span<const uint8_t>{}, true);
  this->ble_->advertising_start();
  this->check_address_();
  ESP_LOGI(TAG, "Advertising as %s; internal heap: %zu bytes free, %zu in one block", this->name_,
           heap_caps_get_free_size(MALLOC_CAP_INTERNAL), heap_caps_get_largest_free_block(MALLOC_CAP_INTERNAL));
}

void Bluetooth::gatts_event_handler(esp_gatts_cb_event_t event, esp_gatt_if_t /*gatts_if*/,
                                    esp_ble_gatts_cb_param_t *param) {
  switch (event) {
    case ESP_GATTS_CONNECT_EVT:
      this->begin_link_(param->connect.conn_id);
      break;
    case ESP_GATTS_MTU_EVT:
      if (this->connected_ && param->mtu.conn_id == this->conn_id_)
        this->mtu_ = param->mtu.mtu;
      break;
    case ESP_GATTS_DISCONNECT_EVT:
      if (this->connected_ && param->disconnect.conn_id == this->conn_id_)
        this->end_link_();
      break;
    default:
      break;
  }
}

void Bluetooth::begin_link_(uint16_t conn_id) {
  this->end_link_();
  this->conn_id_ = conn_id;
  this->connected_ = true;
}

void Bluetooth::end_link_() {
  this->stream_.clear();
  this->pairing_.disconnect();
  this->mtu_ = nullwatt::kBleFirstMtu;
  this->connected_ = false;
  if (this->from_phone_ != nullptr)
    this->wipe_written_();  // the half of a long write
}

void Bluetooth::receive_(std::span<const uint8_t> bytes, uint16_t conn_id) {
  if (this->connected_ && conn_id == this->conn_id_) {
    const uint32_t now_ms = millis();
    uint32_t dropped = 0;
    for (const uint8_t byte : bytes) {
      if (this->stream_.put(byte, now_ms))
        dropped++;
    }
    if (dropped > 0)
      ESP_LOGW(TAG, "%" PRIu32 " requests dropped: %u wait already", dropped, nullwatt::kBleQueuedFrames);
  }
  this->wipe_written_();
}

/// ESPHome keeps what was written, perhaps a password, and anybody could read it.
void Bluetooth::wipe_written_() {
  auto &kept = this->from_phone_->get_value();
  nullwatt::wipe(kept.data(), kept.size());
  kept.clear();
}

// -- requests --------------------------------------------------------------------------------

void Bluetooth::handle_frame_() {
  nullwatt::BleFrame frame;
  if (!this->stream_.first(&frame))
    return;
  nullwatt::BleContext context;
  context.ct_type = nullwatt::text_of(this->meter_->emulator().config().ct_type);
  context.id = nullwatt::text_of(this->id_);
  this->meter_->measured_power(context.phase_w);
  for (uint8_t i = 0; i < MAX_PHASES; i++) {
    const sensor::Sensor *sensor = this->voltage_sensors_[i];
    context.phase_v[i] = sensor != nullptr ? sensor->state : NAN;
  }
  context.emulator = &this->meter_->emulator();
  context.mtu = this->mtu_;
  context.online = network::is_connected();
  context.reversed_bits = this->reversed_bits_;
#ifdef USE_WIFI
  char ssid[wifi::SSID_BUFFER_SIZE]{};
  wifi::WiFiComponent *wifi = wifi::global_wifi_component;
  if (wifi != nullptr && wifi->is_connected()) {
    context.ssid = nullwatt::text_of(wifi->wifi_ssid_to(ssid));
    context.rssi_dbm = wifi->wifi_rssi();
  }
#endif
  uint8_t reply[nullwatt::kBleLongestReply];
  const uint8_t command = frame.command;
  const nullwatt::BleOutcome outcome = this->pairing_.handle(frame, context, millis(), reply, sizeof(reply));
  this->stream_.drop_first();
  ESP_LOGV(TAG, "Request %02X: reply of %zu bytes", command, outcome.reply_size);
  if (outcome.reply_size > 0) {
    if (outcome.reply_size + 3 > this->mtu_) {
      ESP_LOGW(TAG, "The reply to %02X has %zu bytes, the link carries %u", command, outcome.reply_size,
               this->mtu_ - 3);
    }
    this->to_phone_->set_value(std::vector<uint8_t>(reply, reply + outcome.reply_size));
    this->to_phone_->notify();
  }
  this->act_(outcome);
}

void Bluetooth::act_(const nullwatt::BleOutcome &outcome) {
  switch (outcome.action) {
    case nullwatt::BleAction::kNone:
      break;
    case nullwatt::BleAction::kRestart:
      ESP_LOGW(TAG, "Restarting: the app asks for it, and the pairing window is open. Settings stay");
      this->set_timeout("restart", nullwatt::kBleRestartDelayMs, [] { App.safe_reboot(); });
      break;
    case nullwatt::BleAction::kRestartOutsideWindow:
      ESP_LOGW(TAG, "Not restarted, although a phone asks for it: no pairing window is open");
      break;
    case nullwatt::BleAction::kRestartTooSoon:
      ESP_LOGW(TAG, "Not restarted, although a phone asks for it: once a minute is enough");
      break;
    case nullwatt::BleAction::kWifiOffered:
      this->try_wifi_();
      break;
    case nullwatt::BleAction::kReverse:
      this->reverse_(outcome.reversed_bits);
      break;
  }
}

void Bluetooth::open_pairing_window() {
  this->pairing_.open_window(millis());
  ESP_LOGI(TAG, "Pairing window open for %" PRIu32 " s", this->options_.pairing_window_ms / 1000);
}

// -- direction -------------------------------------------------------------------------------

void Bluetooth::restore_direction_() {
  // Turning the option off ends any reversal.
  if (!this->options_.allow_direction_change)
    return;
  this->stored_direction_ = global_preferences->make_preference<uint8_t>(fnv1_hash("ct002.direction"));
  uint8_t bits;
  if (this->stored_direction_.load(&bits) && bits <= 7) {
    this->reversed_bits_ = bits;
    this->meter_->set_reversed_phases(bits);
  }
}

void Bluetooth::reverse_(uint8_t bits) {
  if (bits == this->reversed_bits_)
    return;
  ESP_LOGI(TAG, "The app reverses phases: L1 %s, L2 %s, L3 %s", YESNO((bits & 1) != 0), YESNO((bits & 2) != 0),
           YESNO((bits & 4) != 0));
  this->reversed_bits_ = bits;
  this->meter_->set_reversed_phases(bits);
  this->stored_direction_.save(&bits);
}

// -- Wi-Fi -----------------------------------------------------------------------------------

#ifdef USE_WIFI

namespace {

/// How the board is connected now; `facts` points into it.
struct WifiNow {
  nullwatt::WifiFacts facts;
  char ssid[wifi::SSID_BUFFER_SIZE]{};
  wifi_config_t config{};

  WifiNow() {
    wifi::WiFiComponent *wifi = wifi::global_wifi_component;
    if (wifi == nullptr)
      return;
    this->facts.used = !wifi->is_disabled();
    this->facts.connected = wifi->is_connected();
    this->facts.ssid = nullwatt::text_of(wifi->wifi_ssid_to(this->ssid));
    if (esp_wifi_get_config(WIFI_IF_STA, &this->config) == ESP_OK) {
      const char *password = reinterpret_cast<const char *>(this->config.sta.password);
      this->facts.password = {password, strnlen(password, sizeof(this->config.sta.password))};
    }
  }
  ~WifiNow() { nullwatt::wipe(&this->config, sizeof(this->config)); }
};

}  // namespace

#endif

void Bluetooth::try_wifi_() {
  char ssid[nullwatt::kWifiSsidBytes + 1];
  memcpy(ssid, this->pairing_.credentials().ssid, sizeof(ssid));
  make_printable(ssid);
#ifdef USE_WIFI
  const WifiNow now;
  const nullwatt::WifiFacts &facts = now.facts;
#else
  const nullwatt::WifiFacts facts;
#endif
  const nullwatt::WifiVerdict verdict =
      this->trial_.offer(this->pairing_.credentials(), this->options_.allow_wifi_change, facts, millis());
  this->pairing_.forget_credentials();
  switch (verdict) {
    case nullwatt::WifiVerdict::kNotAllowed:
      ESP_LOGI(TAG, "The app offers the network '%s'; the configured one stays", ssid);
      break;
    case nullwatt::WifiVerdict::kNotUsed:
      ESP_LOGI(TAG, "The app offers the network '%s'; Wi-Fi is not in use", ssid);
      break;
    case nullwatt::WifiVerdict::kAlreadyThere:
      ESP_LOGI(TAG, "The app offers the network '%s', on which the board is already", ssid);
      break;
    case nullwatt::WifiVerdict::kBusy:
      ESP_LOGI(TAG, "The app offers the network '%s' while another one is tried", ssid);
      break;
    case nullwatt::WifiVerdict::kTrial:
      ESP_LOGI(TAG, "Trying the network '%s' of the app", ssid);
      break;
  }
}

void Bluetooth::tick_wifi_(uint32_t now_ms) {
#ifdef USE_WIFI
  if (!this->trial_.running())
    return;
  wifi::WiFiComponent *wifi = wifi::global_wifi_component;
  const WifiNow now;
  const nullwatt::WifiCredentials &wanted = this->trial_.credentials();
  switch (this->trial_.tick(now.facts, now_ms)) {
    case nullwatt::WifiStep::kNone:
      break;
    case nullwatt::WifiStep::kConnect: {
      wifi::WiFiAP network;
      network.set_ssid(wanted.ssid);
      network.set_password(wanted.password);
      // Not among its networks, which stay as they are: if this fails, ESPHome goes on with them by itself.
      if (!wifi->has_sta())
        wifi->set_sta(network);
      wifi->start_connecting(network);
      break;
    }
    case nullwatt::WifiStep::kSave:
      ESP_LOGI(TAG, "The network of the app works and is kept until another configuration is flashed");
      wifi->save_wifi_sta(wanted.ssid, wanted.password);
      this->trial_.forget();
      break;
    case nullwatt::WifiStep::kBack:
      ESP_LOGW(TAG, "The network of the app does not work; back to the one of before");
      if (!wifi->is_disabled() && !wifi->is_connected())
        wifi->retry_connect();
      break;
  }
#endif
}

}  // namespace esphome::ct002

#endif
