#include <autograd/ops/elementwise.hpp>
#include <autograd/record/definition.hpp>
#include <nn/losses/counting.hpp>
#include <nn/losses/sigmoid_cross_entropy.hpp>

namespace tapeloop::nn {

using namespace tapeloop::detail;
using namespace detail;

namespace {

constexpr std::string_view sigmoid_name = "sigmoid_cross_entropy";

/// -w t log p - (1 - t) log(1 - p). Not (1 - t) x + .. log p, whose terms cancel where x is far below 0; a
/// part that has no share is left out, or 0 times infinity would be NaN.
auto loss_of(const auto& x, const auto& t, const auto& w) {
    const auto rest = log1p(exp(-abs(x)));
    const auto positive = where(equal(t, 0), 0, w * t * (relu(-x) + rest));
    const auto negative = where(equal(t, 1), 0, (1 - t) * (relu(x) + rest));
    return positive + negative;
}
/// w t softplus(-x) + (1 - t) softplus(x), which is the same, but for logits that are infinite.
OnnxValue onnx_loss_of(const OnnxValue& x, const OnnxValue& t, const OnnxValue& weighted) {
    const OnnxValue off = onnx_node("Sub", {1.0, t});
    return onnx_node("Add", {onnx_node("Mul", {weighted, onnx_node("Softplus", {onnx_node("Neg", {x})})}),
                             onnx_node("Mul", {off, onnx_node("Softplus", {x})})});
}
auto slope_of_logit(const auto& x, const auto& t, const auto& w) {
    return (1 - t) * sigmoid(x) - w * t * sigmoid(-x);
}
auto slope_of_target(const auto& x, const auto& w) { return w * softplus(-x) - softplus(x); }

struct SigmoidCrossEntropy {
    static constexpr std::string_view name = sigmoid_name;
    static constexpr Description description{
        .equation = "y = -t log(σ(x)) - (1 - t) log(1 - σ(x))",
        .rules = {{"x", "g ⊙ ((1 - t) σ(x) - t σ(-x))"}, {"t", "g ⊙ (log(1 + exp(-x)) - log(1 + exp(x)))"}},
        .kind = OperationKind::error,
        .letter = "ℓ"};
    static OnnxValue onnx(const OnnxValue& x, const OnnxValue& t) { return onnx_loss_of(x, t, t); }
    static auto value(const auto& x, const auto& t) { return loss_of(x, t, 1); }
    static auto rules() {
        return std::tuple{[](const auto& g, const auto&, const auto& x, const auto& t) {
                              return scale(g, slope_of_logit(x, t, 1));
                          },
                          [](const auto& g, const auto&, const auto& x, const auto&) {
                              return scale(g, slope_of_target(x, 1));
                          }};
    }
};

struct WeightedSigmoidCrossEntropy {
    static constexpr std::string_view name = sigmoid_name;
    static constexpr Description description{.equation = "y = -w t log(σ(x)) - (1 - t) log(1 - σ(x))",
                                             .rules = {{"x", "g ⊙ ((1 - t) σ(x) - w t σ(-x))"},
                                                       {"t", "g ⊙ (w log(1 + exp(-x)) - log(1 + exp(x)))"},
                                                       {"w", "0"}},
                                             .kind = OperationKind::error,
                                             .letter = "ℓ"};
    static OnnxValue onnx(const OnnxValue& x, const OnnxValue& t, const OnnxValue& w) {
        return onnx_loss_of(x, t, onnx_node("Mul", {onnx_number(w), t}));  // which passes no gradient
    }
    static auto value(const auto& x, const auto& t, const auto& w) { return loss_of(x, t, w); }
    static auto rules() {
        return std::tuple{[](const auto& g, const auto&, const auto& x, const auto& t, const auto& w) {
                              return scale(g, slope_of_logit(x, t, w));
                          },
                          [](const auto& g, const auto&, const auto& x, const auto&, const auto& w) {
                              return scale(g, slope_of_target(x, w));
                          }};
    }
};

void require_positive_weights(const Shape& logits, const std::vector<double>& weights) {
    if (weights.size() > 1 && (logits.rank() == 0 || weights.size() != logits.back()))
        throw std::invalid_argument(
            fmt::format("{}: logits are {} and there are {} positive weights; there must be one, or one for "
                        "each position of the last axis",
                        sigmoid_name, logits.text(), weights.size()));
    detail::require_weights(sigmoid_name, "positive weight", weights);
}

template <class T>
Var<T> cross_entropy(const Operand<T>& logits, const Operand<T>& targets,
                     const SigmoidCrossEntropyOptions& options) {
    const CallSite& site = logits.site();
    const detail::Counting counting{options.reduction, options.lengths};
    const std::vector<double>& weights = options.positive_weights;
    checked(tape_of(sigmoid_name, logits, targets), site, [&] {
        detail::require_pairs(sigmoid_name, {"logits are", logits.shape(), "targets", targets.shape()},
                              counting);
        require_positive_weights(logits.shape(), weights);
    });
    if (weights.empty())
        return detail::reduced_elements(apply_elementwise(SigmoidCrossEntropy{}, logits, targets), counting,
                                        site);
    Tensor<T> w = uninitialised<T>(weights.size() == 1 ? Shape{} : Shape{weights.size()});
    std::copy(weights.begin(), weights.end(), w.begin());
    return detail::reduced_elements(
        apply_elementwise(WeightedSigmoidCrossEntropy{}, logits, targets, Operand<T>(w, site)), counting,
        site);
}

}  // namespace

Var<float> sigmoid_cross_entropy(const Operand<float>& logits, const Operand<float>& targets,
                                 const SigmoidCrossEntropyOptions& options) {
    return cross_entropy(logits, targets, options);
}
Var<double> sigmoid_cross_entropy(const Operand<double>& logits, const Operand<double>& targets,
                                  const SigmoidCrossEntropyOptions& options) {
    return cross_entropy(logits, targets, options);
}

}  // namespace tapeloop::nn
