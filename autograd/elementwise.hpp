#pragma once

#include <autograd/ops/elementwise.hpp>
#include <autograd/record/definition.hpp>

/// An elementwise function of the user's own, which then is one of ours: a fused pass over lanes,
/// broadcasting and gradients of any order, on `Var`s and parameters, inside `map` and on the arrays that
/// rules get.
///
///     struct Softsign {
///         static constexpr std::string_view name = "softsign";
///         static auto value(const auto& x) { return x / (1 + abs(x)); }
///         static auto slope(const auto& y, const auto& x) { return 1 / square(1 + abs(x)); }
///     };
///     auto softsign(const auto& x) { return elementwise(Softsign{}, x); }
///
///     Var<double> y = softsign(x);
///     Var<double> z = map([](auto a, auto b) { return softsign(a * b); }, x, W);
///
/// `value` is written for lanes and `slope`, dy/dx, for lanes and `Var`s: both use operators, numbers, the
/// functions of elementary.hpp and `where(a < b, c, d)`, and no `if` on their arguments. One of two or three
/// arguments has, instead of the slope, `rules()`: a tuple of one lambda (g, y, arguments...) for each, which
/// returns `scale(g, that argument's slope)`. A `description` (autograd/record/description.hpp) makes
/// `explain` and `derivation` know it; members are its options. A `check()` may refuse them: it throws
/// `std::invalid_argument`.
///
/// Arguments broadcast. Throws `std::invalid_argument` when their shapes do not fit, at the caller's line.
namespace tapeloop {

/// Applies `function` to the elements of x, and records that.
template <class F>
Var<float> elementwise(const F& function, const Operand<float>& x) {
    return detail::apply_elementwise(function, x);
}
template <class F>
Var<double> elementwise(const F& function, const Operand<double>& x) {
    return detail::apply_elementwise(function, x);
}
/// Applies `function` of two arguments, which broadcast, and records that.
template <class F>
Var<float> elementwise(const F& function, const Operand<float>& a, const Operand<float>& b) {
    return detail::apply_elementwise(function, a, b);
}
template <class F>
Var<double> elementwise(const F& function, const Operand<double>& a, const Operand<double>& b) {
    return detail::apply_elementwise(function, a, b);
}
/// Applies `function` of three arguments, which broadcast, and records that.
template <class F>
Var<float> elementwise(const F& function, const Operand<float>& a, const Operand<float>& b,
                       const Operand<float>& c) {
    return detail::apply_elementwise(function, a, b, c);
}
template <class F>
Var<double> elementwise(const F& function, const Operand<double>& a, const Operand<double>& b,
                        const Operand<double>& c) {
    return detail::apply_elementwise(function, a, b, c);
}

}  // namespace tapeloop
