#pragma once

#include <autograd/inspect/fold.hpp>

/// How text and pictures say things.
namespace tapeloop::detail {

/// `%12`, or `%12:h` for a node with a name.
std::string reference(const GraphNode& node);
/// The name that all members of a folded node have; empty if they have not one.
std::string name_of(const FoldedGraph& graph, const FoldedNode& node);
/// `columns: axis 1, 0 to 4`; with what it was called only where all members were called so.
std::string title(const GraphNode& node);
std::string title(const FoldedGraph& graph, const FoldedNode& node);
/// `t=0`, `t=0..4`, `t=0, 3, 4, 9`.
std::string steps_text(const std::vector<std::size_t>& time_steps);
/// At which steps an input comes by this way; empty where that is all steps of the node.
std::string occasion(const FoldedGraph& graph, const FoldedNode& node, const FoldedInput& input);
/// `t-1`; empty within a step.
std::string delay_text(std::ptrdiff_t delay);

}  // namespace tapeloop::detail
