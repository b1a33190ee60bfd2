#include "web.h"
#if defined(USE_CT002_WEB) && !defined(USE_ESP32)

// For tests on a computer: plain HTTP alone.

#include <netdb.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>

#include "esphome/core/hal.h"

namespace esphome::ct002 {

static WebResult failure() {
  return errno == EAGAIN || errno == EWOULDBLOCK ? WebResult::TIMED_OUT : WebResult::CUT_OFF;
}

static void set_limit(int fd, uint32_t limit_ms) {
  const timeval limit{static_cast<time_t>(limit_ms / 1000), static_cast<suseconds_t>(limit_ms % 1000 * 1000)};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
}

static int connect_to(const std::string &host, const std::string &port, uint32_t timeout_ms) {
  addrinfo hints{};
  hints.ai_family = AF_INET;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo *found = nullptr;
  if (getaddrinfo(host.c_str(), port.c_str(), &hints, &found) != 0)
    return -1;
  const int fd = socket(found->ai_family, found->ai_socktype, 0);
  set_limit(fd, timeout_ms);
  const bool connected = fd >= 0 && connect(fd, found->ai_addr, found->ai_addrlen) == 0;
  freeaddrinfo(found);
  if (connected)
    return fd;
  if (fd >= 0)
    close(fd);
  return -1;
}

static WebResult converse(int fd, const std::string &request, uint32_t started_ms, WebJob *job) {
  if (send(fd, request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size()))
    return failure();
  std::string reply;
  char chunk[2048];
  while (true) {
    // Of the whole request: a server that lets bytes drip would keep this up for ever.
    const uint32_t spent_ms = millis() - started_ms;
    if (spent_ms >= job->timeout_ms)
      return WebResult::TIMED_OUT;
    set_limit(fd, job->timeout_ms - spent_ms);
    const ssize_t size = recv(fd, chunk, sizeof(chunk), 0);
    if (size < 0)
      return failure();
    if (size == 0)
      break;
    reply.append(chunk, static_cast<size_t>(size));
  }
  const size_t head = reply.find("\r\n\r\n");
  if (reply.compare(0, 5, "HTTP/") != 0 || head == std::string::npos)
    return WebResult::CUT_OFF;
  job->status = static_cast<int32_t>(strtol(reply.c_str() + 9, nullptr, 10));
  const std::string body = reply.substr(head + 4);
  const size_t field = reply.find("\r\nContent-Length: ");
  if (field < head && body.size() < strtoul(reply.c_str() + field + 18, nullptr, 10))
    return WebResult::CUT_OFF;
  job->truncated = body.size() > job->body_limit;
  const size_t size = job->truncated ? job->body_limit : body.size();
  if (size > 0 && !job->reserve(size))
    return WebResult::NO_MEMORY;
  body.copy(job->body, size);
  job->size = size;
  return WebResult::REPLY;
}

void web_fetch(WebJob *job) {
  const std::string url = job->url;
  if (url.compare(0, 7, "http://") != 0)
    return;
  const size_t slash = url.find('/', 7);
  const std::string name = url.substr(7, slash - 7);
  const size_t colon = name.find(':');
  const std::string port = colon == std::string::npos ? "80" : name.substr(colon + 1);
  const uint32_t started_ms = millis();
  const int fd = connect_to(name.substr(0, colon), port, job->timeout_ms);
  if (fd < 0)
    return;
  std::string request = "GET " + url.substr(slash) + " HTTP/1.0\r\nHost: " + name + "\r\n";
  request += "User-Agent: Dart/2.19 (dart:io)\r\nAccept: application/json\r\n";
  if (job->token[0] != '\0')
    request += std::string("Content-Type: application/json\r\ntoken: ") + job->token + "\r\n";
  job->result = converse(fd, request + "\r\n", started_ms, job);
  close(fd);
}

}  // namespace esphome::ct002

#endif
