#pragma once
// HTTP GETs beside the main loop: batteries must be answered while a server keeps us waiting.
//
// One request at a time for all services. A job belongs to the main loop until web_start(), then to a task of its own
// until its `done` is set; that task calls nothing of the core or of other components.
//
// Not the client of the component http_request: that one belongs to the main loop, and it logs whole URLs, which hold
// secrets of the user's account. What is configured there about certificates holds here, too.

#include "esphome/core/defines.h"
#ifdef USE_CT002_WEB

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace esphome::ct002 {

enum class WebResult : uint8_t { REPLY, UNREACHABLE, TIMED_OUT, CUT_OFF, NO_MEMORY };

struct TlsSettings {
  bool verify{true};
  const char *ca_certificate{nullptr};  ///< PEM; nullptr = the bundle of the firmware
};

class WebJob {
 public:
  explicit WebJob(size_t body_limit) : body_limit(body_limit) {}
  ~WebJob();
  WebJob(const WebJob &) = delete;
  WebJob &operator=(const WebJob &) = delete;

  /// Room for `size` bytes of the body in all, at most its limit; what is there already stays. False without memory.
  bool reserve(size_t size);
  /// Room there is.
  size_t capacity() const { return this->capacity_; }
  bool is_done() const { return this->done.load(std::memory_order_acquire); }

  // What to ask, filled in before web_start().
  char url[3072]{};
  char token[512]{};  ///< header of this name; "" = none
  TlsSettings tls;
  uint32_t timeout_ms{10000};  ///< of the connection, and of the whole request
  const size_t body_limit;     ///< 0 = the body does not matter

  // What came of it, to be read when it is done.
  WebResult result{WebResult::UNREACHABLE};
  int32_t status{0};
  char *body{nullptr};
  size_t size{0};
  bool truncated{false};

  std::atomic<bool> done{false};

 protected:
  size_t capacity_{0};
};

/// A request of any service is under way.
bool web_is_busy();
/// Runs the job beside the main loop. It must stay where it is until it is done. False, and nothing happens, if there
/// is no memory for it.
bool web_start(WebJob *job);

/// Makes the request and fills in what came of it; the platform's part.
void web_fetch(WebJob *job);

}  // namespace esphome::ct002

#endif
