#pragma once

#include <autograd/study/graph/graph.hpp>

namespace tapeloop {

/// The source of one input of a folded node.
struct FoldedInput {
    std::size_t argument = 0;  ///< its place among the inputs
    std::size_t from = 0;      ///< its place in `FoldedGraph::nodes`
    /// The number of steps by which it was computed earlier: 1 for a recurrent edge, 0 within a step and from
    /// outside.
    std::ptrdiff_t delay = 0;
    /// The time steps at which it is so, ascending: 0 for the initial state, 1, 2, ... for a recurrent edge.
    /// Empty when neither end has a time step.
    std::vector<std::size_t> time_steps;
    bool detached = false;  ///< `detach` cut it: no gradient passes
};

/// The nodes that play the same part at different time steps, as one; or a single node.
struct FoldedNode {
    NodeIndex index = 0;              ///< one of them, of a step like most others
    std::vector<NodeIndex> members;   ///< all of them, ascending
    std::optional<std::size_t> loop;  ///< its place in `FoldedGraph::loops`, if it is part of a step
    std::vector<FoldedInput> inputs;  ///< by argument, the most frequent first
};

/// A loop over time.
struct FoldedLoop {
    std::string label;                    ///< the path that its steps stand under: `encoder`
    std::vector<std::size_t> time_steps;  ///< in the order in which they ran
    std::vector<std::size_t> odd_steps;   ///< those that have other nodes than most, such as the first
};

/// A cell with its recurrent edges instead of its steps one by one.
struct FoldedGraph {
    Graph graph;  ///< what was folded
    std::vector<FoldedNode> nodes;
    std::vector<FoldedLoop> loops;
};

/// Folds the time steps of each loop into one. Nodes of two steps play the same part when module, operation,
/// shape and the parameters among their inputs are equal, and as many such nodes stand before them in their
/// step; nodes outside that each serve one step, as the rows of an unstacked sequence do, are folded as well.
/// Parameters, initial states and what else is outside stay as they are. The inputs of a slice that lie
/// outside of it are nodes without inputs. Takes time in proportion to the nodes.
FoldedGraph fold(const Graph& graph);

}  // namespace tapeloop
