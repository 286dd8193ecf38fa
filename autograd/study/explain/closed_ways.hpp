#pragma once

#include <autograd/study/explain/explain.hpp>
#include <autograd/study/flow/gradient_path.hpp>

namespace tapeloop::detail {

/// Says where a gate beside the path was nearly shut, so that the state's direct way through time ended there
/// and the path goes around it: at most three, the most closed first.
template <class T>
std::vector<Culprit> closed_ways(Tape<T>& tape, const std::vector<PathStep>& path,
                                 const Cotangents<T>& cotangents);

}  // namespace tapeloop::detail
