#pragma once

#include <autograd/study/flow/gate_role.hpp>
#include <autograd/study/graph/loops.hpp>

#include <vector>

namespace tapeloop::detail {

/// Finds roles on one tape.
template <class T>
class GateRoles {
  public:
    GateRoles(const Tape<T>& tape, const TimeLoops& loops);

    /// The role of a node that `is_squash_of_step`. In the first step of a loop nothing comes from a step
    /// before, and there it is `none`.
    GateRole of(NodeIndex node) const;

  private:
    struct Uses;
    void add(NodeIndex product, NodeIndex gate, bool is_complement, Uses& uses) const;
    bool is_from_before(NodeIndex node, NodeIndex gate) const;
    bool reaches_back(NodeIndex node, NodeIndex gate, OperationKind stop) const;
    bool is_complement_of(NodeIndex node, NodeIndex gate) const;
    OperationKind kind(NodeIndex node) const { return tape_.node(node).operation->description().kind; }

    const Tape<T>& tape_;
    const TimeLoops& loops_;
    std::vector<std::vector<NodeIndex>> users_;  ///< within the same step
};

extern template class GateRoles<float>;
extern template class GateRoles<double>;

}  // namespace tapeloop::detail
