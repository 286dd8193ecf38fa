#pragma once

#include <algorithm>
#include <array>
#include <cstddef>

namespace tapeloop::detail {

/// The first of some sizes, the largest first, for which `bytes(size)` stays within `limit`; 0 if none does.
template <std::size_t N, class Bytes>
std::size_t largest_within(const std::array<std::size_t, N>& sizes, std::size_t limit, const Bytes& bytes) {
    const auto fits = [&](std::size_t size) { return bytes(size) <= limit; };
    const auto found = std::find_if(sizes.begin(), sizes.end(), fits);
    return found == sizes.end() ? 0 : *found;
}

}  // namespace tapeloop::detail
