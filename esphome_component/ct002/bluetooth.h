#pragma once
// The radio's side of pairing with the app: ESPHome's GATT server, Wi-Fi and preferences. What is answered, and what
// the app may change, is decided in ct002_core (ble_*.h).
//
// Rules
// 1. Callbacks of the stack only queue bytes; frames are handled in loop(), one per pass.
// 2. The link belongs to the phone that connected last; its end leaves nothing of it behind.
// 3. One ID is name, reported MAC and Bluetooth address. The controller reads its address once at its start, so
//    setup() comes before ESPHome's Bluetooth component, and a registered MAC must be known by then.

#include "esphome/core/defines.h"
#ifdef USE_CT002_BLUETOOTH

#include <span>

#include "ct002.h"
#include "esphome/components/ct002_core/ble_identity.h"
#include "esphome/components/ct002_core/ble_pairing.h"
#include "esphome/components/esp32_ble/ble.h"
#include "esphome/components/esp32_ble_server/ble_server.h"
#include "esphome/core/automation.h"
#include "esphome/core/component.h"
#include "esphome/core/helpers.h"
#include "esphome/core/preferences.h"

namespace esphome::ct002 {

class Bluetooth final : public Component {
 public:
  Bluetooth(CT002Component *meter, esp32_ble::ESP32BLE *ble, esp32_ble_server::BLEServer *server)
      : meter_(meter), ble_(ble), server_(server) {}

  void setup() override;
  void loop() override;
  void dump_config() override;
  float get_setup_priority() const override { return setup_priority::BLUETOOTH + 10.0f; }

  void set_allow_wifi_change(bool allow) { this->options_.allow_wifi_change = allow; }
  void set_allow_direction_change(bool allow) { this->options_.allow_direction_change = allow; }
  void set_pairing_window(uint32_t window_ms) { this->options_.pairing_window_ms = window_ms; }
  void set_voltage_sensor(uint8_t phase, sensor::Sensor *sensor) { this->voltage_sensors_[phase] = sensor; }

  /// The MAC of an earlier cloud registration, before setup().
  void set_registered_mac(const char *mac) { this->set_registered_mac_(mac); }
  /// The registration has saved this MAC just now. `forced`: it registers anew at each start.
  void on_registered(const char *mac, bool forced);
  void open_pairing_window();

  void gatts_event_handler(esp_gatts_cb_event_t event, esp_gatt_if_t gatts_if, esp_ble_gatts_cb_param_t *param);

 protected:
  void set_registered_mac_(const char *mac) {
    nullwatt::copy_text(nullwatt::text_of(mac), this->registered_mac_, sizeof(this->registered_mac_));
  }
  nullwatt::BleIdentity identity_() const;
  void set_radio_address_();
  void restore_direction_();
  void serve_();
  void create_service_();
  void advertise_();
  void check_address_();
  void take_id_(bool just_saved, bool forced);
  void rename_();
  void begin_link_(uint16_t conn_id);
  void end_link_();
  void receive_(std::span<const uint8_t> bytes, uint16_t conn_id);
  void wipe_written_();
  void handle_frame_();
  void act_(const nullwatt::BleOutcome &outcome);
  void reverse_(uint8_t bits);
  void try_wifi_();
  void tick_wifi_(uint32_t now_ms);

  CT002Component *meter_;
  esp32_ble::ESP32BLE *ble_;
  esp32_ble_server::BLEServer *server_;
  esp32_ble_server::BLEService *service_{nullptr};
  esp32_ble_server::BLECharacteristic *from_phone_{nullptr};
  esp32_ble_server::BLECharacteristic *to_phone_{nullptr};
  sensor::Sensor *voltage_sensors_[MAX_PHASES]{};
  ESPPreferenceObject stored_direction_;
  nullwatt::BleOptions options_;
  nullwatt::BleIdentity at_boot_{};
  char id_[nullwatt::kBleIdDigits + 1]{};
  char name_[nullwatt::kBleNameSize]{};
  char registered_mac_[nullwatt::kBleIdDigits + 6]{};
  nullwatt::BleStream stream_;
  nullwatt::BlePairing pairing_;
  nullwatt::WifiTrial trial_;
  uint32_t ticked_ms_{0};
  uint16_t conn_id_{0};
  uint16_t mtu_{nullwatt::kBleFirstMtu};
  uint8_t reversed_bits_{0};
  bool connected_{false};
  bool advertised_{false};
};

template<typename... Ts> class OpenPairingWindowAction final : public Action<Ts...>, public Parented<Bluetooth> {
 public:
  explicit OpenPairingWindowAction(Bluetooth *parent) : Parented(parent) {}
  void play(const Ts &...x) override { this->parent_->open_pairing_window(); }
};

}  // namespace esphome::ct002

#endif
