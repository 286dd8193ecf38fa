#pragma once

#include <autograd/ops/elementary/declare.hpp>

#include <limits>
#include <string_view>
#include <tuple>

/// Powers and logarithms.
namespace tapeloop {

namespace elementary {

/// x^p. 0^0 is 1, with gradient 0 in x.
struct Power {
    static constexpr std::string_view name = "pow";
    static constexpr Description description{
        .equation = "y = x^p",
        .rules = {{"x", "g ⊙ p ⊙ x^(p - 1), 0 where p = 0"}, {"p", "g ⊙ y ⊙ log(x), 0 where y = 0"}},
        .letter = "q"};
    static constexpr std::string_view onnx = "Pow";
    static auto value(const auto& x, const auto& p) { return pow(x, p); }
    static auto rules() {
        return std::tuple{[](const auto& g, const auto&, const auto& x, const auto& p) {
                              // Not 0 wherever p is: by p its slope there is 1 / x.
                              const auto power = pow(x, p - 1);
                              const auto slope = p * power;
                              const auto at_zero =
                                  where(abs(power) < std::numeric_limits<double>::infinity(), slope, 0);
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
    static constexpr std::string_view onnx = "Sqrt";
    static auto value(const auto& x) { return sqrt(x); }
    static auto slope(const auto& y, const auto&) { return 0.5 / y; }
};

struct Square {
    static constexpr std::string_view name = "square";
    static constexpr Description description{
        .equation = "y = x²", .rules = {{"x", "2 g ⊙ x"}}, .kind = OperationKind::error, .letter = "q"};
    static auto onnx(const auto& x) { return onnx_node("Mul", {x, x}); }
    static auto value(const auto& x) { return x * x; }
    static auto slope(const auto&, const auto& x) { return 2 * x; }
};

struct Exp {
    static constexpr std::string_view name = "exp";
    static constexpr Description description{
        .equation = "y = exp(x)", .rules = {{"x", "g ⊙ y"}}, .letter = "p"};
    static constexpr std::string_view onnx = "Exp";
    static auto value(const auto& x) { return exp(x); }
    static auto slope(const auto& y, const auto&) { return y; }
};

struct Log {
    static constexpr std::string_view name = "log";
    static constexpr Description description{.equation = "y = log(x)", .rules = {{"x", "g / x"}}};
    static constexpr std::string_view onnx = "Log";
    static auto value(const auto& x) { return log(x); }
    static auto slope(const auto&, const auto& x) { return 1 / x; }
};

struct Expm1 {
    static constexpr std::string_view name = "expm1";
    static constexpr Description description{.equation = "y = exp(x) - 1", .rules = {{"x", "g ⊙ (y + 1)"}}};
    /// tanh(x / 2) (exp(x) + 1), which keeps its digits where x is small.
    static auto onnx(const auto& x) {
        const auto half = onnx_node("Tanh", {onnx_node("Mul", {x, 0.5})});
        return onnx_node("Mul", {half, onnx_node("Add", {onnx_node("Exp", {x}), 1.0})});
    }
    static auto value(const auto& x) { return expm1(x); }
    static auto slope(const auto& y, const auto&) { return y + 1; }
};

struct Log1p {
    static constexpr std::string_view name = "log1p";
    static constexpr Description description{.equation = "y = log(1 + x)", .rules = {{"x", "g / (1 + x)"}}};
    /// log(u) x / (u - 1), u = 1 + x rounded, which keeps its digits where x is small.
    static auto onnx(const auto& x) {
        const auto u = onnx_node("Add", {x, 1.0});
        const auto back = onnx_node("Sub", {u, 1.0});
        const auto is_exact = onnx_node("Equal", {back, x});
        const auto ratio = onnx_node("Where", {is_exact, 1.0, onnx_node("Div", {x, back})});
        const auto large = onnx_node("Mul", {onnx_node("Log", {u}), ratio});
        return onnx_node("Where", {onnx_node("Equal", {u, 1.0}), x, large});
    }
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

}  // namespace tapeloop
