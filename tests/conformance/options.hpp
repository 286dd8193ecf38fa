#pragma once

#include "json.hpp"

namespace tapeloop::conformance {

/// Reads `cell` and `options` into the case; what this runner lacks into `missing`.
void read_options(const Json& json, Case& into);

}  // namespace tapeloop::conformance
