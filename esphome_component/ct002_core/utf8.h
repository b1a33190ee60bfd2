#pragma once
// Is it UTF-8? Texts of other parties may be anything.

#include "text.h"

namespace nullwatt {

/// Size of the UTF-8 sequence at the start of `text`, 0 if there is none (also overlong forms and surrogates).
size_t utf8_size(Text text);

}  // namespace nullwatt
