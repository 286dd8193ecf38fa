#pragma once

#include <autograd/kernels/lanes.hpp>

#include <string_view>
#include <tuple>

/// Every elementwise function, once: its name, its value and one rule per argument. A rule (g, y, x...) turns
/// the cotangent g of the result y into the argument's. Value and rules are generic: they run on `Lanes` in a
/// fused pass, on `Dual` numbers, on an `Array`, and on `Var`s, where they are recorded.
///
/// A rule scales g, with `scale(g, slope)`: a plain product on lanes, and on `Var`s one in which a zero
/// cotangent stays zero whatever the slope is, so that the branch `where` did not take cannot leak a NaN.
namespace tapeloop {

template <class T>
Lanes<T> scale(Lanes<T> g, Lanes<T> slope) {
    return g * slope;
}

/// Says for which types the generic functions below are meant; specialised by `Lanes`, `Dual` and `Array`,
/// each of which brings `elementwise(function, arguments...)`.
template <class X>
inline constexpr bool is_elementwise = false;
template <class T>
inline constexpr bool is_elementwise<Lanes<T>> = true;

template <class F, class T, class... X>
auto elementwise(const F& function, const Lanes<T>& x, const X&... more) {
    return function.value(x, Lanes<T>(more)...);
}
template <class F, class S, class T>
requires std::is_arithmetic_v<S>
auto elementwise(const F& function, const S& a, const Lanes<T>& b) { return function.value(Lanes<T>(a), b); }

template <class X>
concept Elementwise = is_elementwise<X>;
template <class A, class B>
concept ElementwisePair = (Elementwise<A> || Elementwise<B>)&&(Elementwise<A> || std::is_arithmetic_v<A>)&&(
    Elementwise<B> || std::is_arithmetic_v<B>);

namespace elementary {

struct Add {
    static constexpr std::string_view name = "add";
    static auto value(const auto& a, const auto& b) { return a + b; }
    static auto rules() {
        return std::tuple{[](const auto& g, const auto&, const auto&, const auto&) { return g; },
                          [](const auto& g, const auto&, const auto&, const auto&) { return g; }};
    }
};

struct Subtract {
    static constexpr std::string_view name = "subtract";
    static auto value(const auto& a, const auto& b) { return a - b; }
    static auto rules() {
        return std::tuple{[](const auto& g, const auto&, const auto&, const auto&) { return g; },
                          [](const auto& g, const auto&, const auto&, const auto&) { return -g; }};
    }
};

struct Multiply {
    static constexpr std::string_view name = "multiply";
    static auto value(const auto& a, const auto& b) { return a * b; }
    static auto rules() {
        return std::tuple{[](const auto& g, const auto&, const auto&, const auto& b) { return scale(g, b); },
                          [](const auto& g, const auto&, const auto& a, const auto&) { return scale(g, a); }};
    }
};

struct Divide {
    static constexpr std::string_view name = "divide";
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
    static auto value(const auto& g, const auto& slope) { return where(equal(g, 0), 0, g * slope); }
    static auto rules() { return Multiply::rules(); }
};

/// x^p. 0^0 is 1, with gradient 0 in x. The gradient of 0^p in p is 0 for p >= 0, and -inf below.
struct Power {
    static constexpr std::string_view name = "pow";
    static auto value(const auto& x, const auto& p) { return pow(x, p); }
    static auto rules() {
        return std::tuple{[](const auto& g, const auto&, const auto& x, const auto& p) {
                              return scale(g, where(equal(p, 0), 0, p * pow(x, p - 1)));
                          },
                          [](const auto& g, const auto& y, const auto& x, const auto& p) {
                              const auto slope = where(equal(y, 0), 0, y * log(x));
                              return scale(g, where(equal(x, 0), where(p >= 0, 0, slope), slope));
                          }};
    }
};

/// Where a and b are equal each gets half the cotangent; a NaN in either is the result.
struct Maximum {
    static constexpr std::string_view name = "maximum";
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

/// Comparisons give 1 and 0 and pass no cotangent on.
template <class Compare>
struct Comparison {
    static constexpr std::string_view name = Compare::name;
    static auto value(const auto& a, const auto& b) { return where(Compare::holds(a, b), 1, 0); }
    static auto rules() { return std::tuple<>(); }
};
struct IsLess {
    static constexpr std::string_view name = "less";
    static auto holds(const auto& a, const auto& b) { return a < b; }
};
struct IsLessEqual {
    static constexpr std::string_view name = "less_equal";
    static auto holds(const auto& a, const auto& b) { return a <= b; }
};
struct IsEqual {
    static constexpr std::string_view name = "equal";
    static auto holds(const auto& a, const auto& b) { return equal(a, b); }
};
using Less = Comparison<IsLess>;
using LessEqual = Comparison<IsLessEqual>;
using Equal = Comparison<IsEqual>;

/// Elements of a where the condition is not 0, of b elsewhere.
struct Where {
    static constexpr std::string_view name = "where";
    template <class T>
    static Lanes<T> value(const Lanes<T>& condition, const Lanes<T>& a, const Lanes<T>& b) {
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

struct Negate {
    static constexpr std::string_view name = "negate";
    static auto value(const auto& x) { return -x; }
    static auto rules() {
        return std::tuple{[](const auto& g, const auto&, const auto&) { return -g; }};
    }
};

/// A function of one argument whose rule is `scale(g, slope(y, x))`.
template <class Self>
struct Unary {
    auto rules() const {
        return std::tuple{
            [self = static_cast<const Self&>(*this)](const auto& g, const auto& y, const auto& x) {
                return scale(g, self.slope(y, x));
            }};
    }
};

struct Exp : Unary<Exp> {
    static constexpr std::string_view name = "exp";
    static auto value(const auto& x) { return exp(x); }
    static auto slope(const auto& y, const auto&) { return y; }
};
struct Log : Unary<Log> {
    static constexpr std::string_view name = "log";
    static auto value(const auto& x) { return log(x); }
    static auto slope(const auto&, const auto& x) { return 1 / x; }
};
struct Expm1 : Unary<Expm1> {
    static constexpr std::string_view name = "expm1";
    static auto value(const auto& x) { return expm1(x); }
    static auto slope(const auto& y, const auto&) { return y + 1; }
};
struct Log1p : Unary<Log1p> {
    static constexpr std::string_view name = "log1p";
    static auto value(const auto& x) { return log1p(x); }
    static auto slope(const auto&, const auto& x) { return 1 / (1 + x); }
};
struct Sqrt : Unary<Sqrt> {
    static constexpr std::string_view name = "sqrt";
    static auto value(const auto& x) { return sqrt(x); }
    static auto slope(const auto& y, const auto&) { return 0.5 / y; }
};
struct Square : Unary<Square> {
    static constexpr std::string_view name = "square";
    static auto value(const auto& x) { return x * x; }
    static auto slope(const auto&, const auto& x) { return 2 * x; }
};
/// The slope at 0 is 0.
struct Abs : Unary<Abs> {
    static constexpr std::string_view name = "abs";
    static auto value(const auto& x) { return abs(x); }
    static auto slope(const auto&, const auto& x) { return where(x > 0, 1, where(x < 0, -1, 0 * x)); }
};
struct Sin : Unary<Sin> {
    static constexpr std::string_view name = "sin";
    static auto value(const auto& x) { return sin(x); }
    static auto slope(const auto&, const auto& x) { return cos(x); }
};
struct Cos : Unary<Cos> {
    static constexpr std::string_view name = "cos";
    static auto value(const auto& x) { return cos(x); }
    static auto slope(const auto&, const auto& x) { return -sin(x); }
};
struct Tanh : Unary<Tanh> {
    static constexpr std::string_view name = "tanh";
    static auto value(const auto& x) { return tanh(x); }
    static auto slope(const auto& y, const auto&) { return 1 - y * y; }
};
/// 0 where e^-x is not finite, and the result would be subnormal.
struct Sigmoid : Unary<Sigmoid> {
    static constexpr std::string_view name = "sigmoid";
    static auto value(const auto& x) { return 1 / (1 + exp(-x)); }
    static auto slope(const auto& y, const auto&) { return y * (1 - y); }
};
/// log(1 + e^x), computed so that it neither overflows nor loses small values.
struct Softplus : Unary<Softplus> {
    static constexpr std::string_view name = "softplus";
    static auto value(const auto& x) { return where(x > 0, x, where(x <= 0, 0, x)) + log1p(exp(-abs(x))); }
    static auto slope(const auto&, const auto& x) { return 1 / (1 + exp(-x)); }
};
/// The slope at 0 is 0.
struct Relu : Unary<Relu> {
    static constexpr std::string_view name = "relu";
    static auto value(const auto& x) { return where(x <= 0, 0, x); }
    static auto slope(const auto&, const auto& x) { return where(x <= 0, 0, where(x > 0, 1, x)); }
};
/// x where x > 0, `leak` x elsewhere.
struct LeakyRelu : Unary<LeakyRelu> {
    static constexpr std::string_view name = "leaky_relu";
    double leak = 0.01;
    auto value(const auto& x) const { return where(x > 0, x, leak * x); }
    auto slope(const auto&, const auto& x) const { return where(x > 0, 1, where(x <= 0, leak, x)); }
};
/// x where x > 0, `alpha` (e^x - 1) elsewhere.
struct Elu : Unary<Elu> {
    static constexpr std::string_view name = "elu";
    double alpha = 1;
    auto value(const auto& x) const { return where(x > 0, x, alpha * expm1(x)); }
    auto slope(const auto& y, const auto& x) const { return where(x > 0, 1, y + alpha); }
};
/// Passes cotangents inside and on its bounds.
struct Clip : Unary<Clip> {
    static constexpr std::string_view name = "clip";
    double low = 0;
    double high = 1;
    auto value(const auto& x) const { return where(x < low, low, where(x > high, high, x)); }
    auto slope(const auto&, const auto& x) const {
        return where(x < low, 0, where(x > high, 0, where(x >= low, 1, x)));
    }
};

}  // namespace elementary

template <Elementwise X>
auto exp(const X& x) {
    return elementwise(elementary::Exp{}, x);
}
template <Elementwise X>
auto log(const X& x) {
    return elementwise(elementary::Log{}, x);
}
template <Elementwise X>
auto expm1(const X& x) {
    return elementwise(elementary::Expm1{}, x);
}
template <Elementwise X>
auto log1p(const X& x) {
    return elementwise(elementary::Log1p{}, x);
}
template <Elementwise X>
auto sqrt(const X& x) {
    return elementwise(elementary::Sqrt{}, x);
}
template <Elementwise X>
auto square(const X& x) {
    return elementwise(elementary::Square{}, x);
}
template <Elementwise X>
auto abs(const X& x) {
    return elementwise(elementary::Abs{}, x);
}
template <Elementwise X>
auto sin(const X& x) {
    return elementwise(elementary::Sin{}, x);
}
template <Elementwise X>
auto cos(const X& x) {
    return elementwise(elementary::Cos{}, x);
}
template <Elementwise X>
auto tanh(const X& x) {
    return elementwise(elementary::Tanh{}, x);
}
template <Elementwise X>
auto sigmoid(const X& x) {
    return elementwise(elementary::Sigmoid{}, x);
}
template <Elementwise X>
auto softplus(const X& x) {
    return elementwise(elementary::Softplus{}, x);
}
template <Elementwise X>
auto relu(const X& x) {
    return elementwise(elementary::Relu{}, x);
}
template <Elementwise X>
auto leaky_relu(const X& x, double leak = 0.01) {
    return elementwise(elementary::LeakyRelu{{}, leak}, x);
}
template <Elementwise X>
auto elu(const X& x, double alpha = 1) {
    return elementwise(elementary::Elu{{}, alpha}, x);
}
template <Elementwise X>
auto clip(const X& x, double low, double high) {
    return elementwise(elementary::Clip{{}, low, high}, x);
}
template <class A, class B>
requires ElementwisePair<A, B>
auto pow(const A& x, const B& p) { return elementwise(elementary::Power{}, x, p); }
template <class A, class B>
requires ElementwisePair<A, B>
auto maximum(const A& a, const B& b) { return elementwise(elementary::Maximum{}, a, b); }
template <class A, class B>
requires ElementwisePair<A, B>
auto minimum(const A& a, const B& b) { return elementwise(elementary::Minimum{}, a, b); }

}  // namespace tapeloop
