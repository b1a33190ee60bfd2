#pragma once
// What can be told from the type string a battery reports. Only a prior: what the battery
// really does is learnt from its reports.

#include <cstdint>

#include "law.h"
#include "text.h"

namespace nullwatt {

struct DeviceTraits {
  bool inverter;        ///< has an inverter of its own
  bool ac_chargeable;   ///< can charge from the grid side
  bool dc_input;        ///< has solar inputs of its own
  LawKind law;          ///< law its firmware runs as far as anybody knows, polling a CT002
  LawKind law_ct003;    ///< the same, polling a CT003
  uint8_t rest_band_w;  ///< readings smaller than this do not wake it
  uint8_t start_w;      ///< least output its inverter starts with, nominal
};

/// First matching prefix, ignoring case. Unknown types count as an AC battery.
DeviceTraits traits_of(Text device_type);

}  // namespace nullwatt
