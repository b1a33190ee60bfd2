#pragma once
// As much of ESP-IDF as ESPHome's headers and our glue name, for a compiler without it: declarations alone, after the
// documentation of ESP-IDF 5.5. The test makes a header of each name that is included lead here.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>

// -- system

using esp_err_t = int;
#define ESP_OK 0
#define ESP_FAIL -1
#define IRAM_ATTR
#define CONFIG_ESP_TASK_WDT_TIMEOUT_S 5
#define CONFIG_FREERTOS_HZ 1000
#define configTICK_RATE_HZ 1000
#define configTASK_NOTIFICATION_ARRAY_ENTRIES 2
#define pdTRUE 1
#define pdFALSE 0
#define portTICK_PERIOD_MS 1
#define portMAX_DELAY 0xffffffffUL
#define pdMS_TO_TICKS(ms) (ms)
#define MALLOC_CAP_INTERNAL (1 << 11)
#define MALLOC_CAP_SPIRAM (1 << 10)
#define MALLOC_CAP_8BIT (1 << 2)
using TickType_t = uint32_t;
using BaseType_t = int;
using UBaseType_t = unsigned;
using StackType_t = uint8_t;
using TaskHandle_t = void *;
using TaskFunction_t = void (*)(void *);
using SemaphoreHandle_t = void *;
struct StaticTask_t {};
struct StaticSemaphore_t {};
extern "C" {
TickType_t xTaskGetTickCount();
TickType_t xTaskGetTickCountFromISR();
BaseType_t xPortInIsrContext();
TaskHandle_t xTaskGetCurrentTaskHandle();
void vTaskDelay(TickType_t ticks);
void vTaskDelete(TaskHandle_t task);
void vPortYield();
BaseType_t xTaskNotifyGive(TaskHandle_t task);
BaseType_t xTaskNotifyGiveIndexed(TaskHandle_t task, UBaseType_t index);
void vTaskNotifyGiveFromISR(TaskHandle_t task, BaseType_t *woken);
void vTaskNotifyGiveIndexedFromISR(TaskHandle_t task, UBaseType_t index, BaseType_t *woken);
uint32_t ulTaskNotifyTake(BaseType_t clear, TickType_t ticks);
uint32_t ulTaskNotifyTakeIndexed(UBaseType_t index, BaseType_t clear, TickType_t ticks);
SemaphoreHandle_t xSemaphoreCreateMutex();
BaseType_t xSemaphoreTake(SemaphoreHandle_t semaphore, TickType_t ticks);
BaseType_t xSemaphoreGive(SemaphoreHandle_t semaphore);
void *heap_caps_malloc(size_t size, uint32_t caps);
size_t heap_caps_get_free_size(uint32_t caps);
size_t heap_caps_get_largest_free_block(uint32_t caps);
uint32_t esp_get_free_heap_size();
uint32_t esp_cpu_get_cycle_count();
esp_err_t esp_task_wdt_reset();
const char *esp_err_to_name(esp_err_t code);
void esp_restart();
[[noreturn]] void esp_system_abort(const char *details);
ssize_t lwip_read(int socket, void *data, size_t size);
ssize_t lwip_readv(int socket, const struct iovec *parts, int count);
ssize_t lwip_write(int socket, const void *data, size_t size);
ssize_t lwip_writev(int socket, const struct iovec *parts, int count);
}
enum esp_reset_reason_t { ESP_RST_UNKNOWN, ESP_RST_POWERON, ESP_RST_EXT, ESP_RST_SW, ESP_RST_PANIC };
extern "C" esp_reset_reason_t esp_reset_reason();
enum esp_mac_type_t { ESP_MAC_WIFI_STA, ESP_MAC_WIFI_SOFTAP, ESP_MAC_BT, ESP_MAC_ETH };
extern "C" esp_err_t esp_iface_mac_addr_set(const uint8_t *mac, esp_mac_type_t type);
enum gpio_num_t { GPIO_NUM_NC = -1 };
enum gpio_drive_cap_t { GPIO_DRIVE_CAP_0 };
enum uart_port_t { UART_NUM_0 };
using esp_event_base_t = const char *;

// -- network

struct ip4_addr_t {
  uint32_t addr;
};
using ip_addr_t = ip4_addr_t;
struct esp_ip4_addr_t {
  uint32_t addr;
};
struct esp_ip_addr_t {
  union {
    esp_ip4_addr_t ip4;
  } u_addr;
};
using u8_t = uint8_t;
#define ip_addr_copy(to, from) ((to) = (from))
struct esp_netif_obj;
using esp_netif_t = esp_netif_obj;
#define ip_addr_set_zero(ip) ((ip)->addr = 0)
#define IP_ADDR4(ip, a, b, c, d) ((ip)->addr = (a) | (b) << 8 | (c) << 16 | (d) << 24)
#define ip_addr_isany(ip) ((ip)->addr == 0)
#define ip_addr_cmp(a, b) ((a)->addr == (b)->addr)
#define ip_addr_ismulticast(ip) (((ip)->addr & 0xf0) == 0xe0)
#define IP_IS_V4(ip) 1
#define IP_IS_V6(ip) 0
#define ip_2_ip4(ip) (ip)
extern "C" {
int ipaddr_aton(const char *text, ip_addr_t *ip);
char *ipaddr_ntoa_r(const ip_addr_t *ip, char *out, int size);
}
struct wifi_sta_config_t {
  uint8_t ssid[32];
  uint8_t password[64];
};
union wifi_config_t {
  wifi_sta_config_t sta;
};
enum wifi_interface_t { WIFI_IF_STA, WIFI_IF_AP };
enum wifi_band_mode_t { WIFI_BAND_MODE_AUTO };
enum esp_eap_ttls_phase2_types { ESP_EAP_TTLS_PHASE2_EAP };
extern "C" esp_err_t esp_wifi_get_config(wifi_interface_t interface, wifi_config_t *config);

// -- Bluetooth

#define ESP_BD_ADDR_LEN 6
#define ESP_UUID_LEN_16 2
#define ESP_UUID_LEN_32 4
#define ESP_UUID_LEN_128 16
#define ESP_GATT_MAX_ATTR_LEN 600
#define ESP_GATT_UUID_CHAR_CLIENT_CONFIG 0x2902
#define ESP_GATT_PERM_READ 1
#define ESP_GATT_PERM_WRITE 16
using esp_bd_addr_t = uint8_t[ESP_BD_ADDR_LEN];
using esp_gatt_if_t = uint8_t;
using esp_gatt_perm_t = uint16_t;
using esp_gatt_char_prop_t = uint8_t;
using esp_ble_io_cap_t = uint8_t;
using esp_ble_auth_req_t = uint8_t;
#define ESP_IO_CAP_OUT 0
#define ESP_IO_CAP_IO 1
#define ESP_IO_CAP_IN 2
#define ESP_IO_CAP_NONE 3
#define ESP_IO_CAP_KBDISP 4
struct esp_bt_uuid_t {
  uint16_t len;
  union {
    uint16_t uuid16;
    uint32_t uuid32;
    uint8_t uuid128[ESP_UUID_LEN_128];
  } uuid;
};
enum esp_bt_status_t { ESP_BT_STATUS_SUCCESS };
enum esp_gatt_status_t { ESP_GATT_OK };
enum esp_ble_addr_type_t { BLE_ADDR_TYPE_PUBLIC };
enum esp_ble_evt_type_t { ESP_BLE_EVT_CONN_ADV };
enum esp_gap_search_evt_t { ESP_GAP_SEARCH_INQ_RES_EVT };
#define ESP_BLE_ADV_DATA_LEN_MAX 31
#define ESP_BLE_SCAN_RSP_DATA_LEN_MAX 31
struct esp_ble_adv_params_t {
  int unused;
};
struct esp_ble_adv_data_t {
  bool set_scan_rsp, include_name, include_txpower;
  int min_interval, max_interval, appearance;
  uint16_t manufacturer_len;
  uint8_t *p_manufacturer_data;
  uint16_t service_data_len;
  uint8_t *p_service_data;
  uint16_t service_uuid_len;
  uint8_t *p_service_uuid;
  uint8_t flag;
};
enum esp_gap_ble_cb_event_t {
  ESP_GAP_BLE_SCAN_RESULT_EVT,
  ESP_GAP_BLE_ADV_DATA_SET_COMPLETE_EVT,
  ESP_GAP_BLE_SCAN_RSP_DATA_SET_COMPLETE_EVT,
  ESP_GAP_BLE_ADV_DATA_RAW_SET_COMPLETE_EVT,
  ESP_GAP_BLE_SCAN_RSP_DATA_RAW_SET_COMPLETE_EVT,
  ESP_GAP_BLE_ADV_START_COMPLETE_EVT,
  ESP_GAP_BLE_ADV_STOP_COMPLETE_EVT,
  ESP_GAP_BLE_SCAN_PARAM_SET_COMPLETE_EVT,
  ESP_GAP_BLE_SCAN_START_COMPLETE_EVT,
  ESP_GAP_BLE_SCAN_STOP_COMPLETE_EVT,
  ESP_GAP_BLE_READ_RSSI_COMPLETE_EVT,
  ESP_GAP_BLE_AUTH_CMPL_EVT,
  ESP_GAP_BLE_SEC_REQ_EVT,
  ESP_GAP_BLE_PASSKEY_NOTIF_EVT,
  ESP_GAP_BLE_PASSKEY_REQ_EVT,
  ESP_GAP_BLE_NC_REQ_EVT,
};
struct esp_ble_sec_t {
  int unused;
};
union esp_ble_gap_cb_param_t {
  struct ble_scan_result_evt_param {
    esp_gap_search_evt_t search_evt;
    esp_bd_addr_t bda;
    esp_ble_addr_type_t ble_addr_type;
    esp_ble_evt_type_t ble_evt_type;
    int rssi;
    uint8_t ble_adv[ESP_BLE_ADV_DATA_LEN_MAX + ESP_BLE_SCAN_RSP_DATA_LEN_MAX];
    uint8_t adv_data_len;
    uint8_t scan_rsp_len;
  } scan_rst;
  struct ble_scan_param_cmpl_evt_param {
    esp_bt_status_t status;
  } scan_param_cmpl;
  struct ble_scan_start_cmpl_evt_param {
    esp_bt_status_t status;
  } scan_start_cmpl;
  struct ble_scan_stop_cmpl_evt_param {
    esp_bt_status_t status;
  } scan_stop_cmpl;
  struct ble_adv_data_cmpl_evt_param {
    esp_bt_status_t status;
  } adv_data_cmpl;
  struct ble_scan_rsp_data_cmpl_evt_param {
    esp_bt_status_t status;
  } scan_rsp_data_cmpl;
  struct ble_adv_data_raw_cmpl_evt_param {
    esp_bt_status_t status;
  } adv_data_raw_cmpl;
  struct ble_scan_rsp_data_raw_cmpl_evt_param {
    esp_bt_status_t status;
  } scan_rsp_data_raw_cmpl;
  struct ble_adv_start_cmpl_evt_param {
    esp_bt_status_t status;
  } adv_start_cmpl;
  struct ble_adv_stop_cmpl_evt_param {
    esp_bt_status_t status;
  } adv_stop_cmpl;
  struct ble_read_rssi_cmpl_evt_param {
    esp_bt_status_t status;
    int8_t rssi;
    esp_bd_addr_t remote_addr;
  } read_rssi_cmpl;
  esp_ble_sec_t ble_security;
};
struct esp_gatt_value_t {
  uint8_t value[ESP_GATT_MAX_ATTR_LEN];
  uint16_t handle, offset, len;
  uint8_t auth_req;
};
union esp_gatt_rsp_t {
  esp_gatt_value_t attr_value;
};
struct esp_attr_control_t {
  uint8_t auto_rsp;
};
struct esp_attr_value_t {
  uint16_t attr_max_len, attr_len;
  uint8_t *attr_value;
};
enum esp_gatts_cb_event_t {
  ESP_GATTS_REG_EVT = 0,
  ESP_GATTS_READ_EVT = 1,
  ESP_GATTS_WRITE_EVT = 2,
  ESP_GATTS_EXEC_WRITE_EVT = 3,
  ESP_GATTS_MTU_EVT = 4,
  ESP_GATTS_CONNECT_EVT = 14,
  ESP_GATTS_DISCONNECT_EVT = 15,
};
union esp_ble_gatts_cb_param_t {
  struct gatts_read_evt_param {
    uint16_t conn_id;
  } read;
  struct gatts_write_evt_param {
    uint16_t conn_id;
    uint16_t len;
    uint8_t *value;
  } write;
  struct gatts_mtu_evt_param {
    uint16_t conn_id;
    uint16_t mtu;
  } mtu;
  struct gatts_connect_evt_param {
    uint16_t conn_id;
  } connect;
  struct gatts_disconnect_evt_param {
    uint16_t conn_id;
  } disconnect;
};
enum esp_gattc_cb_event_t {
  ESP_GATTC_REG_EVT,
  ESP_GATTC_NOTIFY_EVT,
  ESP_GATTC_READ_CHAR_EVT,
  ESP_GATTC_READ_DESCR_EVT
};
union esp_ble_gattc_cb_param_t {
  struct gattc_notify_evt_param {
    uint16_t value_len;
    uint8_t *value;
  } notify;
  struct gattc_read_char_evt_param {
    uint16_t value_len;
    uint8_t *value;
  } read;
};
extern "C" {
const uint8_t *esp_bt_dev_get_address();
esp_err_t esp_ble_gap_set_device_name(const char *name);
esp_err_t esp_ble_gatt_set_local_mtu(uint16_t mtu);
}
