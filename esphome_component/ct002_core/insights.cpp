#include "insights.h"

#include "insights_discovery.h"
#include "insights_state.h"

namespace nullwatt {
namespace {

// Without a poll nothing is told of the batteries; the meter is told all the same, now and then.
constexpr uint32_t kDeviceStateMs = 30000;
// How often it is looked who left, while nobody polls.
constexpr uint32_t kLookMs = 500;
// The time that a battery which the broker remembers has to come back.
constexpr uint32_t kReturnMs = 60000;
// What the broker kept comes right after subscribing. A press of a button is not kept, but somebody may have done so.
constexpr uint32_t kReplayMs = 2000;

uint16_t hash_of(const char *text) {
  uint16_t hash = 0;
  for (; *text != '\0'; text++) hash = static_cast<uint16_t>(31u * hash + static_cast<uint8_t>(*text));
  return hash;
}

/// The name of a battery in topics.
void cid_of(const char *key, char (*cid)[kKeySize]) {
  Writer out(*cid, kKeySize);
  write_cid(text_of(key), &out);
  if (!out.terminate()) (*cid)[0] = '\0';
}

bool find_consumer(const Emulator &emulator, const char *key, ct002_consumer *out) {
  for (uint8_t i = 0; emulator.consumer(i, out); i++) {
    if (same_key(out->key, key)) return true;
  }
  *out = ct002_consumer();
  return false;
}

}  // namespace

void Insights::connected(uint32_t now_ms) {
  connected_ = true;
  connected_ms_ = now_ms;
  looked_ = false;
  online_told_ = false;
  hub_told_ = false;
  bridge_due_ = true;
  device_state_told_ = false;
  device_discovery_told_ = false;
  for (Battery &battery : batteries_) {
    battery.state_told = false;
    battery.online_told = false;
    battery.discovery_told = false;
    battery.device_due = false;
  }
}

Insights::Battery *Insights::find(const char *key) {
  for (Battery &battery : batteries_) {
    if (battery.used && same_key(battery.key, key)) return &battery;
  }
  return nullptr;
}

Insights::Battery *Insights::place_for(const char *key) {
  Battery *place = nullptr;
  for (Battery &battery : batteries_) {
    if (!battery.used) {
      place = &battery;
      break;
    }
    // Those that polled once come before those of which only the broker speaks.
    if (!battery.there && !battery.left) place = &battery;
  }
  if (place == nullptr) return nullptr;
  *place = Battery();
  copy_text(text_of(key), place->key, sizeof(place->key));
  place->used = true;
  return place;
}

void Insights::see(const ct002_consumer &consumer) {
  char cid[kKeySize];
  cid_of(consumer.key, &cid);
  Battery *battery = find(consumer.key);
  // The broker knows it by the name in its topics.
  if (battery == nullptr) battery = find(cid);
  if (battery != nullptr && !battery->there) copy_text(text_of(consumer.key), battery->key, sizeof(battery->key));
  const bool inspects = consumer.phase == '0';
  if (battery == nullptr && !inspects) battery = place_for(consumer.key);
  if (battery == nullptr) return;
  const bool returned = !battery->there && !inspects;
  battery->there = battery->there || !inspects;
  if (returned) {
    battery->left = false;
    battery->polls = consumer.polls - 1;
    bridge_due_ = true;
  }
  const uint16_t type_hash = hash_of(consumer.device_type);
  if (type_hash != battery->type_hash) battery->discovery_told = false;
  battery->type_hash = type_hash;
}

void Insights::look(const Emulator &emulator, const ct002_state &state, uint32_t now_ms) {
  looked_ = true;
  looked_ms_ = now_ms;
  replies_ = state.replies;
  ct002_consumer consumer;
  for (Battery &battery : batteries_) {
    if (!battery.used) continue;
    const bool there = find_consumer(emulator, battery.key, &consumer);
    if (battery.there && !there) {
      battery.there = false;
      battery.left = true;
      bridge_due_ = true;
    } else if (!battery.there && !there && now_ms - connected_ms_ >= kReturnMs) {
      battery.left = true;
    }
  }
  for (uint8_t i = 0; emulator.consumer(i, &consumer); i++) see(consumer);
}

bool Insights::next(const Emulator &emulator, uint32_t now_ms, InsightsMessage *message) {
  if (!connected_) return false;
  ct002_state state;
  emulator.state(&state);
  if (!looked_ || state.replies != replies_ || now_ms - looked_ms_ >= kLookMs) look(emulator, state, now_ms);
  *message = InsightsMessage();
  return next_of_meter(state, now_ms, message) || next_of_battery(emulator, now_ms, message);
}

bool Insights::next_of_meter(const ct002_state &state, uint32_t now_ms, InsightsMessage *message) const {
  const bool has_hub = config_.discovery && config_.hub;
  if (!online_told_) {
    message->kind = InsightsMessageKind::kOnline;
    message->qos = 1;
    return true;
  }
  if (has_hub && !hub_told_) {
    message->kind = InsightsMessageKind::kHubDiscovery;
    return true;
  }
  if (has_hub && bridge_due_) {
    message->kind = InsightsMessageKind::kBridge;
    return true;
  }
  if (!device_state_told_ || now_ms - device_state_ms_ >= kDeviceStateMs ||
      active_control_told_ != (state.active_control != 0)) {
    message->kind = InsightsMessageKind::kDeviceState;
    message->seen = state.active_control;
    return true;
  }
  if (config_.discovery && !device_discovery_told_) {
    message->kind = InsightsMessageKind::kDeviceDiscovery;
    return true;
  }
  return false;
}

bool Insights::step_after_state(const Battery &battery, InsightsMessageKind *kind) const {
  if (!battery.state_told) return false;
  if (!battery.online_told) {
    *kind = InsightsMessageKind::kBatteryOnline;
  } else if (battery.device_due) {
    *kind = InsightsMessageKind::kDeviceState;
  } else if (config_.discovery && !battery.discovery_told) {
    *kind = InsightsMessageKind::kBatteryDiscovery;
  } else {
    return false;
  }
  return true;
}

bool Insights::wants_state(const Battery &battery, const Emulator &emulator, uint32_t now_ms, uint32_t *polls) const {
  ct002_consumer consumer;
  if (!battery.there || !find_consumer(emulator, battery.key, &consumer) || consumer.phase == '0') return false;
  *polls = consumer.polls;
  if (!battery.state_told) return true;
  return consumer.polls != battery.polls && now_ms - battery.state_ms >= config_.state_interval_ms;
}

bool Insights::next_of_battery(const Emulator &emulator, uint32_t now_ms, InsightsMessage *message) {
  for (uint8_t i = 0; i < kMaxBatteries; i++) {
    const auto index = static_cast<uint8_t>((first_ + i) % kMaxBatteries);
    const Battery &battery = batteries_[index];
    if (!battery.used) continue;
    if (battery.left) {
      message->kind = InsightsMessageKind::kBatteryOffline;
    } else if (step_after_state(battery, &message->kind)) {
      message->seen = emulator.config().active_control ? 1 : 0;
    } else if (wants_state(battery, emulator, now_ms, &message->seen)) {
      message->kind = InsightsMessageKind::kBatteryState;
    } else {
      continue;
    }
    message->battery = index;
    first_ = index;  // its messages stay together
    return true;
  }
  return false;
}

void Insights::sent(const InsightsMessage &message, uint32_t now_ms) {
  switch (message.kind) {
    case InsightsMessageKind::kOnline:
      online_told_ = true;
      break;
    case InsightsMessageKind::kHubDiscovery:
      hub_told_ = true;
      break;
    case InsightsMessageKind::kBridge:
      bridge_due_ = false;
      break;
    case InsightsMessageKind::kDeviceDiscovery:
      device_discovery_told_ = true;
      break;
    case InsightsMessageKind::kDeviceState:
      device_state_told_ = true;
      device_state_ms_ = now_ms;
      active_control_told_ = message.seen != 0;
      break;
    default:
      break;
  }
  if (message.battery < kMaxBatteries) sent_of_battery(message, now_ms);
}

void Insights::sent_of_battery(const InsightsMessage &message, uint32_t now_ms) {
  Battery *battery = &batteries_[message.battery];
  switch (message.kind) {
    case InsightsMessageKind::kBatteryState:
      battery->polls = message.seen;
      battery->state_told = true;
      battery->state_ms = now_ms;
      battery->device_due = true;
      break;
    case InsightsMessageKind::kBatteryOnline:
      battery->online_told = true;
      break;
    case InsightsMessageKind::kDeviceState:
      battery->device_due = false;
      break;
    case InsightsMessageKind::kBatteryDiscovery:
      battery->discovery_told = true;
      break;
    case InsightsMessageKind::kBatteryOffline:
      *battery = Battery();
      break;
    default:
      break;
  }
  InsightsMessageKind following;
  if (!step_after_state(*battery, &following)) first_ = static_cast<uint8_t>((message.battery + 1) % kMaxBatteries);
}

// -- what a message says -------------------------------------------------------------------

void Insights::write_topic(const InsightsMessage &message, Writer *out) const {
  const Text key = message.battery < kMaxBatteries ? text_of(batteries_[message.battery].key) : Text();
  switch (message.kind) {
    case InsightsMessageKind::kOnline:
      write_status_topic(config_, out);
      return;
    case InsightsMessageKind::kHubDiscovery:
      write_hub_discovery_topic(config_, out);
      return;
    case InsightsMessageKind::kBridge:
      write_bridge_topic(config_, out);
      return;
    case InsightsMessageKind::kDeviceState:
      write_device_topic(config_, out);
      return;
    case InsightsMessageKind::kDeviceDiscovery:
      write_device_discovery_topic(config_, out);
      return;
    case InsightsMessageKind::kBatteryState:
      write_battery_topic(config_, key, out);
      return;
    case InsightsMessageKind::kBatteryOnline:
    case InsightsMessageKind::kBatteryOffline:
      write_battery_topic(config_, key, out);
      out->put("/availability");
      return;
    case InsightsMessageKind::kBatteryDiscovery:
      write_battery_discovery_topic(config_, key, out);
      return;
  }
}

void Insights::write_payload(const InsightsMessage &message, const Emulator &emulator, uint32_t unix_s,
                             Writer *out) const {
  const Battery none{};
  const Battery &battery = message.battery < kMaxBatteries ? batteries_[message.battery] : none;
  ct002_state state;
  emulator.state(&state);
  ct002_consumer consumer;
  switch (message.kind) {
    case InsightsMessageKind::kOnline:
    case InsightsMessageKind::kBatteryOnline:
      out->put("online");
      return;
    case InsightsMessageKind::kBatteryOffline:
      out->put("offline");
      return;
    case InsightsMessageKind::kHubDiscovery:
      write_hub_discovery(config_, out);
      return;
    case InsightsMessageKind::kBridge:
      write_bridge_state(config_, state, out);
      return;
    case InsightsMessageKind::kDeviceState:
      write_device_state(state, out);
      return;
    case InsightsMessageKind::kDeviceDiscovery:
      write_device_discovery(config_, out);
      return;
    case InsightsMessageKind::kBatteryState:
      if (find_consumer(emulator, battery.key, &consumer)) write_battery_state(emulator, consumer, unix_s, out);
      return;
    case InsightsMessageKind::kBatteryDiscovery:
      find_consumer(emulator, battery.key, &consumer);  // if it left meanwhile, its type is not known
      write_battery_discovery(config_, text_of(battery.key), text_of(consumer.device_type), out);
      return;
  }
}

// -- what comes in -------------------------------------------------------------------------

void Insights::resolve(char (&key)[kKeySize]) const {
  char cid[kKeySize];
  for (const Battery &battery : batteries_) {
    if (!battery.used || !battery.there) continue;
    cid_of(battery.key, &cid);
    if (same_key(cid, key)) {
      copy_text(text_of(battery.key), key, kKeySize);
      return;
    }
  }
}

InsightsCommand Insights::received(Text topic, Text payload, bool retained, uint32_t now_ms) {
  InsightsCommand command = parse_insights_command(config_, topic, payload);
  // A client that does not tell: what the broker kept comes right after subscribing.
  const bool replayed = retained || (!config_.tells_retained && now_ms - connected_ms_ < kReplayMs);
  resolve(command.key);
  if (command.kind == InsightsCommandKind::kAvailability) {
    // Only the broker's memory is news; what this session published comes back as well.
    if (replayed && command.value > 0.5f && find(command.key) == nullptr) place_for(command.key);
    return {};
  }
  if (command.force_rotation && replayed) {
    command.force_rotation = false;
    command.reason = "force_rotation is a press of a button: it must not be retained";
    if (!command.sets_active_control) command.kind = InsightsCommandKind::kRefused;
  }
  return command;
}

}  // namespace nullwatt
