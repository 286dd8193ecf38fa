#pragma once

#include <autograd/tape.hpp>

#include <vector>

namespace tapeloop::detail {

/// The nodes that a sweep has to visit: those through which a root depends on what was asked for.
template <class T>
class Reach {
  public:
    Reach(const Tape<T>& tape, NodeIndex first, NodeIndex last, std::span<const NodeIndex> wrt);

    bool contains(NodeIndex node) const {
        return node >= first_ && node <= last_ && reached_[node - first_] != 0;
    }
    NodeIndex first() const { return first_; }
    NodeIndex last() const { return last_; }

  private:
    NodeIndex first_;
    NodeIndex last_;
    std::vector<std::uint8_t, PoolAllocator<std::uint8_t>> reached_;
};

/// Throws what is said of a rule that gives an argument a cotangent which does not fit it.
template <class T>
[[noreturn]] void fail_contribution(const Tape<T>& tape, NodeIndex node, NodeIndex argument,
                                    const Shape& shape);

extern template class Reach<float>;
extern template class Reach<double>;

}  // namespace tapeloop::detail
