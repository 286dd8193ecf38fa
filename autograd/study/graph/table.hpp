#pragma once

#include <cstddef>
#include <string>

/// This file has what the tables of the studies share.
namespace tapeloop::detail {

/// Returns whether a table that must stay short shows position i of 0 .. last: the small ones, then fewer and
/// fewer.
inline bool is_shown(std::size_t i, std::size_t last) {
    for (std::size_t scale = 1; scale <= i; scale *= 10)
        if (i == scale || i == 2 * scale || i == 5 * scale) return true;
    return i == 0 || i == last;
}

/// A field of a CSV file, in quotes where it needs them.
std::string csv_field(const std::string& text);

}  // namespace tapeloop::detail
