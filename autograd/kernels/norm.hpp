#pragma once

#include <autograd/tensor.hpp>

#include <algorithm>
#include <span>

namespace tapeloop::detail {

/// The largest magnitude; NaN if there is one.
template <class T>
double largest_magnitude(const T* elements, std::size_t count);
template <class T>
double largest_magnitude(const Tensor<T>& x) {
    return largest_magnitude(x.data(), x.size());
}

/// A norm as fraction · 2^exponent: it may be beyond the range of double though every element is within.
struct ScaledNorm {
    double fraction = 0;
    int exponent = 0;

    /// Infinite where it is beyond the range of double.
    double value() const;
};

/// The Euclidean norm of all arrays' elements together. Without overflow and underflow; NaN if there is one.
template <class T>
ScaledNorm scaled_norm(std::span<const std::span<const T>> arrays);

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
extern template ScaledNorm scaled_norm(std::span<const std::span<const float>>);
extern template ScaledNorm scaled_norm(std::span<const std::span<const double>>);
extern template double norm_of(const float*, std::size_t);
extern template double norm_of(const double*, std::size_t);

}  // namespace tapeloop::detail
