#pragma once

#include <autograd/tensor.hpp>

#include <algorithm>

namespace tapeloop::detail {

/// The largest magnitude; NaN if there is one.
template <class T>
double largest_magnitude(const T* elements, std::size_t count);
template <class T>
double largest_magnitude(const Tensor<T>& x) {
    return largest_magnitude(x.data(), x.size());
}

/// The Euclidean norm of all elements: of a matrix the Frobenius norm. Without overflow and underflow.
template <class T>
double norm_of(const T* elements, std::size_t count);
template <class T>
double norm_of(const Tensor<T>& x) {
    return norm_of(x.data(), x.size());
}

template <class T>
bool is_zero(const Tensor<T>& x) {
    return std::all_of(x.data(), x.data() + x.size(), [](T element) { return element == T(0); });
}

extern template double largest_magnitude(const float*, std::size_t);
extern template double largest_magnitude(const double*, std::size_t);
extern template double norm_of(const float*, std::size_t);
extern template double norm_of(const double*, std::size_t);

}  // namespace tapeloop::detail
