#pragma once

#include <cstddef>
#include <cstdint>
#include <random>

namespace tapeloop::nn {

/// Random numbers from a seed: the same on every machine and with every compiler, which the distributions of
/// the standard library are not. Built on the 64-bit Mersenne twister and on arithmetic that IEEE 754 defines
/// to the bit.
class Generator {
  public:
    /// Starts the sequence that belongs to `seed`.
    explicit Generator(std::uint64_t seed) : bits_(seed) {}

    /// 64 random bits.
    std::uint64_t bits() { return bits_(); }
    /// Uniform in [0, 1), one of 2^53 values.
    double uniform() { return static_cast<double>(bits() >> 11) * 0x1p-53; }
    /// Uniform in [low, high), and low where that is empty. Throws `std::invalid_argument` when low is above
    /// high, or their distance is not finite.
    double uniform(double low, double high);
    /// Standard normal, by Marsaglia's polar method (SIAM Review 6, 1964).
    double normal();
    /// Uniform in 0, ..., count - 1, without bias. Throws `std::invalid_argument` when count is 0.
    std::size_t below(std::size_t count);

  private:
    std::mt19937_64 bits_;
    double spare_ = 0;
    bool has_spare_ = false;
};

}  // namespace tapeloop::nn
