#pragma once

#include <autograd/record/description.hpp>
#include <autograd/record/rules.hpp>

#include <fmt/format.h>

#include <cmath>
#include <numbers>
#include <stdexcept>
#include <string_view>
#include <tuple>
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

// Arithmetic.

namespace elementary {

struct Add {
    static constexpr std::string_view name = "add";
    static constexpr Description description{
        .equation = "y = a + b", .rules = {{"a", "g"}, {"b", "g"}}, .kind = OperationKind::addition};
    static auto value(const auto& a, const auto& b) { return a + b; }
    static auto rules() {
        return std::tuple{[](const auto& g, const auto&, const auto&, const auto&) { return g; },
                          [](const auto& g, const auto&, const auto&, const auto&) { return g; }};
    }
};

struct Subtract {
    static constexpr std::string_view name = "subtract";
    static constexpr Description description{.equation = "y = a - b",
                                             .rules = {{"a", "g"}, {"b", "-g"}},
                                             .kind = OperationKind::subtraction,
                                             .letter = "d"};
    static auto value(const auto& a, const auto& b) { return a - b; }
    static auto rules() {
        return std::tuple{[](const auto& g, const auto&, const auto&, const auto&) { return g; },
                          [](const auto& g, const auto&, const auto&, const auto&) { return -g; }};
    }
};

struct Multiply {
    static constexpr std::string_view name = "multiply";
    static constexpr Description description{.equation = "y = a ⊙ b",
                                             .rules = {{"a", "g ⊙ b"}, {"b", "g ⊙ a"}},
                                             .kind = OperationKind::factor,
                                             .letter = "m"};
    static auto value(const auto& a, const auto& b) { return a * b; }
    static auto rules() {
        return std::tuple{[](const auto& g, const auto&, const auto&, const auto& b) { return scale(g, b); },
                          [](const auto& g, const auto&, const auto& a, const auto&) { return scale(g, a); }};
    }
};

struct Divide {
    static constexpr std::string_view name = "divide";
    static constexpr Description description{.equation = "y = a / b",
                                             .rules = {{"a", "g / b"}, {"b", "-g ⊙ y / b"}},
                                             .kind = OperationKind::quotient};
    static auto value(const auto& a, const auto& b) { return a / b; }
    static auto rules() {
        return std::tuple{
            [](const auto& g, const auto&, const auto&, const auto& b) { return scale(g, 1 / b); },
            [](const auto& g, const auto& y, const auto&, const auto& b) { return scale(g, -(y / b)); }};
    }
};

/// The cotangent of a product whose zeros stay zero: see `scale`.
struct Scale {
    static constexpr std::string_view name = "scale";
    static constexpr Description description{.equation = "y = a ⊙ b, 0 where a = 0",
                                             .rules = {{"a", "g ⊙ b"}, {"b", "g ⊙ a"}},
                                             .kind = OperationKind::factor};
    static auto value(const auto& g, const auto& slope) { return where(equal(g, 0), 0, g * slope); }
    static auto rules() { return Multiply::rules(); }
};

struct Mod {
    static constexpr std::string_view name = "mod";
    static constexpr Description description{.equation = "y = a - b ⊙ floor(a / b)",
                                             .rules = {{"a", "g"}, {"b", "-g ⊙ floor(a / b)"}}};
    static auto value(const auto& a, const auto& b) { return mod(a, b); }
    /// floor(a / b), which (a - y) / b is but for its rounding.
    static auto quotient(const auto& y, const auto& a, const auto& b) { return round((a - y) / b); }
    static auto rules() {
        return std::tuple{[](const auto& g, const auto&, const auto&, const auto&) { return g; },
                          [](const auto& g, const auto& y, const auto& a, const auto& b) {
                              return scale(g, -quotient(y, a, b));
                          }};
    }
};

struct Negate {
    static constexpr std::string_view name = "negate";
    static constexpr Description description{
        .equation = "y = -x", .rules = {{"x", "-g"}}, .kind = OperationKind::layout};
    static auto value(const auto& x) { return -x; }
    static auto rules() {
        return std::tuple{[](const auto& g, const auto&, const auto&) { return -g; }};
    }
};

}  // namespace elementary

/// a + b
TAPELOOP_RECORDED_BINARY(add, Add)
/// a - b
TAPELOOP_RECORDED_BINARY(subtract, Subtract)
/// a b, element by element.
TAPELOOP_RECORDED_BINARY(multiply, Multiply)
/// a / b, element by element.
TAPELOOP_RECORDED_BINARY(divide, Divide)
/// g slope, element by element, but 0 where g is 0, whatever the slope: what rules scale cotangents with.
TAPELOOP_RECORDED_BINARY(scale, Scale)
/// -x
TAPELOOP_RECORDED_UNARY(negate, Negate)
/// The remainder of a / b, exact, with the sign of b as in NumPy and Python: mod(-1, 3) is 2. NaN where b is
/// 0. The gradient in b is -floor(a / b).
TAPELOOP_BINARY(mod, Mod)

// Comparisons and choices.

namespace elementary {

/// Comparisons give 1 and 0 and pass no cotangent on.
template <class Compare>
struct Comparison {
    static constexpr std::string_view name = Compare::name;
    static constexpr Description description = Compare::description;
    static auto value(const auto& a, const auto& b) { return where(Compare::holds(a, b), 1, 0); }
    static auto rules() { return std::tuple<>(); }
};

struct IsLess {
    static constexpr std::string_view name = "less";
    static constexpr Description description{.equation = "y = 1 where a < b, 0 elsewhere",
                                             .rules = {{"a", "0"}, {"b", "0"}},
                                             .kind = OperationKind::comparison};
    static auto holds(const auto& a, const auto& b) { return a < b; }
};

struct IsLessEqual {
    static constexpr std::string_view name = "less_equal";
    static constexpr Description description{.equation = "y = 1 where a ≤ b, 0 elsewhere",
                                             .rules = {{"a", "0"}, {"b", "0"}},
                                             .kind = OperationKind::comparison};
    static auto holds(const auto& a, const auto& b) { return a <= b; }
};

struct IsEqual {
    static constexpr std::string_view name = "equal";
    static constexpr Description description{.equation = "y = 1 where a = b, 0 elsewhere",
                                             .rules = {{"a", "0"}, {"b", "0"}},
                                             .kind = OperationKind::comparison};
    static auto holds(const auto& a, const auto& b) { return equal(a, b); }
};

using Less = Comparison<IsLess>;
using LessEqual = Comparison<IsLessEqual>;
using Equal = Comparison<IsEqual>;
/// Elements of a where the condition is not 0, of b elsewhere.
struct Where {
    static constexpr std::string_view name = "where";
    static constexpr Description description{
        .equation = "y = a where c ≠ 0, b elsewhere",
        .rules = {{"c", "0"}, {"a", "g where c ≠ 0, 0 elsewhere"}, {"b", "g where c = 0, 0 elsewhere"}},
        .kind = OperationKind::condition,
        .stops = "its condition takes the other branch"};
    template <class T>
    static detail::Lanes<T> value(const detail::Lanes<T>& condition, const detail::Lanes<T>& a,
                                  const detail::Lanes<T>& b) {
        return where(equal(condition, 0), b, a);
    }
    static auto rules() {
        return std::tuple{
            [](const auto& g, const auto&, const auto&, const auto&, const auto&) { return 0 * g; },
            [](const auto& g, const auto&, const auto& c, const auto&, const auto&) {
                return where(equal(c, 0), 0, g);
            },
            [](const auto& g, const auto&, const auto& c, const auto&, const auto&) {
                return where(equal(c, 0), g, 0);
            }};
    }
};

/// The greater of a and b; where they are equal each gets half the cotangent; a NaN in either is the result.
struct Maximum {
    static constexpr std::string_view name = "maximum";
    static constexpr Description description{.equation = "y = max(a, b)",
                                             .rules = {{"a", "g where a > b, g/2 where a = b, 0 elsewhere"},
                                                       {"b", "g where b > a, g/2 where a = b, 0 elsewhere"}},
                                             .stops = "its slope is 0",
                                             .letter = "m"};
    static auto value(const auto& a, const auto& b) { return where(a >= b, a, where(a < b, b, a + b)); }
    static auto share(const auto& a, const auto& b) {
        return where(a > b, 1, where(a < b, 0, where(equal(a, b), 0.5, a + b)));
    }
    static auto rules() {
        return std::tuple{
            [](const auto& g, const auto&, const auto& a, const auto& b) { return scale(g, share(a, b)); },
            [](const auto& g, const auto&, const auto& a, const auto& b) { return scale(g, share(b, a)); }};
    }
};

struct Minimum {
    static constexpr std::string_view name = "minimum";
    static constexpr Description description{.equation = "y = min(a, b)",
                                             .rules = {{"a", "g where a < b, g/2 where a = b, 0 elsewhere"},
                                                       {"b", "g where b < a, g/2 where a = b, 0 elsewhere"}},
                                             .stops = "its slope is 0"};
    static auto value(const auto& a, const auto& b) { return where(a <= b, a, where(a > b, b, a + b)); }
    static auto rules() {
        return std::tuple{[](const auto& g, const auto&, const auto& a, const auto& b) {
                              return scale(g, Maximum::share(b, a));
                          },
                          [](const auto& g, const auto&, const auto& a, const auto& b) {
                              return scale(g, Maximum::share(a, b));
                          }};
    }
};

}  // namespace elementary

/// 1 where a < b and 0 elsewhere, for `where`; no cotangent passes.
TAPELOOP_RECORDED_BINARY(less, Less)
/// 1 where a <= b and 0 elsewhere; no cotangent passes.
TAPELOOP_RECORDED_BINARY(less_equal, LessEqual)
/// 1 where a = b and 0 elsewhere; no cotangent passes.
TAPELOOP_RECORDED_BINARY(equal, Equal)
/// Elements of a where the condition is not 0, of b elsewhere. The branch that was not taken does not leak,
/// be it infinite or NaN.
TAPELOOP_RECORDED_CHOICE(where, Where)
/// The larger of both; NaN if one of them is. At a = b each gets half of the cotangent.
TAPELOOP_BINARY(maximum, Maximum)
/// The smaller of both; NaN if one of them is. At a = b each gets half of the cotangent.
TAPELOOP_BINARY(minimum, Minimum)

// Powers and logarithms.

namespace elementary {

/// x^p. 0^0 is 1, with gradient 0 in x.
struct Power {
    static constexpr std::string_view name = "pow";
    static constexpr Description description{
        .equation = "y = x^p",
        .rules = {{"x", "g ⊙ p ⊙ x^(p - 1), 0 where p = 0"}, {"p", "g ⊙ y ⊙ log(x), 0 where y = 0"}},
        .letter = "q"};
    static auto value(const auto& x, const auto& p) { return pow(x, p); }
    static auto rules() {
        return std::tuple{[](const auto& g, const auto&, const auto& x, const auto& p) {
                              // Not 0 wherever p is: by p its slope there is 1 / x.
                              const auto power = pow(x, p - 1);
                              const auto slope = p * power;
                              const auto at_zero = where(abs(power) < HUGE_VAL, slope, 0);
                              return scale(g, where(equal(p, 0), at_zero, slope));
                          },
                          [](const auto& g, const auto& y, const auto& x, const auto& p) {
                              const auto slope = where(equal(y, 0), 0, y * log(x));
                              return scale(g, where(equal(x, 0), where(p >= 0, 0, slope), slope));
                          }};
    }
};

struct Sqrt {
    static constexpr std::string_view name = "sqrt";
    static constexpr Description description{
        .equation = "y = √x", .rules = {{"x", "g / (2 y)"}}, .letter = "q"};
    static auto value(const auto& x) { return sqrt(x); }
    static auto slope(const auto& y, const auto&) { return 0.5 / y; }
};

struct Square {
    static constexpr std::string_view name = "square";
    static constexpr Description description{
        .equation = "y = x²", .rules = {{"x", "2 g ⊙ x"}}, .kind = OperationKind::error, .letter = "q"};
    static auto value(const auto& x) { return x * x; }
    static auto slope(const auto&, const auto& x) { return 2 * x; }
};

struct Exp {
    static constexpr std::string_view name = "exp";
    static constexpr Description description{
        .equation = "y = exp(x)", .rules = {{"x", "g ⊙ y"}}, .letter = "p"};
    static auto value(const auto& x) { return exp(x); }
    static auto slope(const auto& y, const auto&) { return y; }
};

struct Log {
    static constexpr std::string_view name = "log";
    static constexpr Description description{.equation = "y = log(x)", .rules = {{"x", "g / x"}}};
    static auto value(const auto& x) { return log(x); }
    static auto slope(const auto&, const auto& x) { return 1 / x; }
};

struct Expm1 {
    static constexpr std::string_view name = "expm1";
    static constexpr Description description{.equation = "y = exp(x) - 1", .rules = {{"x", "g ⊙ (y + 1)"}}};
    static auto value(const auto& x) { return expm1(x); }
    static auto slope(const auto& y, const auto&) { return y + 1; }
};

struct Log1p {
    static constexpr std::string_view name = "log1p";
    static constexpr Description description{.equation = "y = log(1 + x)", .rules = {{"x", "g / (1 + x)"}}};
    static auto value(const auto& x) { return log1p(x); }
    static auto slope(const auto&, const auto& x) { return 1 / (1 + x); }
};

}  // namespace elementary

/// a^b, each of which may be a number. 0^0 is 1, with gradient 0 in a. The gradient of 0^b in b is 0 for b >=
/// 0 and -inf below.
TAPELOOP_BINARY(pow, Power)
/// The square root. Its gradient at 0 is infinite, as computed.
TAPELOOP_UNARY(sqrt, Sqrt)
/// x²
TAPELOOP_UNARY(square, Square)
/// e^x. Like log, expm1, log1p and tanh it is right to two units of the last place, for subnormal numbers
/// too, and has the same bits on every processor with fused multiply-add.
TAPELOOP_UNARY(exp, Exp)
/// The natural logarithm. Of 0 it is -inf, and NaN of what is negative.
TAPELOOP_UNARY(log, Log)
/// e^x - 1, exact for small x.
TAPELOOP_UNARY(expm1, Expm1)
/// log(1 + x), exact for small x. Of -1 it is -inf, and NaN below.
TAPELOOP_UNARY(log1p, Log1p)

// Curves.

namespace elementary {

struct Sin {
    static constexpr std::string_view name = "sin";
    static constexpr Description description{.equation = "y = sin(x)", .rules = {{"x", "g ⊙ cos(x)"}}};
    static auto value(const auto& x) { return sin(x); }
    static auto slope(const auto&, const auto& x) { return cos(x); }
};

struct Cos {
    static constexpr std::string_view name = "cos";
    static constexpr Description description{.equation = "y = cos(x)", .rules = {{"x", "-g ⊙ sin(x)"}}};
    static auto value(const auto& x) { return cos(x); }
    static auto slope(const auto&, const auto& x) { return -sin(x); }
};

struct Tanh {
    static constexpr std::string_view name = "tanh";
    static constexpr Description description{.equation = "y = tanh(x)",
                                             .rules = {{"x", "g ⊙ (1 - y²)"}},
                                             .kind = OperationKind::activation,
                                             .limits = {-1, 1}};
    static auto value(const auto& x) { return tanh(x); }
    static auto slope(const auto& y, const auto&) { return 1 - y * y; }
};

struct Sigmoid {
    static constexpr std::string_view name = "sigmoid";
    static constexpr Description description{.equation = "y = σ(x)",
                                             .rules = {{"x", "g ⊙ y ⊙ (1 - y)"}},
                                             .kind = OperationKind::activation,
                                             .limits = {0, 1},
                                             .is_gate = true,
                                             .letter = "s"};
    static auto value(const auto& x) { return 1 / (1 + exp(-x)); }
    static auto slope(const auto& y, const auto&) { return y * (1 - y); }
};

struct Erf {
    static constexpr std::string_view name = "erf";
    static constexpr Description description{
        .equation = "y = erf(x)", .rules = {{"x", "2 g ⊙ exp(-x²) / √π"}}, .limits = {-1, 1}};
    static auto value(const auto& x) { return erf(x); }
    static auto slope(const auto&, const auto& x) { return 2 * std::numbers::inv_sqrtpi * exp(-(x * x)); }
};

struct Erfc {
    static constexpr std::string_view name = "erfc";
    static constexpr Description description{
        .equation = "y = 1 - erf(x)", .rules = {{"x", "-2 g ⊙ exp(-x²) / √π"}}, .limits = {0, 2}};
    static auto value(const auto& x) { return erfc(x); }
    static auto slope(const auto&, const auto& x) { return -2 * std::numbers::inv_sqrtpi * exp(-(x * x)); }
};

}  // namespace elementary

/// The sine of x in radians.
TAPELOOP_UNARY(sin, Sin)
/// The cosine of x in radians.
TAPELOOP_UNARY(cos, Cos)
/// The hyperbolic tangent.
TAPELOOP_UNARY(tanh, Tanh)
/// 1 / (1 + e^-x); 0 where that would be subnormal.
TAPELOOP_UNARY(sigmoid, Sigmoid)
/// The error function, 2/√π times the integral of e^-t² from 0 to x.
TAPELOOP_UNARY(erf, Erf)
/// 1 - erf(x), which keeps its digits where erf(x) is nearly 1.
TAPELOOP_UNARY(erfc, Erfc)

// Activations.

namespace elementary {

/// log(1 + e^x), computed so that it neither overflows nor loses small values.
struct Softplus {
    static constexpr std::string_view name = "softplus";
    static constexpr Description description{
        .equation = "y = log(1 + exp(x))", .rules = {{"x", "g ⊙ σ(x)"}}, .kind = OperationKind::activation};
    static auto value(const auto& x) { return where(x > 0, x, where(x <= 0, 0, x)) + log1p(exp(-abs(x))); }
    static auto slope(const auto&, const auto& x) { return 1 / (1 + exp(-x)); }
};

/// log(1 / (1 + e^-x)), computed so that it neither overflows nor loses small values.
struct LogSigmoid {
    static constexpr std::string_view name = "log_sigmoid";
    static constexpr Description description{.equation = "y = log(σ(x))",
                                             .rules = {{"x", "g ⊙ σ(-x)"}},
                                             .kind = OperationKind::activation,
                                             .letter = "z"};
    static auto value(const auto& x) { return where(x < 0, x, where(x >= 0, 0, x)) - log1p(exp(-abs(x))); }
    static auto slope(const auto&, const auto& x) { return 1 / (1 + exp(x)); }
};

// Where x is beyond `far` the normal distribution is 0 or 1 in every type, and x times its density 0.
struct Gelu {
    static constexpr std::string_view name = "gelu";
    static constexpr Description description{
        .equation = "y = x ⊙ Φ(x), Φ(x) = (1 + erf(x / √2)) / 2",
        .rules = {{"x", "g ⊙ (Φ(x) + x ⊙ φ(x)), φ(x) = exp(-x² / 2) / √(2 π)"}},
        .kind = OperationKind::activation};
    static constexpr double far = 40;
    /// Φ(x) without the 1 + erf that cancels far below 0.
    static auto below(const auto& x) { return 0.5 * erfc(-std::numbers::sqrt2 / 2 * x); }
    static auto value(const auto& x) { return where(x < -far, 0, x * below(x)); }
    static auto slope(const auto&, const auto& x) {
        constexpr double density_at_0 = std::numbers::inv_sqrtpi / std::numbers::sqrt2;
        return below(x) + where(abs(x) > far, 0, density_at_0 * x * exp(-0.5 * (x * x)));
    }
};

// Where x is beyond `far` the sigmoid is as good as 0 or 1, and infinity times 0 is kept away.
struct Silu {
    static constexpr std::string_view name = "silu";
    static constexpr Description description{.equation = "y = x ⊙ σ(x)",
                                             .rules = {{"x", "g ⊙ (σ(x) + y ⊙ (1 - σ(x)))"}},
                                             .kind = OperationKind::activation};
    static auto value(const auto& x) { return where(x < -800, 0, x / (1 + exp(-x))); }
    static auto slope(const auto& y, const auto& x) {
        const auto s = 1 / (1 + exp(-x));
        return s + where(x > 50, 0, y / (1 + exp(x)));
    }
};

/// The slope at 0 is 0.
struct Relu {
    static constexpr std::string_view name = "relu";
    static constexpr Description description{.equation = "y = max(x, 0)",
                                             .rules = {{"x", "g where x > 0, 0 elsewhere"}},
                                             .kind = OperationKind::activation,
                                             .stops = "x <= 0"};
    static auto value(const auto& x) { return where(x <= 0, 0, x); }
    static auto slope(const auto&, const auto& x) { return where(x <= 0, 0, where(x > 0, 1, x)); }
};

/// x where x > 0, `leak` x elsewhere.
struct LeakyRelu {
    static constexpr std::string_view name = "leaky_relu";
    static constexpr Description description{.equation = "y = x where x > 0, α x elsewhere",
                                             .rules = {{"x", "g where x > 0, α g elsewhere"}},
                                             .kind = OperationKind::activation};
    double leak = 0.01;
    auto value(const auto& x) const { return where(x > 0, x, leak * x); }
    auto slope(const auto&, const auto& x) const { return where(x > 0, 1, where(x <= 0, leak, x)); }
};

/// x where x > 0, `alpha` (e^x - 1) elsewhere.
struct Elu {
    static constexpr std::string_view name = "elu";
    static constexpr Description description{.equation = "y = x where x > 0, α (exp(x) - 1) elsewhere",
                                             .rules = {{"x", "g where x > 0, g ⊙ (y + α) elsewhere"}},
                                             .kind = OperationKind::activation};
    double alpha = 1;
    auto value(const auto& x) const { return where(x > 0, x, alpha * expm1(x)); }
    auto slope(const auto& y, const auto& x) const { return where(x > 0, 1, y + alpha); }
};

struct HardSigmoid {
    static constexpr std::string_view name = "hard_sigmoid";
    static constexpr Description description{.equation = "y = min(max(x / 6 + 1 / 2, 0), 1)",
                                             .rules = {{"x", "g / 6 where -3 ≤ x ≤ 3, 0 elsewhere"}},
                                             .kind = OperationKind::activation,
                                             .limits = {0, 1},
                                             .is_gate = true,
                                             .letter = "s"};
    static auto value(const auto& x) { return where(x < -3, 0, where(x > 3, 1, (x + 3) / 6)); }
    static auto slope(const auto&, const auto& x) {
        return where(x < -3, 0, where(x > 3, 0, where(x >= -3, 1.0 / 6, x)));
    }
};

/// Passes cotangents inside and on its bounds.
struct Clip {
    static constexpr std::string_view name = "clip";
    static constexpr Description description{.equation = "y = min(max(x, l), u)",
                                             .rules = {{"x", "g where l ≤ x ≤ u, 0 elsewhere"}},
                                             .stops = "its slope is 0",
                                             .is_gate = true};
    double low = 0;
    double high = 1;
    void check() const {
        if (!(low <= high))
            throw std::invalid_argument(
                fmt::format("clip: low is {} and high is {}; low must not be above high", low, high));
    }
    auto value(const auto& x) const { return where(x < low, low, where(x > high, high, x)); }
    auto slope(const auto&, const auto& x) const {
        return where(x < low, 0, where(x > high, 0, where(x >= low, 1, x)));
    }
};

/// The slope at 0 is 0.
struct Abs {
    static constexpr std::string_view name = "abs";
    static constexpr Description description{
        .equation = "y = |x|", .rules = {{"x", "g ⊙ sign(x)"}}, .kind = OperationKind::error, .letter = "z"};
    static auto value(const auto& x) { return abs(x); }
    static auto slope(const auto&, const auto& x) { return where(x > 0, 1, where(x < 0, -1, 0 * x)); }
};

}  // namespace elementary

/// log(1 + e^x)
TAPELOOP_UNARY(softplus, Softplus)
/// log(sigmoid(x)), finite wherever x is.
TAPELOOP_UNARY(log_sigmoid, LogSigmoid)
/// x Φ(x) with the normal distribution Φ, exactly and not by a tanh (Hendrycks and Gimpel, 2016).
TAPELOOP_UNARY(gelu, Gelu)
/// x sigmoid(x), also called swish.
TAPELOOP_UNARY(silu, Silu)
/// max(x, 0); the gradient at 0 is 0.
TAPELOOP_UNARY(relu, Relu)
/// x where x > 0, `leak` x elsewhere.
TAPELOOP_UNARY_WITH(leaky_relu, LeakyRelu, leak, 0.01)
/// x where x > 0, `alpha` (e^x - 1) elsewhere.
TAPELOOP_UNARY_WITH(elu, Elu, alpha, 1)
/// x / 6 + 1/2 limited to [0, 1]; passes the cotangent inside and on the bounds, as `clip` does.
TAPELOOP_UNARY(hard_sigmoid, HardSigmoid)
/// x limited to [low, high]; passes the cotangent inside and on the bounds. Throws when low > high.
TAPELOOP_UNARY_WITH_BOTH(clip, Clip, low, high)
/// The absolute value; its gradient at 0 is 0.
TAPELOOP_UNARY(abs, Abs)

// Steps, whose gradient is 0 everywhere.

namespace elementary {

struct Floor {
    static constexpr std::string_view name = "floor";
    static constexpr Description description{
        .equation = "y = floor(x)", .rules = {{"x", "0"}}, .kind = OperationKind::comparison};
    static auto value(const auto& x) { return floor(x); }
    static auto rules() { return std::tuple<>(); }
};

struct Ceil {
    static constexpr std::string_view name = "ceil";
    static constexpr Description description{
        .equation = "y = ceil(x)", .rules = {{"x", "0"}}, .kind = OperationKind::comparison};
    static auto value(const auto& x) { return ceil(x); }
    static auto rules() { return std::tuple<>(); }
};

struct Round {
    static constexpr std::string_view name = "round";
    static constexpr Description description{
        .equation = "y = round(x), halves to even", .rules = {{"x", "0"}}, .kind = OperationKind::comparison};
    static auto value(const auto& x) { return round(x); }
    static auto rules() { return std::tuple<>(); }
};

struct Sign {
    static constexpr std::string_view name = "sign";
    static constexpr Description description{
        .equation = "y = sign(x)", .rules = {{"x", "0"}}, .kind = OperationKind::comparison};
    static auto value(const auto& x) { return where(x > 0, 1, where(x < 0, -1, x)); }
    static auto rules() { return std::tuple<>(); }
};

}  // namespace elementary

/// The largest integer not above x; no cotangent passes.
TAPELOOP_UNARY(floor, Floor)
/// The smallest integer not below x; no cotangent passes.
TAPELOOP_UNARY(ceil, Ceil)
/// The nearest integer, of two the even one as in NumPy: round(0.5) is 0 and round(1.5) 2; no cotangent
/// passes.
TAPELOOP_UNARY(round, Round)
/// 1, 0 or -1 with the sign of x, NaN of NaN; no cotangent passes.
TAPELOOP_UNARY(sign, Sign)

#undef TAPELOOP_UNARY_WITH_BOTH
#undef TAPELOOP_UNARY_WITH
#undef TAPELOOP_BINARY
#undef TAPELOOP_UNARY
#undef TAPELOOP_RECORDED_CHOICE
#undef TAPELOOP_RECORDED_BINARY
#undef TAPELOOP_RECORDED_UNARY
#undef TAPELOOP_OPERAND
#undef TAPELOOP_DEFINE
#undef TAPELOOP_COMPILED_FOR

}  // namespace tapeloop
