#pragma once

#include <autograd/ops/elementary/declare.hpp>

#include <numbers>
#include <string_view>

/// Trigonometric and hyperbolic functions, and the error function.
namespace tapeloop {

namespace elementary {

struct Sin {
    static constexpr std::string_view name = "sin";
    static constexpr Description description{.equation = "y = sin(x)", .rules = {{"x", "g ⊙ cos(x)"}}};
    static constexpr std::string_view onnx = "Sin";
    static auto value(const auto& x) { return sin(x); }
    static auto slope(const auto&, const auto& x) { return cos(x); }
};

struct Cos {
    static constexpr std::string_view name = "cos";
    static constexpr Description description{.equation = "y = cos(x)", .rules = {{"x", "-g ⊙ sin(x)"}}};
    static constexpr std::string_view onnx = "Cos";
    static auto value(const auto& x) { return cos(x); }
    static auto slope(const auto&, const auto& x) { return -sin(x); }
};

struct Tanh {
    static constexpr std::string_view name = "tanh";
    static constexpr Description description{.equation = "y = tanh(x)",
                                             .rules = {{"x", "g ⊙ (1 - y²)"}},
                                             .kind = OperationKind::activation,
                                             .limits = {-1, 1}};
    static constexpr std::string_view onnx = "Tanh";
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
    static constexpr std::string_view onnx = "Sigmoid";
    static auto value(const auto& x) { return 1 / (1 + exp(-x)); }
    static auto slope(const auto& y, const auto&) { return y * (1 - y); }
};

struct Erf {
    static constexpr std::string_view name = "erf";
    static constexpr Description description{
        .equation = "y = erf(x)", .rules = {{"x", "2 g ⊙ exp(-x²) / √π"}}, .limits = {-1, 1}};
    static constexpr std::string_view onnx = "Erf";
    static auto value(const auto& x) { return erf(x); }
    static auto slope(const auto&, const auto& x) { return 2 * std::numbers::inv_sqrtpi * exp(-(x * x)); }
};

struct Erfc {
    static constexpr std::string_view name = "erfc";
    static constexpr Description description{
        .equation = "y = 1 - erf(x)", .rules = {{"x", "-2 g ⊙ exp(-x²) / √π"}}, .limits = {0, 2}};
    static auto onnx(const auto& x) { return onnx_node("Sub", {1.0, onnx_node("Erf", {x})}); }
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

}  // namespace tapeloop
