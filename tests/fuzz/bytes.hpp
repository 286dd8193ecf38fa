#pragma once

#include <tests/numeric.hpp>

#include <cstdint>
#include <initializer_list>
#include <span>
#include <vector>

namespace tapeloop::fuzz {

/// Choices, one after the other, from a string of bytes. Behind its end every choice is the first one.
class Bytes {
  public:
    explicit Bytes(std::vector<std::uint8_t> bytes) : bytes_(std::move(bytes)) {}
    /// As many as a program of middling length takes, the same for the same seed.
    explicit Bytes(std::uint64_t seed);

    bool is_at_end() const { return next_ >= bytes_.size(); }
    /// In 0 .. bound - 1, for bounds up to 256.
    std::size_t below(std::size_t bound) { return byte() % bound; }
    /// From `low` to `high`, both included.
    int between(int low, int high);
    /// True in `percent` of a hundred cases, and never behind the end.
    bool chance(std::size_t percent) { return byte() % 100 >= 100 - percent; }
    /// What random numbers are drawn from.
    std::uint64_t seed() { return 256U * byte() + byte(); }
    template <class V>
    const V& one_of(const std::vector<V>& list) {
        return list[below(list.size())];
    }

  private:
    std::uint8_t byte() { return is_at_end() ? 0 : bytes_[next_++]; }

    std::vector<std::uint8_t> bytes_;
    std::size_t next_ = 0;
};

}  // namespace tapeloop::fuzz
