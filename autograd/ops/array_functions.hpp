#pragma once

#include <autograd/kernels/pass.hpp>
#include <autograd/ops/elementary.hpp>
#include <autograd/ops/reduce.hpp>

/// The elementwise functions of arrays, computed at once, for rules.
namespace tapeloop {

namespace detail {

template <class T>
inline constexpr bool is_elementwise_argument<Array<T>> = true;
template <class T>
inline constexpr bool is_elementwise_argument<Buffer<T>> = true;

template <class... X>
struct ArrayElement;
template <class T, class... X>
struct ArrayElement<Array<T>, X...> {
    using type = T;
};
template <class T, class... X>
struct ArrayElement<Buffer<T>, X...> {
    using type = T;
};
template <class S, class... X>
struct ArrayElement<S, X...> : ArrayElement<X...> {};

template <class T, class X>
Array<T> as_array(const X& x) {
    if constexpr (std::is_arithmetic_v<X>)
        return Array<T>::filled(Shape(), static_cast<T>(x));
    else
        return x;
}

template <class X>
inline constexpr bool is_array = false;
template <class T>
inline constexpr bool is_array<Array<T>> = true;
template <class T>
inline constexpr bool is_array<Buffer<T>> = true;

/// An elementwise function of arrays that broadcast, at once.
template <class T, class F, std::size_t N>
Array<T> compute_elementwise(const F& function, const std::array<Array<T>, N>& x) {
    Shape shape = x[0].shape();
    for (std::size_t k = 1; k < N; ++k) shape = broadcast(F::name, shape, x[k].shape());
    Buffer<T> result(shape);
    run_function<T, N>(function, shape, x, {result.data(), false});
    return result;
}

}  // namespace detail

/// Computes the function of arrays and numbers.
template <class F, class... X>
requires(... || detail::is_array<X>) auto elementwise(const F& function, const X&... x) {
    using T = typename detail::ArrayElement<X...>::type;
    return detail::compute_elementwise<T, F, sizeof...(X)>(function, {detail::as_array<T>(x)...});
}

namespace detail {

template <class A, class B>
concept ArrayPair = (is_array<A> || is_array<B>)&&ElementwisePair<A, B>;

}  // namespace detail

/// The operators of arrays and numbers, element by element; as of `Var`, comparisons give 1 and 0.
template <class A, class B>
requires detail::ArrayPair<A, B>
auto operator+(const A& a, const B& b) { return elementwise(elementary::Add{}, a, b); }
template <class A, class B>
requires detail::ArrayPair<A, B>
auto operator-(const A& a, const B& b) { return elementwise(elementary::Subtract{}, a, b); }
template <class A, class B>
requires detail::ArrayPair<A, B>
auto operator*(const A& a, const B& b) { return elementwise(elementary::Multiply{}, a, b); }
template <class A, class B>
requires detail::ArrayPair<A, B>
auto operator/(const A& a, const B& b) { return elementwise(elementary::Divide{}, a, b); }
template <class A, class B>
requires detail::ArrayPair<A, B>
auto operator<(const A& a, const B& b) { return elementwise(elementary::Less{}, a, b); }
template <class A, class B>
requires detail::ArrayPair<A, B>
auto operator<=(const A& a, const B& b) { return elementwise(elementary::LessEqual{}, a, b); }
template <class A, class B>
requires detail::ArrayPair<A, B>
auto operator>(const A& a, const B& b) { return elementwise(elementary::Less{}, b, a); }
template <class A, class B>
requires detail::ArrayPair<A, B>
auto operator>=(const A& a, const B& b) { return elementwise(elementary::LessEqual{}, b, a); }
/// 1 where a = b and 0 elsewhere.
template <class A, class B>
requires detail::ArrayPair<A, B>
auto equal(const A& a, const B& b) { return elementwise(elementary::Equal{}, a, b); }
/// -x
template <class T>
auto operator-(const Array<T>& x) {
    return elementwise(elementary::Negate{}, x);
}
/// g slope, but 0 where g is 0.
template <class T>
auto scale(const Array<T>& g, const Array<T>& slope) {
    return elementwise(elementary::Scale{}, g, slope);
}
/// Elements of a where the condition is not 0, of b elsewhere.
template <class T, class A, class B>
auto where(const Array<T>& condition, const A& a, const B& b) {
    return elementwise(elementary::Where{}, condition, a, b);
}

// The number in front keeps them apart from xtensor's, which it calls as `sum<void>(tensor)`: `xt::mean`
// would find ours for what is ours.

/// `sum` of an array.
template <int = 0, class T>
Array<T> sum(const Array<T>& x, Axes axes = {}, bool keepdims = false);

/// `mean` of an array.
template <int = 0, class T>
Array<T> mean(const Array<T>& x, Axes axes = {}, bool keepdims = false);

extern template Array<float> mean(const Array<float>&, Axes, bool);
extern template Array<double> mean(const Array<double>&, Axes, bool);
extern template Array<float> sum(const Array<float>&, Axes, bool);
extern template Array<double> sum(const Array<double>&, Axes, bool);

}  // namespace tapeloop
