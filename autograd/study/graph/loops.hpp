#pragma once

#include <autograd/study/graph/graph.hpp>

#include <map>

/// This file finds which nodes of a graph belong to which step of which loop over time.
namespace tapeloop::detail {

/// A loop over time: the label path that its steps stand under, and their numbers in the order in which they
/// ran.
struct TimeLoop {
    std::string label;
    std::vector<std::size_t> time_steps;
};

/// The step of a loop that a node was recorded in.
struct StepPlace {
    std::size_t loop;
    std::size_t order;  ///< among the loop's steps: 0 for the first that ran, whatever its number
};

struct TimeLoops {
    std::vector<TimeLoop> loops;
    std::map<NodeIndex, StepPlace> places;  ///< of the nodes that are in a step
};

/// Finds the loops by the time steps in the nodes' labels. A second loop under the same label, such as one
/// that reads the sequence from its end, is told from the first by the order of the steps.
TimeLoops find_loops(const Graph& graph);
template <class T>
TimeLoops find_loops(const Tape<T>& tape);

/// Returns the suffix that tells the steps of a loop from those of others: ` (loop 1)`, where `before` is how
/// many of them there are before it; empty for the first.
std::string loop_suffix(std::size_t before);

extern template TimeLoops find_loops(const Tape<float>&);
extern template TimeLoops find_loops(const Tape<double>&);

}  // namespace tapeloop::detail
