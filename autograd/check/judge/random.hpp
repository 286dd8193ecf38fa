#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace tapeloop::detail {

/// Numbers that are the same on every machine (splitmix64).
class CheckRandom {
  public:
    explicit CheckRandom(std::uint64_t seed) : state_(seed) {}

    std::uint64_t next() {
        std::uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
        return z ^ (z >> 31);
    }
    /// Returns a number in [0, 1).
    double uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }
    /// Returns a number of either sign and of size 0.5 to 1.5: as a cotangent it hides nothing.
    double weight() {
        const double size = 0.5 + uniform();
        return (next() & 1U) != 0 ? size : -size;
    }

  private:
    std::uint64_t state_;
};

/// Returns `size` weights, for a cotangent or a direction.
inline std::vector<double> random_weights(std::size_t size, std::uint64_t seed) {
    CheckRandom random(seed);
    std::vector<double> weights(size);
    for (double& weight : weights) weight = random.weight();
    return weights;
}

/// Returns up to `most` of `size` elements, one from each of as many equal stretches: a fixed stride would
/// miss whole columns.
inline std::vector<std::size_t> spread(std::size_t size, std::size_t most, CheckRandom& random) {
    const std::size_t count = std::min(size, most);
    std::vector<std::size_t> chosen;
    chosen.reserve(count);
    for (std::size_t k = 0; k < count; ++k) {
        const std::size_t begin = k * size / count;
        const std::size_t width = (k + 1) * size / count - begin;
        chosen.push_back(begin + static_cast<std::size_t>(random.next() % width));
    }
    return chosen;
}

}  // namespace tapeloop::detail
