#pragma once

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

namespace tapeloop::test {

/// The seeds that a test against false alarms tries, 1 to `usual`; or as TAPELOOP_CHECK_SEEDS says, by their
/// number or by a range: `10000`, `501-1000`.
inline std::vector<std::uint64_t> seeds_to_try(std::uint64_t usual) {
    std::uint64_t first = 1;
    std::uint64_t last = usual;
    if (const char* given = std::getenv("TAPELOOP_CHECK_SEEDS"); given != nullptr) {
        const std::string range = given;
        const std::size_t dash = range.find('-');
        last = std::stoull(range.substr(dash == std::string::npos ? 0 : dash + 1));
        if (dash != std::string::npos) first = std::stoull(range);
    }
    std::vector<std::uint64_t> seeds;
    for (std::uint64_t seed = first; seed <= last; ++seed) seeds.push_back(seed);
    return seeds;
}

}  // namespace tapeloop::test
