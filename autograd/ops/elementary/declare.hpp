#pragma once

#include <autograd/record/description.hpp>
#include <autograd/record/onnx_value.hpp>
#include <autograd/record/rules.hpp>

#include <type_traits>

/// Every elementwise function, once: its name, its value, one rule per argument and what it says about
/// itself; beside it, in one line, the functions that users call. A rule (g, y, x...) turns the cotangent g
/// of the result y into the argument's; of a function with one argument it is `scale(g, slope(y, x))`, and
/// the slope is enough. Value and rules are generic: they run on `Lanes` in a fused pass, on `Dual` numbers,
/// on an `Array`, and on `Var`s, where they are recorded.
///
/// A rule scales g, with `scale(g, slope)`: a plain product on lanes, and on `Var`s one in which a zero
/// cotangent stays zero whatever the slope is, so that the branch `where` did not take cannot leak a NaN.
namespace tapeloop {

namespace detail {

template <class T>
struct Lanes;

}  // namespace detail

template <class T>
class Var;
template <class T>
class Operand;

/// Scales the lanes of a cotangent by those of a slope.
template <class T>
detail::Lanes<T> scale(detail::Lanes<T> g, detail::Lanes<T> slope) {
    return g * slope;
}

namespace detail {

/// Says for which types the generic functions below are meant; specialised by `Lanes`, `Dual` and `Array`,
/// each of which brings `elementwise(function, arguments...)`.
template <class X>
inline constexpr bool is_elementwise_argument = false;
template <class T>
inline constexpr bool is_elementwise_argument<Lanes<T>> = true;

}  // namespace detail

/// Applies an elementwise definition to lanes.
template <class F, class T, class... X>
auto elementwise(const F& function, const detail::Lanes<T>& x, const X&... more) {
    return function.value(x, detail::Lanes<T>(more)...);
}
/// Applies an elementwise definition to a number and lanes.
template <class F, class S, class T>
requires std::is_arithmetic_v<S>
auto elementwise(const F& function, const S& a, const detail::Lanes<T>& b) {
    return function.value(detail::Lanes<T>(a), b);
}

namespace detail {

/// A type that the elementwise functions take: lanes, dual numbers and arrays.
template <class X>
concept Elementwise = is_elementwise_argument<X>;
template <class A, class B>
concept ElementwisePair = (Elementwise<A> || Elementwise<B>)&&(Elementwise<A> || std::is_arithmetic_v<A>)&&(
    Elementwise<B> || std::is_arithmetic_v<B>);

}  // namespace detail

// One of these lines stands beside each definition. It declares what users call: the function of lanes, dual
// numbers and arrays where `map` has one, and that of operands, for both types. Those are compiled by
// elementwise_float.cpp and elementwise_double.cpp, which say in TAPELOOP_COMPILED_FOR for which type, so
// that the lines become definitions there.
#ifdef TAPELOOP_COMPILED_FOR
namespace detail {
template <class Def, class T, class... More>
Var<T> apply_elementwise(const Def& def, const Operand<T>& x, const More&... more);
}  // namespace detail
#define TAPELOOP_DEFINE(function, parameters, ...)                 \
    Var<TAPELOOP_COMPILED_FOR> function parameters {               \
        return detail::apply_elementwise(elementary::__VA_ARGS__); \
    }
#else
#define TAPELOOP_COMPILED_FOR float
#define TAPELOOP_DEFINE(function, parameters, ...)
#endif

#define TAPELOOP_OPERAND const Operand<TAPELOOP_COMPILED_FOR>&

#define TAPELOOP_RECORDED_UNARY(function, Definition) \
    Var<float> function(const Operand<float>& x);     \
    Var<double> function(const Operand<double>& x);   \
    TAPELOOP_DEFINE(function, (TAPELOOP_OPERAND x), Definition{}, x)
#define TAPELOOP_RECORDED_BINARY(function, Definition)                        \
    Var<float> function(const Operand<float>& a, const Operand<float>& b);    \
    Var<double> function(const Operand<double>& a, const Operand<double>& b); \
    TAPELOOP_DEFINE(function, (TAPELOOP_OPERAND a, TAPELOOP_OPERAND b), Definition{}, a, b)
#define TAPELOOP_RECORDED_CHOICE(function, Definition)                                                      \
    Var<float> function(const Operand<float>& condition, const Operand<float>& a, const Operand<float>& b); \
    Var<double> function(const Operand<double>& condition, const Operand<double>& a,                        \
                         const Operand<double>& b);                                                         \
    TAPELOOP_DEFINE(function, (TAPELOOP_OPERAND condition, TAPELOOP_OPERAND a, TAPELOOP_OPERAND b),         \
                    Definition{}, condition, a, b)

#define TAPELOOP_UNARY(function, Definition)             \
    template <detail::Elementwise X>                     \
    auto function(const X& x) {                          \
        return elementwise(elementary::Definition{}, x); \
    }                                                    \
    TAPELOOP_RECORDED_UNARY(function, Definition)
#define TAPELOOP_BINARY(function, Definition)                                                     \
    template <class A, class B>                                                                   \
    requires detail::ElementwisePair<A, B>                                                        \
    auto function(const A& a, const B& b) { return elementwise(elementary::Definition{}, a, b); } \
    TAPELOOP_RECORDED_BINARY(function, Definition)

/// Declares an elementwise function with a number that the definition keeps, and its default.
#define TAPELOOP_UNARY_WITH(function, Definition, option, ...)                   \
    template <detail::Elementwise X>                                             \
    auto function(const X& x, double option = __VA_ARGS__) {                     \
        return elementwise(elementary::Definition{option}, x);                   \
    }                                                                            \
    Var<float> function(const Operand<float>& x, double option = __VA_ARGS__);   \
    Var<double> function(const Operand<double>& x, double option = __VA_ARGS__); \
    TAPELOOP_DEFINE(function, (TAPELOOP_OPERAND x, double option), Definition{option}, x)
/// Declares an elementwise function with two numbers, which must be given.
#define TAPELOOP_UNARY_WITH_BOTH(function, Definition, first, second)            \
    template <detail::Elementwise X>                                             \
    auto function(const X& x, double first, double second) {                     \
        return elementwise(elementary::Definition{first, second}, x);            \
    }                                                                            \
    Var<float> function(const Operand<float>& x, double first, double second);   \
    Var<double> function(const Operand<double>& x, double first, double second); \
    TAPELOOP_DEFINE(function, (TAPELOOP_OPERAND x, double first, double second), Definition{first, second}, x)

}  // namespace tapeloop
