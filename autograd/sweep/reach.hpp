#pragma once

#include <autograd/tape.hpp>

#include <vector>

namespace tapeloop {

/// Which nodes a sweep has to visit: those through which a root depends on what was asked for.
template <class T>
class Reach {
  public:
    Reach(const Tape<T>& tape, Index first, Index last, std::span<const Index> wrt);

    bool contains(Index node) const {
        return node >= first_ && node <= last_ && reached_[node - first_] != 0;
    }
    Index first() const { return first_; }
    Index last() const { return last_; }

  private:
    Index first_;
    Index last_;
    std::vector<std::uint8_t, PoolAllocator<std::uint8_t>> reached_;
};

/// Throws what is said of a rule that gives an argument a cotangent which does not fit it.
template <class T>
[[noreturn]] void fail_contribution(const Tape<T>& tape, Index node, Index argument, const Shape& shape);

extern template class Reach<float>;
extern template class Reach<double>;

}  // namespace tapeloop
