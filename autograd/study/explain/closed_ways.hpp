#pragma once

#include <autograd/study/explain/explain.hpp>
#include <autograd/study/flow/gradient_path.hpp>

namespace tapeloop::detail {

/// A gate that is nearly shut where it multiplies a state of another time step.
struct ClosedWay {
    NodeIndex node;   ///< the multiplication
    NodeIndex state;  ///< what the gate scales
    NodeIndex gate;
    double factor;  ///< what it leaves of the state's gradient
};

/// Finds all such gates up to J.
template <class T>
std::vector<ClosedWay> find_closed_ways(Tape<T>& tape, NodeIndex J, const Cotangents<T>& cotangents);

/// Says where a gate beside the path was nearly shut, so that the state's direct way through time ended there
/// and the path goes around it: at most three of `ways`, the most closed first.
template <class T>
std::vector<Culprit> closed_ways(const Tape<T>& tape, const std::vector<PathStep>& path,
                                 const std::vector<ClosedWay>& ways);

}  // namespace tapeloop::detail
