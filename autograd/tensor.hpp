#pragma once

#include <autograd/kernels/pool.hpp>
#include <autograd/shape.hpp>

#include <xtensor/xarray.hpp>

namespace tapeloop {

/// An owned, contiguous, row-major array with pooled, 64-byte aligned memory. It is an `xt::xarray`, so any
/// xtensor expression converts into one and all of xtensor works on it.
template <class T>
using Tensor = xt::xarray_container<xt::uvector<T, PoolAllocator<T>>, xt::layout_type::row_major>;

namespace detail {

/// A tensor whose elements are not set yet.
template <class T>
Tensor<T> uninitialised(const Shape& shape) {
    return Tensor<T>(typename Tensor<T>::shape_type(shape.begin(), shape.end()));
}

template <class T>
Tensor<T> zeros(const Shape& shape) {
    Tensor<T> tensor = uninitialised<T>(shape);
    tensor.fill(T(0));
    return tensor;
}

}  // namespace detail

/// Returns the shape of a tensor.
template <class T>
Shape shape_of(const Tensor<T>& tensor) {
    return Shape::of(tensor.shape());
}

}  // namespace tapeloop
