#pragma once

#include <autograd/study/graph/fold.hpp>

/// This file has the words of text and pictures.
namespace tapeloop::detail {

/// `%12`, or `%12:h` for a node with a name.
std::string reference(const GraphNode& node);
/// The name that all members of a folded node have; empty if they have not one.
std::string name_of(const FoldedGraph& graph, const FoldedNode& node);
/// The title of a node besides its name: `slice` and `axis 1, 0 to 4`; of a result its number, and of a
/// constant the value that all its elements have, if values were read.
struct Title {
    std::string operation;
    std::string arguments;
};
Title title(const GraphNode& node);
/// Returns the title of a folded node, with the arguments that all members have.
Title title(const FoldedGraph& graph, const FoldedNode& node);
/// `t=0`, `t=0..4`, `t=0, 3, 4, 9`.
std::string steps_text(const std::vector<std::size_t>& time_steps);
/// Says at which steps an input comes by this way; empty where that is all steps of the node.
std::string occasion(const FoldedGraph& graph, const FoldedNode& node, const FoldedInput& input);
/// `t-1`, or `t+1` in a loop that reads from the end; empty within a step.
std::string delay_text(const FoldedGraph& graph, const FoldedNode& node, const FoldedInput& input);

}  // namespace tapeloop::detail
