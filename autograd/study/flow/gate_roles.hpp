#pragma once

#include <autograd/study/graph/loops.hpp>

#include <string_view>
#include <vector>

namespace tapeloop {

/// What an activation with limits does in its step, as far as the recording tells by what it multiplies.
enum class GateRole {
    none,             ///< no gate that is known: a candidate for the state, or an activation of the state
    keep,             ///< scales the state of the step before, as a forget gate
    write,            ///< scales what enters the state, as an input gate
    read,             ///< scales what leaves the new state, as an output gate
    reset,            ///< scales what a candidate sees of the state before, as a reset gate
    keep_else_write,  ///< keeps the state as far as it is open and takes the candidate as far as it is shut
    write_else_keep,  ///< the other way round
};

/// Returns the enumerator's name in words, such as `keep else write`.
std::string_view name_of(GateRole role);

namespace detail {

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

}  // namespace detail

}  // namespace tapeloop
