#include "c_insights.h"

#include "door.h"
#include "insights.h"

using nullwatt::InsightsCommand;
using nullwatt::InsightsCommandKind;
using nullwatt::InsightsConfig;
using nullwatt::InsightsMessage;
using nullwatt::Text;
using nullwatt::text_of;
using nullwatt::Writer;

struct ct002_insights {
  nullwatt::Insights value;
};

namespace {

InsightsMessage message_of(const ct002_insights_message &message) {
  InsightsMessage result;
  result.kind = static_cast<nullwatt::InsightsMessageKind>(message.kind);
  result.battery = message.battery;
  result.retain = message.retain != 0;
  result.qos = message.qos;
  result.seen = message.seen;
  return result;
}

template<size_t kSize>
void take(const char *text, char (&out)[kSize]) {
  if (text != nullptr) nullwatt::copy_text(text_of(text), out, kSize);
}

}  // namespace

extern "C" {

size_t ct002_insights_size(void) { return sizeof(ct002_insights); }

int ct002_insights_is_topic(const char *text) { return nullwatt::is_topic(text_of(text)) ? 1 : 0; }

ct002_insights *ct002_insights_init(void *memory, size_t size, const ct002_insights_config *config) {
  if (!nullwatt::usable(memory, size, sizeof(ct002_insights))) return nullptr;
  const char *const names[] = {config->base_topic, config->device_id, config->discovery_prefix};
  for (const char *name : names) {
    if (!nullwatt::is_topic(text_of(name))) return nullptr;
  }
  InsightsConfig taken;
  taken.base_topic = config->base_topic;
  taken.device_id = config->device_id;
  taken.discovery_prefix = config->discovery_prefix;
  taken.version = config->version;
  taken.node_topic = config->node_topic;
  taken.state_interval_ms = config->state_interval_ms;
  taken.discovery = config->discovery != 0;
  taken.hub = config->hub != 0;
  taken.rotation = config->rotation != 0;
  taken.tells_retained = config->tells_retained != 0;
  return new (nullwatt::Place{memory}) ct002_insights{nullwatt::Insights(taken)};
}

size_t ct002_insights_subscription(const ct002_insights *insights, uint8_t index, char *out, size_t capacity) {
  if (index >= nullwatt::kInsightsSubscriptions) return 0;
  Writer writer(out, capacity);
  nullwatt::write_subscription(insights->value.config(), index, &writer);
  return writer.size();
}

size_t ct002_insights_status_topic(const ct002_insights *insights, char *out, size_t capacity) {
  Writer writer(out, capacity);
  nullwatt::write_status_topic(insights->value.config(), &writer);
  return writer.size();
}

void ct002_insights_connected(ct002_insights *insights, uint32_t now_ms) { insights->value.connected(now_ms); }

void ct002_insights_disconnected(ct002_insights *insights) { insights->value.disconnected(); }

int ct002_insights_next(ct002_insights *insights, const ct002_emulator *emulator, uint32_t now_ms,
                        ct002_insights_message *message) {
  InsightsMessage due;
  if (!insights->value.next(emulator->value, now_ms, &due)) return 0;
  *message = {static_cast<uint8_t>(due.kind), due.battery, static_cast<uint8_t>(due.retain ? 1 : 0), due.qos, due.seen};
  return 1;
}

void ct002_insights_sent(ct002_insights *insights, uint32_t now_ms, const ct002_insights_message *message) {
  insights->value.sent(message_of(*message), now_ms);
}

size_t ct002_insights_topic(const ct002_insights *insights, const ct002_insights_message *message, char *out,
                            size_t capacity) {
  Writer writer(out, capacity);
  insights->value.write_topic(message_of(*message), &writer);
  return writer.size();
}

size_t ct002_insights_payload(const ct002_insights *insights, const ct002_emulator *emulator,
                              const ct002_insights_message *message, uint32_t unix_s, char *out, size_t capacity) {
  Writer writer(out, capacity);
  insights->value.write_payload(message_of(*message), emulator->value, unix_s, &writer);
  return writer.size();
}

uint8_t ct002_insights_received(ct002_insights *insights, ct002_emulator *emulator, const char *topic,
                                size_t topic_size, const char *payload, size_t payload_size, uint8_t retained,
                                uint32_t now_ms, const char **reason) {
  InsightsCommand command =
      insights->value.received(Text{topic, topic_size}, Text{payload, payload_size}, retained != 0, now_ms);
  bool refused = command.kind == InsightsCommandKind::kRefused;
  if (!refused) refused = !nullwatt::apply(&command, &emulator->value);
  *reason = command.reason == nullptr ? "" : command.reason;
  if (refused) return CT002_REFUSED;
  return command.kind == InsightsCommandKind::kNone ? CT002_NOT_OURS : CT002_DONE;
}
}
