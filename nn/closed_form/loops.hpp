#pragma once

#include <fmt/format.h>
#include <autograd/tensor.hpp>

#include <algorithm>
#include <stdexcept>
#include <string_view>
#include <vector>

/// The closed forms are written with plain loops on purpose, so that they share no code with what they check.
/// A matrix is [rows, columns].
namespace tapeloop::nn::closed_form {

/// Zeros of the tensor's shape.
template <class T>
Tensor<T> zeros_like(const Tensor<T>& tensor) {
    return tapeloop::detail::zeros<T>(shape_of(tensor));
}

/// a b
template <class T>
Tensor<T> times(const Tensor<T>& a, const Tensor<T>& b) {
    const std::size_t m = a.shape(0), n = b.shape(1), inner = a.shape(1);
    Tensor<T> product = tapeloop::detail::zeros<T>({m, n});
    for (std::size_t i = 0; i < m; ++i)
        for (std::size_t k = 0; k < inner; ++k)
            for (std::size_t j = 0; j < n; ++j)
                product.data()[i * n + j] += a.data()[i * inner + k] * b.data()[k * n + j];
    return product;
}

/// a b'
template <class T>
Tensor<T> times_transposed(const Tensor<T>& a, const Tensor<T>& b) {
    const std::size_t m = a.shape(0), n = b.shape(0), inner = a.shape(1);
    Tensor<T> product = tapeloop::detail::zeros<T>({m, n});
    for (std::size_t i = 0; i < m; ++i)
        for (std::size_t j = 0; j < n; ++j)
            for (std::size_t k = 0; k < inner; ++k)
                product.data()[i * n + j] += a.data()[i * inner + k] * b.data()[j * inner + k];
    return product;
}

/// a' b
template <class T>
Tensor<T> transposed_times(const Tensor<T>& a, const Tensor<T>& b) {
    const std::size_t m = a.shape(1), n = b.shape(1), inner = a.shape(0);
    Tensor<T> product = tapeloop::detail::zeros<T>({m, n});
    for (std::size_t k = 0; k < inner; ++k)
        for (std::size_t i = 0; i < m; ++i)
            for (std::size_t j = 0; j < n; ++j)
                product.data()[i * n + j] += a.data()[k * m + i] * b.data()[k * n + j];
    return product;
}

/// The sum of each column, [columns].
template <class T>
Tensor<T> column_sums(const Tensor<T>& a) {
    Tensor<T> sums = tapeloop::detail::zeros<T>({a.shape(1)});
    for (std::size_t i = 0; i < a.size(); ++i) sums.data()[i % sums.size()] += a.data()[i];
    return sums;
}

/// Adds a bias [columns] to each row.
template <class T>
void add_bias(Tensor<T>& a, const Tensor<T>& bias) {
    for (std::size_t i = 0; i < a.size(); ++i) a.data()[i] += bias.data()[i % bias.size()];
}

/// Adds `term`, of the same shape, to `sum`.
template <class T>
void add_to(Tensor<T>& sum, const Tensor<T>& term) {
    for (std::size_t i = 0; i < sum.size(); ++i) sum.data()[i] += term.data()[i];
}

/// Time step t of a sequence [T, B, ..]: [B, ..].
template <class T>
Tensor<T> time_step_of(const Tensor<T>& sequence, std::size_t t) {
    const std::vector<std::size_t> shape(sequence.shape().begin() + 1, sequence.shape().end());
    Tensor<T> at_t = tapeloop::detail::uninitialised<T>(Shape(shape));
    std::copy_n(sequence.data() + t * at_t.size(), at_t.size(), at_t.data());
    return at_t;
}

/// Sets time step t of a sequence [T, B, ..] to [B, ..].
template <class T>
void set_time_step(Tensor<T>& sequence, std::size_t t, const Tensor<T>& at_t) {
    std::copy_n(at_t.data(), at_t.size(), sequence.data() + t * at_t.size());
}

/// Throws `std::invalid_argument` when a shape is not the expected one.
inline void require_shape(std::string_view function, std::string_view name, const Shape& shape,
                          const Shape& expected) {
    if (shape != expected)
        throw std::invalid_argument(fmt::format("{}: {} is {}; with the other arguments it must be {}",
                                                function, name, shape.text(), expected.text()));
}

}  // namespace tapeloop::nn::closed_form
