#pragma once

#include <cstdint>

namespace tapeloop::detail {

/// The number of times that this thread has changed elements in place that somebody may have copied: whoever
/// keeps copies compares it with what it was.
inline thread_local constinit std::uint64_t changes_in_place = 0;

}  // namespace tapeloop::detail
