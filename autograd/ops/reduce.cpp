#include <autograd/kernels/reduction.hpp>
#include <autograd/ops/array_functions.hpp>
#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/moments.hpp>
#include <autograd/ops/reduce.hpp>
#include <autograd/ops/shape.hpp>
#include <autograd/record/definition.hpp>

#include <limits>

namespace tapeloop {

using namespace detail;

Axes::Axes(std::initializer_list<int> axes) {
    if (axes.size() > axes_.size())
        throw std::invalid_argument(
            fmt::format("axes: {} of them; a tensor has at most {}", axes.size(), axes_.size()));
    for (int axis : axes) {
        if (axis < -128 || axis > 127)
            throw std::invalid_argument(fmt::format("axes: no tensor has axis {}", axis));
        axes_[count_++] = static_cast<std::int8_t>(axis);
    }
}

std::uint32_t Axes::mask(std::string_view operation, std::size_t rank) const {
    if (count_ == 0) return (1U << rank) - 1U;
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < count_; ++i) {
        const std::uint32_t bit = 1U << normalised_axis(operation, axes_[i], rank);
        if ((bits & bit) != 0)
            throw std::invalid_argument(fmt::format("{}: axis {} is named twice", operation, axes_[i]));
        bits |= bit;
    }
    return bits;
}

std::string Axes::text() const {
    if (count_ == 0) return {};
    return fmt::format("{} {}", count_ == 1 ? "axis" : "axes",
                       fmt::join(axes_.begin(), axes_.begin() + count_, ", "));
}

namespace {

/// The shapes that all reductions need: the shape of the result, and the one in which it broadcasts back to
/// x.
struct ReducedAxes {
    Axes axes;
    bool keepdims = false;

    std::string arguments() const { return axes.text(); }
    Shape reduced(std::string_view name, const Shape& x, bool keep) const {
        const std::uint32_t mask = axes.mask(name, x.rank());
        Shape result;
        for (std::size_t i = 0; i < x.rank(); ++i) {
            if ((mask >> i & 1U) == 0)
                result.append(x[i]);
            else if (keep)
                result.append(1);
        }
        return result;
    }
    Shape kept(const Shape& x) const { return reduced("reduction", x, true); }
    /// Returns the number of elements of x that make one of the result.
    std::size_t count(const Shape& x) const {
        std::size_t product = 1;
        const std::uint32_t mask = axes.mask("reduction", x.rank());
        for (std::size_t i = 0; i < x.rank(); ++i)
            if ((mask >> i & 1U) != 0) product *= x[i];
        return product;
    }
    Shape reduced_from_something(std::string_view name, const Shape& x) const {
        const Shape result = reduced(name, x, keepdims);
        if (count(x) == 0)
            throw std::invalid_argument(fmt::format("{}: over no elements, x is {}", name, x.text()));
        return result;
    }
    std::vector<std::int64_t> axes_of(const OnnxValue& x) const {
        const std::size_t rank = x.shape().rank();
        std::vector<std::int64_t> list;
        for (std::size_t i = 0; i < rank; ++i)
            if ((axes.mask("reduction", rank) >> i & 1U) != 0) list.push_back(static_cast<std::int64_t>(i));
        return list;
    }
    /// One of ONNX' reductions of `of`, which has the axes of x.
    OnnxValue onnx_reduced(std::string_view op, const OnnxValue& x, const OnnxValue& of, bool keeps) const {
        if (x.shape().rank() == 0) return onnx_node("Identity", {of});
        return onnx_node(op, {of}, {{"axes", axes_of(x)}, {"keepdims", keeps ? 1 : 0}});
    }
    OnnxValue onnx_reduced(std::string_view op, const OnnxValue& x) const {
        return onnx_reduced(op, x, x, keepdims);
    }
    /// The result with its axes back, so that it broadcasts to x.
    auto restored(const auto& y, const auto& x) const { return reshape(y, kept(x.shape())); }
};

struct Sum : ReducedAxes {
    static constexpr std::string_view name = "sum";
    static constexpr Description description{
        .equation = "y = Σ x", .rules = {{"x", "g, repeated"}}, .kind = OperationKind::layout};
    OnnxValue onnx(const OnnxValue& x) const {
        if (x.shape().rank() == 0) return onnx_node("Identity", {x});
        return onnx_node("ReduceSum", {x, OnnxValue::integers(axes_of(x))}, {{"keepdims", keepdims ? 1 : 0}});
    }
    Shape shape(const Shape& x) const { return reduced(name, x, keepdims); }
    template <class T>
    void value(const Buffer<T>& y, const Array<T>& x) const {
        sum_into(x, kept(x.shape()), {y.data(), false});
    }
    auto rules() const {
        return std::tuple{[*this](const auto& g, const auto&, const auto& x) { return restored(g, x); }};
    }
};

/// The cotangent arrives at each element in equal parts.
struct Mean : ReducedAxes {
    static constexpr std::string_view name = "mean";
    static constexpr Description description{.equation = "y = (Σ x) / n",
                                             .rules = {{"x", "g / n, repeated"}},
                                             .kind = OperationKind::layout,
                                             .letter = "m"};
    OnnxValue onnx(const OnnxValue& x) const { return onnx_reduced("ReduceMean", x); }
    Shape shape(const Shape& x) const { return reduced_from_something(name, x); }
    template <class T>
    void value(const Buffer<T>& y, const Array<T>& x) const {
        mean_into(x, kept(x.shape()), y.data());
    }
    auto rules() const {
        return std::tuple{[*this](const auto& g, const auto&, const auto& x) {
            return restored(g, x) / static_cast<double>(count(x.shape()));
        }};
    }
};

struct Max : ReducedAxes {
    static constexpr std::string_view name = "max";
    static constexpr Description description{
        .equation = "y = max(x)",
        .rules = {{"x", "g / k at the k elements where x = y, 0 elsewhere"}},
        .kind = OperationKind::layout,
        .letter = "m"};
    OnnxValue onnx(const OnnxValue& x) const { return onnx_reduced("ReduceMax", x); }
    Shape shape(const Shape& x) const { return reduced_from_something(name, x); }
    template <class T>
    void value(const Buffer<T>& y, const Array<T>& x) const {
        max_into(x, kept(x.shape()), y.data());
    }
    auto rules() const {
        return std::tuple{[*this](const auto& g, const auto& y, const auto& x) {
            const auto is_max = equal(x, restored(y, x));
            return is_max * (restored(g, x) / sum(is_max, axes, true));
        }};
    }
};

template <class T>
Array<T> max(const Array<T>& x, Axes axes, bool keepdims = false) {
    return apply(Max{{axes, keepdims}}, x);
}

struct Min : ReducedAxes {
    static constexpr std::string_view name = "min";
    static constexpr Description description{
        .equation = "y = min(x)",
        .rules = {{"x", "g / k at the k elements where x = y, 0 elsewhere"}},
        .kind = OperationKind::layout};
    OnnxValue onnx(const OnnxValue& x) const { return onnx_reduced("ReduceMin", x); }
    Shape shape(const Shape& x) const { return reduced_from_something(name, x); }
    template <class T>
    void value(const Buffer<T>& y, const Array<T>& x) const {
        max_into(-x, kept(x.shape()), y.data());
        for (T& element : y.elements()) element = -element;
    }
    auto rules() const { return Max{*this}.rules(); }
};

/// The distances from the mean. Twice, for the first mean is rounded: far from 0 by more than the distances
/// are.
auto centred(const auto& x, Axes axes) {
    const auto distance = x - mean(x, axes, true);
    return distance - mean(distance, axes, true);
}

struct Variance : ReducedAxes {
    static constexpr std::string_view name = "variance";
    static constexpr Description description{.equation = "y = (Σ (x - μ)²) / n, μ = mean(x)",
                                             .rules = {{"x", "2 g ⊙ (x - μ) / n"}},
                                             .kind = OperationKind::error,
                                             .letter = "z"};
    OnnxValue onnx(const OnnxValue& x) const {
        const OnnxValue distance = onnx_node("Sub", {x, onnx_reduced("ReduceMean", x, x, true)});
        return onnx_reduced("ReduceMean", x, onnx_node("Mul", {distance, distance}), keepdims);
    }
    Shape shape(const Shape& x) const { return reduced_from_something(name, x); }
    template <class T>
    void value(const Buffer<T>& y, const Array<T>& x) const {
        mean_square_into(centred(x, axes), kept(x.shape()), y.data());
    }
    auto rules() const {
        return std::tuple{[*this](const auto& g, const auto&, const auto& x) {
            const auto n = static_cast<double>(count(x.shape()));
            return (restored(g, x) * (2 / n)) * centred(x, axes);
        }};
    }
};

struct Norm : ReducedAxes {
    static constexpr std::string_view name = "norm";
    static constexpr Description description{.equation = "y = √(Σ x²)",
                                             .rules = {{"x", "g ⊙ x / y, 0 where y = 0"}},
                                             .kind = OperationKind::error,
                                             .letter = "z"};
    OnnxValue onnx(const OnnxValue& x) const {
        return x.shape().rank() == 0 ? onnx_node("Abs", {x}) : onnx_reduced("ReduceL2", x);
    }
    Shape shape(const Shape& x) const { return reduced(name, x, keepdims); }
    template <class T>
    void value(const Buffer<T>& y, const Array<T>& x) const {
        norm_into(x, kept(x.shape()), y.data());
    }
    auto rules() const {
        return std::tuple{[*this](const auto& g, const auto& y, const auto& x) {
            const auto length = restored(y, x);
            return restored(g, x) * where(equal(length, 0), 0, x / length);
        }};
    }
};

constexpr double infinite = std::numeric_limits<double>::infinity();

/// x - top, where top is the largest of x; the limit where both are +inf.
struct BelowTop {
    static constexpr std::string_view name = "below_top";
    static auto value(const auto& x, const auto& top) {
        return where(equal(top, infinite), where(equal(x, top), 0, x - top), x - top);
    }
};

struct LogSumExp : ReducedAxes {
    static constexpr std::string_view name = "logsumexp";
    static constexpr Description description{.equation = "y = log(Σ exp(x))",
                                             .rules = {{"x", "g ⊙ exp(x - y)"}}};
    OnnxValue onnx(const OnnxValue& x) const { return onnx_reduced("ReduceLogSumExp", x); }
    Shape shape(const Shape& x) const { return reduced(name, x, keepdims); }
    template <class T>
    void value(const Buffer<T>& y, const Array<T>& x) const {
        const Shape shape = kept(x.shape());
        const Buffer<T> shift(shape);
        max_into(x, shape, shift.data());
        for (T& element : shift.elements())
            if (std::isinf(element)) element = 0;
        sum_into(exp(x - shift), shape, {y.data(), false});
        for (std::size_t i = 0; i < y.size(); ++i) y.data()[i] = std::log(y.data()[i]) + shift.data()[i];
    }
    auto rules() const {
        return std::tuple{[*this](const auto& g, const auto& y, const auto& x) {
            const auto total = restored(y, x);
            // Of infinite elements each gets the same share, as of equal maxima.
            const auto is_top = equal(x, total);
            const auto limit = where(equal(total, -infinite), 0, is_top / sum(is_top, axes, true));
            return restored(g, x) * where(equal(abs(total), infinite), limit, exp(x - total));
        }};
    }
};

template <class T>
Array<T> logsumexp(const Array<T>& x, Axes axes, bool keepdims = false) {
    return apply(LogSumExp{{axes, keepdims}}, x);
}

struct Softmax {
    static constexpr std::string_view name = "softmax";
    static constexpr Description description{.equation = "y = exp(x) / Σ exp(x)",
                                             .rules = {{"x", "y ⊙ (g - Σ g ⊙ y)"}},
                                             .limits = {0, 1},
                                             .is_gate = true,
                                             .letter = "p"};
    OnnxValue onnx(const OnnxValue& x) const { return onnx_node("Softmax", {x}, {{"axis", axis}}); }
    int axis;
    std::string arguments() const { return fmt::format("axis {}", axis); }
    Shape shape(const Shape& x) const {
        normalised_axis(name, axis, x.rank());
        return x;
    }
    template <class T>
    void value(const Buffer<T>& y, const Array<T>& x) const {
        if (x.size() == 0) return;
        const Array<T> e = exp(elementwise(BelowTop{}, x, max(x, axis, true)));
        run_function<T, 2>(elementary::Divide{}, x.shape(), {e, sum(e, axis, true)}, {y.data(), false});
    }
    auto rules() const {
        return std::tuple{
            [a = axis](const auto& g, const auto& y, const auto&) { return y * (g - sum(g * y, a, true)); }};
    }
};

struct LogSoftmax {
    static constexpr std::string_view name = "log_softmax";
    static constexpr Description description{.equation = "y = x - log(Σ exp(x))",
                                             .rules = {{"x", "g - exp(y) ⊙ Σ g"}},
                                             .limits = {.low = 0, .high = 1, .of_exponential = true}};
    OnnxValue onnx(const OnnxValue& x) const { return onnx_node("LogSoftmax", {x}, {{"axis", axis}}); }
    int axis;
    std::string arguments() const { return fmt::format("axis {}", axis); }
    Shape shape(const Shape& x) const {
        normalised_axis(name, axis, x.rank());
        return x;
    }
    template <class T>
    void value(const Buffer<T>& y, const Array<T>& x) const {
        if (x.size() == 0) return;
        // Not x - logsumexp(x), which far out has lost the digits that tell the elements apart.
        const Array<T> below_max = elementwise(BelowTop{}, x, max(x, axis, true));
        run_function<T, 2>(elementary::Subtract{}, x.shape(),
                           {below_max, log(sum(exp(below_max), axis, true))}, {y.data(), false});
    }
    auto rules() const {
        return std::tuple{
            [a = axis](const auto& g, const auto& y, const auto&) { return g - exp(y) * sum(g, a, true); }};
    }
};

struct SumTo {
    static constexpr std::string_view name = "sum_to";
    static constexpr Description description{.equation = "y = Σ x over the broadcast axes",
                                             .rules = {{"x", "g, repeated"}},
                                             .kind = OperationKind::layout};
    Shape target;
    Shape shape(const Shape& x) const {
        if (!broadcasts_to(target, x))
            throw std::invalid_argument(
                fmt::format("sum_to: {} does not broadcast to x, which is {}", target.text(), x.text()));
        return target;
    }
    template <class T>
    void value(const Buffer<T>& y, const Array<T>& x) const {
        sum_into(x, target, {y.data(), false});
    }
    static auto rules() {
        return std::tuple{[](const auto& g, const auto&, const auto&) { return g; }};
    }
};

}  // namespace

template <int, class T>
Array<T> sum(const Array<T>& x, Axes axes, bool keepdims) {
    return apply(Sum{{axes, keepdims}}, x);
}
template <int, class T>
Array<T> mean(const Array<T>& x, Axes axes, bool keepdims) {
    return apply(Mean{{axes, keepdims}}, x);
}
template Array<float> mean(const Array<float>&, Axes, bool);
template Array<double> mean(const Array<double>&, Axes, bool);
template Array<float> sum(const Array<float>&, Axes, bool);
template Array<double> sum(const Array<double>&, Axes, bool);

#define TAPELOOP_REDUCTION(function, Definition)                               \
    Var<float> function(const Operand<float>& x, Axes axes, bool keepdims) {   \
        return apply(Definition{{axes, keepdims}}, x);                         \
    }                                                                          \
    Var<double> function(const Operand<double>& x, Axes axes, bool keepdims) { \
        return apply(Definition{{axes, keepdims}}, x);                         \
    }

TAPELOOP_REDUCTION(sum, Sum)
TAPELOOP_REDUCTION(mean, Mean)
TAPELOOP_REDUCTION(max, Max)
TAPELOOP_REDUCTION(min, Min)
TAPELOOP_REDUCTION(variance, Variance)
TAPELOOP_REDUCTION(norm, Norm)
TAPELOOP_REDUCTION(logsumexp, LogSumExp)

#undef TAPELOOP_REDUCTION

Var<float> softmax(const Operand<float>& x, int axis) { return apply(Softmax{axis}, x); }
Var<double> softmax(const Operand<double>& x, int axis) { return apply(Softmax{axis}, x); }
Var<float> log_softmax(const Operand<float>& x, int axis) { return apply(LogSoftmax{axis}, x); }
Var<double> log_softmax(const Operand<double>& x, int axis) { return apply(LogSoftmax{axis}, x); }
Var<float> sum_to(const Operand<float>& x, const Shape& shape) { return apply(SumTo{shape}, x); }
Var<double> sum_to(const Operand<double>& x, const Shape& shape) { return apply(SumTo{shape}, x); }

}  // namespace tapeloop
