#include "udp_socket.h"

#include <cerrno>

namespace esphome::ct002 {

std::unique_ptr<socket::Socket> open_udp_socket(uint16_t port) {
  std::unique_ptr<socket::Socket> opened = socket::socket_loop_monitored(AF_INET, SOCK_DGRAM, 0);
  if (opened == nullptr)
    return nullptr;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = ESPHOME_INADDR_ANY;
  address.sin_port = htons(port);
  // No SO_REUSEADDR: two listeners on one UDP port would share the batteries' polls at random.
  if (opened->setblocking(false) < 0 || opened->bind(reinterpret_cast<sockaddr *>(&address), sizeof(address)) < 0) {
    const int reason = errno;
    opened.reset();  // closes, which may overwrite errno
    errno = reason;
  }
  return opened;
}

}  // namespace esphome::ct002
