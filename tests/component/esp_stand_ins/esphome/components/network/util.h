// Stand-in: the real one reads the drivers of Wi-Fi.
#pragma once
namespace esphome::network {
bool is_connected();
}
