#pragma once

#include <autograd/study/graph/fold.hpp>

namespace tapeloop {

/// Options of `to_dot`.
struct DotOptions {
    /// A graph with more time steps than this is drawn folded.
    std::size_t largest_unfolded = 5;
    /// So is one whose picture would be wider, in pixels as a browser shows it, as far as that can be told
    /// without drawing it.
    std::size_t widest = 6000;
};

/// A graph as a picture for Graphviz: `dot -Tsvg`. Time runs from left to right; layers and time steps are
/// boxes around their nodes, parameters are boxes once, what lies outside of a slice is dotted, and an edge
/// that `detach` cut is dashed.
std::string to_dot(const Graph& graph, const DotOptions& options = {});

/// Writes a folded graph in the DOT language. Recurrent edges are bold and say how many steps they go back.
std::string to_dot(const FoldedGraph& graph);

}  // namespace tapeloop
