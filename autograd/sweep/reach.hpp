#pragma once

#include <autograd/tape.hpp>

#include <vector>

namespace tapeloop::detail {

/// The nodes that a sweep has to visit: those through which a root depends on what was asked for.
template <class T>
class Reach {
  public:
    Reach(const Tape<T>& tape, NodeIndex first, NodeIndex last, std::span<const NodeIndex> wrt);
    /// Reaches from one node, up to `last` of its results, to those of its inputs that are wanted, however
    /// far in front of it they lie: for the rules of that node alone, not for a run.
    Reach(NodeIndex node, NodeIndex last, std::vector<NodeIndex> wanted_inputs);

    bool contains(NodeIndex node) const {
        if (node < first_) return place_in_front(node) < in_front_.size();
        return node <= last_ && reached_[node - first_] != 0;
    }
    NodeIndex first() const { return first_; }
    NodeIndex last() const { return last_; }
    /// Returns where a node that is reached has its place among `size()` of them.
    std::size_t place(NodeIndex node) const {
        return node < first_ ? reached_.size() + place_in_front(node) : node - first_;
    }
    std::size_t size() const { return reached_.size() + in_front_.size(); }

  private:
    /// Returns the place among the inputs in front; their number for what is none of them.
    std::size_t place_in_front(NodeIndex node) const;

    NodeIndex first_;
    NodeIndex last_;
    std::vector<std::uint8_t, PoolAllocator<std::uint8_t>> reached_;
    std::vector<NodeIndex> in_front_;  ///< ascending
};

/// Throws what is said of a rule that gives an argument a cotangent which does not fit it.
template <class T>
[[noreturn]] void fail_contribution(const Tape<T>& tape, NodeIndex node, NodeIndex argument,
                                    const Shape& shape);

extern template class Reach<float>;
extern template class Reach<double>;

}  // namespace tapeloop::detail
