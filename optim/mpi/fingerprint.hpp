#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>

namespace tapeloop::optim::detail {

/// 64 bits that tell whether bits are equal. Every step can be undone, so that of two rows of one length
/// which differ in a single word the fingerprints always differ.
class Fingerprint {
  public:
    void add(std::uint64_t word) {
        value_ = (value_ ^ word) * 0x9e3779b97f4a7c15U;
        value_ ^= value_ >> 32;
    }
    void add(std::span<const std::byte> bytes);
    std::uint64_t value() const { return value_; }

  private:
    std::uint64_t value_ = 0x6a09e667f3bcc908U;
};

/// Of the file that this process runs, and so of the library in it; 0 where the system does not show it.
std::uint64_t fingerprint_of_program();

/// Mixes numbers to the seed of a generator: other numbers, or another order, give another seed.
std::uint64_t mixed_seed(std::initializer_list<std::uint64_t> numbers);

}  // namespace tapeloop::optim::detail
