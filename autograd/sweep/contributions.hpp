#pragma once

#include <autograd/tape.hpp>

#include <functional>
#include <vector>

namespace tapeloop::detail {

/// The contributions that the rules of one operation hand to one of its inputs.
template <class T>
struct Contribution {
    NodeIndex input;
    Tensor<T> cotangent;  ///< of the input's shape
};

/// The cotangent of a node; null if none arrives there.
template <class T>
using CotangentOf = std::function<const Tensor<T>*(NodeIndex node)>;

/// Runs the rules of `node` alone: what they hand to each of its distinct inputs, or to those among `wanted`
/// unless that is empty, for the cotangents of its results. For a node that is itself the result of an
/// operation with several, ask for the operation in front of it. Empty where no cotangent arrives. In a sweep
/// the cotangent of a node is the sum of the contributions of all its users. Throws `std::logic_error` when a
/// parameter was changed after it was recorded: rules would read its new value.
template <class T>
std::vector<Contribution<T>> contributions(Tape<T>& tape, NodeIndex node, const CotangentOf<T>& cotangent_of,
                                           const std::vector<NodeIndex>& wanted = {});

/// Returns the contributions of rules that read no values, also after parameters were changed.
template <class T>
std::vector<Contribution<T>> contributions_as_is(Tape<T>& tape, NodeIndex node,
                                                 const CotangentOf<T>& cotangent_of,
                                                 const std::vector<NodeIndex>& wanted = {});

extern template std::vector<Contribution<float>> contributions_as_is(Tape<float>&, NodeIndex,
                                                                     const CotangentOf<float>&,
                                                                     const std::vector<NodeIndex>&);
extern template std::vector<Contribution<double>> contributions_as_is(Tape<double>&, NodeIndex,
                                                                      const CotangentOf<double>&,
                                                                      const std::vector<NodeIndex>&);

extern template std::vector<Contribution<float>> contributions(Tape<float>&, NodeIndex,
                                                               const CotangentOf<float>&,
                                                               const std::vector<NodeIndex>&);
extern template std::vector<Contribution<double>> contributions(Tape<double>&, NodeIndex,
                                                                const CotangentOf<double>&,
                                                                const std::vector<NodeIndex>&);

}  // namespace tapeloop::detail
