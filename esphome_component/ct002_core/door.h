#pragma once
// What the C doors share: how they make objects in memory of their host, and what an emulator is to them.

#include <cstddef>
#include <cstdint>

#include "emulator.h"

// Placement new without <new>, whose header is not there on every bare-metal toolchain.
namespace nullwatt {
struct Place {
  void *at;
};
}  // namespace nullwatt
inline void *operator new(size_t, nullwatt::Place place) noexcept { return place.at; }

struct ct002_emulator {
  nullwatt::Emulator value;
};

namespace nullwatt {

inline constexpr size_t kDoorAlignment = 8;

inline bool usable(const void *memory, size_t size, size_t needed) {
  return memory != nullptr && size >= needed && reinterpret_cast<uintptr_t>(memory) % kDoorAlignment == 0;
}

}  // namespace nullwatt
