#pragma once

#include <autograd/ops/elementary/declare.hpp>

#include <fmt/format.h>

#include <numbers>
#include <stdexcept>
#include <string_view>

/// Activations of neural networks.
namespace tapeloop {

namespace elementary {

/// log(1 + e^x), computed so that it neither overflows nor loses small values.
struct Softplus {
    static constexpr std::string_view name = "softplus";
    static constexpr Description description{
        .equation = "y = log(1 + exp(x))", .rules = {{"x", "g ⊙ σ(x)"}}, .kind = OperationKind::activation};
    static constexpr std::string_view onnx = "Softplus";
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
    static auto onnx(const auto& x) {
        return onnx_node("Neg", {onnx_node("Softplus", {onnx_node("Neg", {x})})});
    }
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
    static auto onnx(const auto& x) {
        const auto erf = onnx_node("Erf", {onnx_node("Mul", {x, std::numbers::sqrt2 / 2})});
        return onnx_node("Mul", {onnx_node("Mul", {x, 0.5}), onnx_node("Add", {erf, 1.0})});
    }
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
    static auto onnx(const auto& x) { return onnx_node("Mul", {x, onnx_node("Sigmoid", {x})}); }
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
    static constexpr std::string_view onnx = "Relu";
    static auto value(const auto& x) { return where(x <= 0, 0, x); }
    static auto slope(const auto&, const auto& x) { return where(x <= 0, 0, where(x > 0, 1, x)); }
};

/// x where x > 0, `leak` x elsewhere.
struct LeakyRelu {
    static constexpr std::string_view name = "leaky_relu";
    static constexpr Description description{.equation = "y = x where x > 0, α x elsewhere",
                                             .rules = {{"x", "g where x > 0, α g elsewhere"}},
                                             .kind = OperationKind::activation};
    auto onnx(const auto& x) const { return onnx_node("LeakyRelu", {x}, {{"alpha", leak}}); }
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
    auto onnx(const auto& x) const { return onnx_node("Elu", {x}, {{"alpha", alpha}}); }
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
    static auto onnx(const auto& x) {
        return onnx_node("HardSigmoid", {x}, {{"alpha", 1.0 / 6}, {"beta", 0.5}});
    }
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
    auto onnx(const auto& x) const { return onnx_node("Clip", {x, low, high}); }
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
    static constexpr std::string_view onnx = "Abs";
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

}  // namespace tapeloop
