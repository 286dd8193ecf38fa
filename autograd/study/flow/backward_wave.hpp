#pragma once

#include <autograd/gradient.hpp>
#include <autograd/sweep/contributions.hpp>

namespace tapeloop {

/// An observer that is told of the contributions of a sweep one after another: what the rules of `node` hand
/// to one of its inputs.
template <class T>
using WaveVisitor = std::function<void(NodeIndex node, const detail::Contribution<T>& contribution)>;

/// Goes through a reverse sweep again, in its order: node by node from the last to the first, and for each
/// node its inputs one after another. The cotangents are those of `gradients`; nodes that are not in it hand
/// nothing on. Returns the roots, from the last to the first: the nodes whose cotangent is not zero although
/// none of their users hands them one. Throws `std::logic_error` when `gradients` has a `Var` of another
/// tape or a parameter was changed after it was recorded.
template <class T>
std::vector<NodeIndex> backward_wave(Tape<T>& tape, const Gradients<T>& gradients,
                                     const WaveVisitor<T>& visit);

extern template std::vector<NodeIndex> backward_wave(Tape<float>&, const Gradients<float>&,
                                                     const WaveVisitor<float>&);
extern template std::vector<NodeIndex> backward_wave(Tape<double>&, const Gradients<double>&,
                                                     const WaveVisitor<double>&);

}  // namespace tapeloop
