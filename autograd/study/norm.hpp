#pragma once

#include <autograd/tensor.hpp>

namespace tapeloop::detail {

/// The Euclidean norm of all elements: of a matrix the Frobenius norm.
double norm_of(const Tensor<double>& x);

template <class T>
Tensor<double> as_double(const Tensor<T>& x) {
    Tensor<double> result = uninitialised<double>(shape_of(x));
    for (std::size_t i = 0; i < x.size(); ++i) result.data()[i] = static_cast<double>(x.data()[i]);
    return result;
}

}  // namespace tapeloop::detail
