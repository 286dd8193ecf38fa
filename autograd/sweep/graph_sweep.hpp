#pragma once

#include <autograd/sweep/reach.hpp>

#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

namespace tapeloop::detail {

/// The recorded reverse sweep: the same walk with `Var`s for cotangents. Defined in
/// autograd/gradient_graph.cpp, above the operations that it records.
template <class T>
class GraphSweep {
  public:
    GraphSweep(Tape<T>& tape, Reach<T> reach);

    Tape<T>& tape() { return tape_; }
    bool wants(NodeIndex node) const { return reach_.contains(node) || recomputed_.contains(node); }
    bool has(NodeIndex node) const { return wants(node) && slot(node).has_value(); }
    Var<T> cotangent(NodeIndex node) const { return *slot(node); }
    void deliver(NodeIndex receiver_of, NodeIndex node, const Var<T>& contribution);
    void hand_over(NodeIndex receiver_of, NodeIndex node, const Var<T>& contribution) {
        deliver(receiver_of, node, contribution);
    }
    void run();
    /// Takes the nodes from `first` to the end of the tape as well, which the operation of `node`, while it
    /// is pulled, recorded again. Each of `roots` is among them what that result of `node` is.
    void run_recomputed(NodeIndex first, std::span<const NodeIndex> roots, NodeIndex node);

  private:
    static auto& slot_of(auto& self, NodeIndex node) {
        return node <= self.reach_.last() ? self.slots_[node - self.reach_.first()]
                                          : self.recomputed_.at(node);
    }
    std::optional<Var<T>>& slot(NodeIndex node) { return slot_of(*this, node); }
    const std::optional<Var<T>>& slot(NodeIndex node) const { return slot_of(*this, node); }
    /// Takes the nodes before `end`, from the last to `first`.
    void walk(NodeIndex first, NodeIndex end);

    Tape<T>& tape_;
    Reach<T> reach_;
    std::vector<std::optional<Var<T>>> slots_;
    std::unordered_map<NodeIndex, std::optional<Var<T>>> recomputed_;
};

extern template class GraphSweep<float>;
extern template class GraphSweep<double>;

}  // namespace tapeloop::detail
