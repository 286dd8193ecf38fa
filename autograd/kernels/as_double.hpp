#pragma once

#include <autograd/tensor.hpp>

#include <algorithm>

/// This file turns what is read from a tape of any type into double.
namespace tapeloop::detail {

template <class T>
Tensor<double> as_double(const T* elements, const Shape& shape) {
    Tensor<double> copy = uninitialised<double>(shape);
    std::copy_n(elements, shape.size(), copy.data());
    return copy;
}

template <class T>
Tensor<double> as_double(const Tensor<T>& x) {
    return as_double(x.data(), shape_of(x));
}

}  // namespace tapeloop::detail
