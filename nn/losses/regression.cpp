#include <autograd/ops/elementwise.hpp>
#include <autograd/record/definition.hpp>
#include <nn/losses/counting.hpp>
#include <nn/losses/regression.hpp>

namespace tapeloop::nn {

using namespace tapeloop::detail;
using namespace detail;

namespace {

/// A function of the difference, which has a slope for the prediction and its negative for the target.
template <class Self>
struct Distance {
    auto value(const auto& prediction, const auto& target) const {
        return self().of_difference(prediction - target);
    }
    auto rules() const {
        return std::tuple{
            [self = self()](const auto& g, const auto&, const auto& prediction, const auto& target) {
                return scale(g, self.slope(prediction - target));
            },
            [self = self()](const auto& g, const auto&, const auto& prediction, const auto& target) {
                return scale(g, -self.slope(prediction - target));
            }};
    }
    const Self& self() const { return static_cast<const Self&>(*this); }
};

struct SquaredError : Distance<SquaredError> {
    static constexpr std::string_view name = "mean_squared_error";
    static constexpr Description description{.equation = "y = (x - t)²",
                                             .rules = {{"x", "2 g ⊙ (x - t)"}, {"t", "-2 g ⊙ (x - t)"}},
                                             .kind = OperationKind::error,
                                             .letter = "ℓ"};
    static OnnxValue onnx(const OnnxValue& prediction, const OnnxValue& target) {
        const OnnxValue d = onnx_node("Sub", {prediction, target});
        return onnx_node("Mul", {d, d});
    }
    static auto of_difference(const auto& d) { return d * d; }
    static auto slope(const auto& d) { return 2 * d; }
};

struct AbsoluteError : Distance<AbsoluteError> {
    static constexpr std::string_view name = "mean_absolute_error";
    static constexpr Description description{.equation = "y = |x - t|",
                                             .rules = {{"x", "g ⊙ sign(x - t)"}, {"t", "-g ⊙ sign(x - t)"}},
                                             .kind = OperationKind::error,
                                             .letter = "ℓ"};
    static OnnxValue onnx(const OnnxValue& prediction, const OnnxValue& target) {
        return onnx_node("Abs", {onnx_node("Sub", {prediction, target})});
    }
    static auto of_difference(const auto& d) { return abs(d); }
    static auto slope(const auto& d) { return where(d > 0, 1, where(d < 0, -1, 0 * d)); }
};

struct Huber : Distance<Huber> {
    static constexpr std::string_view name = "huber";
    static constexpr Description description{
        .equation = "y = (x - t)²/2 where |x - t| ≤ δ, δ (|x - t| - δ/2) elsewhere",
        .rules = {{"x", "g ⊙ min(max(x - t, -δ), δ)"}, {"t", "-g ⊙ min(max(x - t, -δ), δ)"}},
        .kind = OperationKind::error,
        .letter = "ℓ"};
    double delta;

    explicit Huber(double limit) : delta(limit) {}
    OnnxValue onnx(const OnnxValue& prediction, const OnnxValue& target) const {
        const OnnxValue d = onnx_node("Sub", {prediction, target});
        const OnnxValue distance = onnx_node("Abs", {d});
        const OnnxValue near = onnx_node("Mul", {onnx_node("Mul", {d, d}), 0.5});
        const OnnxValue far = onnx_node("Mul", {onnx_node("Sub", {distance, 0.5 * delta}), delta});
        return onnx_node("Where", {onnx_node("LessOrEqual", {distance, delta}), near, far});
    }
    auto of_difference(const auto& d) const {
        const auto distance = abs(d);
        return where(distance <= delta, 0.5 * d * d, delta * (distance - 0.5 * delta));
    }
    auto slope(const auto& d) const { return where(d > delta, delta, where(d < -delta, -delta, d)); }
};

template <class T, class Def>
Var<T> distance(const Def& def, const Operand<T>& prediction, const Operand<T>& target,
                const detail::Counting& counting) {
    checked(tape_of(Def::name, prediction, target), prediction.site(), [&] {
        detail::require_pairs(Def::name, {"prediction is", prediction.shape(), "target", target.shape()},
                              counting);
    });
    return detail::reduced_elements(apply_elementwise(def, prediction, target), counting, prediction.site());
}

template <class T>
Var<T> huber_distance(const Operand<T>& prediction, const Operand<T>& target, const HuberOptions& options) {
    checked(tape_of(Huber::name, prediction, target), prediction.site(), [&] {
        if (!(options.delta > 0))
            throw std::invalid_argument(
                fmt::format("huber: delta is {}; it must be greater than 0", options.delta));
    });
    return distance(Huber(options.delta), prediction, target, {options.reduction, options.lengths});
}

}  // namespace

Var<float> mean_squared_error(const Operand<float>& prediction, const Operand<float>& target,
                              const RegressionOptions& options) {
    return distance(SquaredError{}, prediction, target, {options.reduction, options.lengths});
}
Var<double> mean_squared_error(const Operand<double>& prediction, const Operand<double>& target,
                               const RegressionOptions& options) {
    return distance(SquaredError{}, prediction, target, {options.reduction, options.lengths});
}
Var<float> mean_absolute_error(const Operand<float>& prediction, const Operand<float>& target,
                               const RegressionOptions& options) {
    return distance(AbsoluteError{}, prediction, target, {options.reduction, options.lengths});
}
Var<double> mean_absolute_error(const Operand<double>& prediction, const Operand<double>& target,
                                const RegressionOptions& options) {
    return distance(AbsoluteError{}, prediction, target, {options.reduction, options.lengths});
}
Var<float> huber(const Operand<float>& prediction, const Operand<float>& target,
                 const HuberOptions& options) {
    return huber_distance(prediction, target, options);
}
Var<double> huber(const Operand<double>& prediction, const Operand<double>& target,
                  const HuberOptions& options) {
    return huber_distance(prediction, target, options);
}

}  // namespace tapeloop::nn
