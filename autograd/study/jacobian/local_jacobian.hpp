#pragma once

#include <autograd/sweep/contributions.hpp>

namespace tapeloop {

/// The derivative of a node's value by one of its inputs alone, elements in row-major order: [elements of the
/// node, elements of the input]. An input that is used several times counts with all its uses.
struct LocalJacobian {
    NodeIndex input;
    Tensor<double> matrix;
};

/// Returns the Jacobians of `node` by each of its distinct inputs with at most `largest` elements, one run of
/// its rules for each of its elements. None for a leaf, for an operation with several results, and for a node
/// of more than `largest` elements. Throws `std::logic_error` when a parameter was changed after it was
/// recorded.
template <class T>
std::vector<LocalJacobian> local_jacobians(Tape<T>& tape, NodeIndex node, std::size_t largest = 64);

extern template std::vector<LocalJacobian> local_jacobians(Tape<float>&, NodeIndex, std::size_t);
extern template std::vector<LocalJacobian> local_jacobians(Tape<double>&, NodeIndex, std::size_t);

}  // namespace tapeloop
