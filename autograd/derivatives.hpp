#pragma once

#include <autograd/gradient.hpp>

#include <functional>

/// Derivatives of functions of one tensor, as values. Each call makes a tape of its own. f takes a `Var` and
/// returns one, such as `[](const auto& x) { return sum(square(x)); }`; it may use parameters and tensors,
/// but no `Var` from outside (`std::logic_error`). Cotangents and directions of another shape than they must
/// have throw `std::invalid_argument`.
namespace tapeloop {

namespace detail {

template <class T>
using UnaryFunction = std::function<Var<T>(const Var<T>&)>;

template <class T>
Tensor<T> jacobian(const UnaryFunction<T>& f, const Tensor<T>& x);
template <class T>
Tensor<T> hessian(const UnaryFunction<T>& f, const Tensor<T>& x);
template <class T>
Tensor<T> hessian_vector_product(const UnaryFunction<T>& f, const Tensor<T>& x, const Tensor<T>& direction);
template <class T>
Tensor<T> jacobian_vector_product(const UnaryFunction<T>& f, const Tensor<T>& x, const Tensor<T>& direction);
template <class T>
Tensor<T> vector_jacobian_product(const UnaryFunction<T>& f, const Tensor<T>& x, const Tensor<T>& cotangent);

}  // namespace detail

/// d f / d x, [..y, ..x] for y [..y]: one sweep for each element of y.
template <class F>
Tensor<float> jacobian(const F& f, const Tensor<float>& x) {
    return detail::jacobian<float>(f, x);
}
template <class F>
Tensor<double> jacobian(const F& f, const Tensor<double>& x) {
    return detail::jacobian<double>(f, x);
}

/// The second derivatives of an f with a single element, [..x, ..x]: one sweep over the recorded gradient for
/// each element of x. Throws `std::invalid_argument` when f has several elements.
template <class F>
Tensor<float> hessian(const F& f, const Tensor<float>& x) {
    return detail::hessian<float>(f, x);
}
template <class F>
Tensor<double> hessian(const F& f, const Tensor<double>& x) {
    return detail::hessian<double>(f, x);
}

/// The Hessian of an f with a single element times a direction of x's shape, without the Hessian: the
/// gradient of <gradient, direction> (Pearlmutter 1994).
template <class F>
Tensor<float> hessian_vector_product(const F& f, const Tensor<float>& x, const Tensor<float>& direction) {
    return detail::hessian_vector_product<float>(f, x, direction);
}
template <class F>
Tensor<double> hessian_vector_product(const F& f, const Tensor<double>& x, const Tensor<double>& direction) {
    return detail::hessian_vector_product<double>(f, x, direction);
}

/// The change of f along a direction of x's shape, in f's shape: the derivative of the vector-Jacobian
/// product by its cotangent, in which it is linear.
template <class F>
Tensor<float> jacobian_vector_product(const F& f, const Tensor<float>& x, const Tensor<float>& direction) {
    return detail::jacobian_vector_product<float>(f, x, direction);
}
template <class F>
Tensor<double> jacobian_vector_product(const F& f, const Tensor<double>& x, const Tensor<double>& direction) {
    return detail::jacobian_vector_product<double>(f, x, direction);
}

/// The gradient of <cotangent, f> for a cotangent of f's shape, in x's shape: one sweep.
template <class F>
Tensor<float> vector_jacobian_product(const F& f, const Tensor<float>& x, const Tensor<float>& cotangent) {
    return detail::vector_jacobian_product<float>(f, x, cotangent);
}
template <class F>
Tensor<double> vector_jacobian_product(const F& f, const Tensor<double>& x, const Tensor<double>& cotangent) {
    return detail::vector_jacobian_product<double>(f, x, cotangent);
}

/// Returns the product for a whole model: the Hessian of J, which has a single element, by all of `wrt`,
/// times directions of their shapes. Recorded on the tape of J. Throws `std::invalid_argument` when the
/// directions do not fit.
Gradients<float> hessian_vector_product(const Var<float>& J, const WrtList<float>& wrt,
                                        const std::vector<Tensor<float>>& directions);
Gradients<double> hessian_vector_product(const Var<double>& J, const WrtList<double>& wrt,
                                         const std::vector<Tensor<double>>& directions);

}  // namespace tapeloop
