#pragma once

#include <autograd/sweep/reach.hpp>

#include <optional>
#include <vector>

namespace tapeloop::detail {

/// The recorded reverse sweep: the same walk with `Var`s for cotangents. Defined in
/// autograd/gradient_graph.cpp, above the operations that it records.
template <class T>
class GraphSweep {
  public:
    GraphSweep(Tape<T>& tape, Reach<T> reach);

    Tape<T>& tape() { return tape_; }
    bool wants(NodeIndex node) const { return reach_.contains(node); }
    bool has(NodeIndex node) const { return wants(node) && slots_[node - reach_.first()].has_value(); }
    Var<T> cotangent(NodeIndex node) const { return *slots_[node - reach_.first()]; }
    void deliver(NodeIndex receiver_of, NodeIndex node, const Var<T>& contribution);
    void hand_over(NodeIndex receiver_of, NodeIndex node, const Var<T>& contribution) {
        deliver(receiver_of, node, contribution);
    }
    void run();

  private:
    Tape<T>& tape_;
    Reach<T> reach_;
    std::vector<std::optional<Var<T>>> slots_;
};

extern template class GraphSweep<float>;
extern template class GraphSweep<double>;

}  // namespace tapeloop::detail
