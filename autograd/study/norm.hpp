#pragma once

#include <autograd/inspect/as_double.hpp>

namespace tapeloop::detail {

/// The Euclidean norm of all elements: of a matrix the Frobenius norm.
double norm_of(const Tensor<double>& x);

}  // namespace tapeloop::detail
