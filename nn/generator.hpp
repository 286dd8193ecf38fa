#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace tapeloop::nn {

/// All that draws change in a `Generator`.
struct GeneratorState {
    std::array<std::uint64_t, 312> words{};  ///< of the Mersenne twister
    std::size_t used = 0;                    ///< words since they were made anew
    std::optional<double> spare;             ///< normal number, for the next call
};

/// Random numbers from a seed: the same on every machine and with every compiler, which the distributions of
/// the standard library are not. Built on the 64-bit Mersenne twister (std::mt19937_64) and on arithmetic
/// that IEEE 754 defines to the bit.
class Generator {
  public:
    /// Starts the sequence that belongs to `seed`.
    explicit Generator(std::uint64_t seed);

    /// 64 random bits.
    std::uint64_t bits() {
        if (state_.used == state_.words.size()) make_words();
        std::uint64_t word = state_.words[state_.used++];
        word ^= (word >> 29) & 0x5555555555555555U;
        word ^= (word << 17) & 0x71d67fffeda60000U;
        word ^= (word << 37) & 0xfff7eee000000000U;
        return word ^ (word >> 43);
    }
    /// Uniform in [0, 1), one of 2^53 values.
    double uniform() { return static_cast<double>(bits() >> 11) * 0x1p-53; }
    /// Uniform in [low, high), and low where that is empty. Throws `std::invalid_argument` when low is above
    /// high, or their distance is not finite.
    double uniform(double low, double high);
    /// Standard normal, by Marsaglia's polar method (SIAM Review 6, 1964).
    double normal();
    /// Uniform in 0, ..., count - 1, without bias. Throws `std::invalid_argument` when count is 0.
    std::size_t below(std::size_t count);

    /// Returns all that draws have changed, for `restore`.
    const GeneratorState& state() const { return state_; }
    /// Goes on from `state`. Throws `std::invalid_argument`, and changes nothing, when it is none that draws
    /// lead to.
    void restore(const GeneratorState& state);
    /// Throws what `restore` would throw.
    static void require_valid(const GeneratorState& state);

  private:
    void make_words();

    // The words are our own, and not a std::mt19937_64: the text that one writes of its state is not the same
    // with every standard library.
    GeneratorState state_;
};

}  // namespace tapeloop::nn
