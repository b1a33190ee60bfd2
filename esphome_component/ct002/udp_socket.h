#pragma once

#include <memory>

#include "esphome/components/socket/socket.h"

namespace esphome::ct002 {

/// A non-blocking socket on all IPv4 interfaces that wakes the main loop; nullptr (see errno) when the port is taken.
std::unique_ptr<socket::Socket> open_udp_socket(uint16_t port);

}  // namespace esphome::ct002
