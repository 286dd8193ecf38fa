#include <autograd/kernels/reduction.hpp>
#include <autograd/ops/array_functions.hpp>
#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/reduce.hpp>
#include <autograd/ops/shape.hpp>
#include <autograd/record/definition.hpp>
#include <nn/losses/class_cross_entropy.hpp>

#include <cmath>
#include <memory>

namespace tapeloop::nn::detail {

using namespace tapeloop::detail;

namespace {

struct ExpDifference {
    static auto value(const auto& x, const auto& shift) { return exp(x - shift); }
};

/// e^(x - shift) of the rows of a matrix, where the shift is the largest of a row. The class of a row is kept
/// apart from the others: where it is nearly certain, 1 - p would lose the digits that the sum of the others
/// has.
template <class T>
struct Exponentials {
    Buffer<T> shift;   ///< [rows, 1]
    Buffer<T> e;       ///< [rows, O], 0 at the class
    Buffer<T> own;     ///< [rows, 1], at the class
    Buffer<T> others;  ///< [rows, 1], the sum of e

    Exponentials(const Array<T>& x, const Classes& classes)
        : shift(Shape{x.shape()[0], 1}), e(x.shape()), own(shift.shape()), others(shift.shape()) {
        if (x.size() == 0) return;
        max_into(x, shift.shape(), shift.data());
        run_function<T, 2>(ExpDifference{}, x.shape(), {x, Array<T>(shift)}, {e.data(), false});
        T* row = e.data();
        for (std::size_t r = 0; r < classes.of_row.size(); ++r, row += x.shape()[1])
            own.data()[r] = classes.of_row[r] == ignored ? T(0) : std::exchange(row[classes.of_row[r]], T(0));
        sum_into(e, others.shape(), {others.data(), false});
    }

    /// -log p of the class of row r, which is element `index` of x.
    T loss(const Array<T>& x, std::size_t r, std::size_t index) const {
        const T distance = shift.data()[r] - x.data()[index];
        if (distance == 0) return std::log1p(others.data()[r]);
        return std::log(others.data()[r] + own.data()[r]) + distance;
    }
};

template <class T>
Array<T> row_sums(const Array<T>& x) {
    Buffer<T> sums(x.shape().with(x.shape().rank() - 1, 1));
    sum_into(x, sums.shape(), {sums.data(), false});
    return sums;
}
template <class T>
Var<T> row_sums(const Var<T>& x) {
    return sum(x, -1, true);
}

/// softmax(x), less 1 at the class of each row if `subtract`; rows that are ignored are 0.
struct SoftmaxRows {
    static constexpr std::string_view name = "softmax_rows";
    static constexpr Description description{.equation = "y = softmax(x) - eₖ",
                                             .rules = {{"x", "p ⊙ (g - Σ p ⊙ g), p = softmax(x)"}}};
    std::shared_ptr<const Classes> classes;
    bool subtract;

    static Shape shape(const Shape& x) { return x; }

    template <class T>
    void value(const Buffer<T>& y, const Array<T>& x) const {
        const Exponentials<T> rows(x.as_matrix(), *classes);
        const Array<T> total = rows.others + rows.own;
        run_function<T, 2>(elementary::Divide{}, rows.e.shape(), {Array<T>(rows.e), total},
                           {y.data(), false});
        const std::size_t width = x.shape().back();
        T* row = y.data();
        for (std::size_t r = 0; r < classes->of_row.size(); ++r, row += width) {
            const std::ptrdiff_t own = classes->of_row[r];
            if (own == ignored)
                std::fill_n(row, width, T(0));
            else
                row[own] = (subtract ? -rows.others.data()[r] : rows.own.data()[r]) / total.data()[r];
        }
    }

    auto rules() const;
};

template <class T>
Array<T> softmax_rows(const SoftmaxRows& def, const Array<T>& x) {
    return apply(def, x);
}
template <class T>
Var<T> softmax_rows(const SoftmaxRows& def, const Var<T>& x) {
    return apply(def, Operand<T>(x));
}

auto SoftmaxRows::rules() const {
    return std::tuple{[classes = classes](const auto& g, const auto&, const auto& x) {
        const auto p = softmax_rows(SoftmaxRows{classes, false}, x);
        return p * (g - row_sums(p * g));
    }};
}

/// -log softmax(x)[class] of each row.
struct CrossEntropy {
    static constexpr std::string_view name = "softmax_cross_entropy";
    static constexpr Description description{.equation = "y = -log(softmax(x)ₖ), k the class",
                                             .rules = {{"x", "g ⊙ (softmax(x) - eₖ)"}},
                                             .kind = OperationKind::error,
                                             .letter = "ℓ"};
    std::shared_ptr<const Classes> classes;

    OnnxValue onnx(const OnnxValue& x) const {
        Shape picked = classes->shape;
        picked.append(1);
        std::vector<std::int64_t> places;
        std::vector<std::int64_t> counts;
        for (const std::ptrdiff_t own : classes->of_row) {
            places.push_back(own == ignored ? 0 : own);
            counts.push_back(own == ignored ? 0 : 1);
        }
        const OnnxValue logarithms = onnx_node("LogSoftmax", {x}, {{"axis", -1}});
        const OnnxValue own = onnx_node("GatherElements", {logarithms, OnnxValue::integers(places, picked)},
                                        {{"axis", static_cast<int>(classes->shape.rank())}});
        OnnxValue losses = onnx_node("Neg", {onnx_node("Squeeze", {own, OnnxValue::integers({-1})})});
        if (classes->all_count()) return losses;
        return onnx_node("Where", {onnx_truth(OnnxValue::integers(counts, classes->shape)), losses, 0.0});
    }

    Shape shape(const Shape&) const { return classes->shape; }

    template <class T>
    void value(const Buffer<T>& y, const Array<T>& x) const {
        const Exponentials<T> rows(x.as_matrix(), *classes);
        const std::size_t width = x.shape().back();
        for (std::size_t r = 0; r < y.size(); ++r) {
            const std::ptrdiff_t own = classes->of_row[r];
            y.data()[r] = own == ignored ? T(0) : rows.loss(x, r, r * width + static_cast<std::size_t>(own));
        }
    }

    auto rules() const {
        return std::tuple{[classes = classes](const auto& g, const auto&, const auto& x) {
            return expand_dims(g, -1) * softmax_rows(SoftmaxRows{classes, true}, x);
        }};
    }
};

}  // namespace

template <class T>
Var<T> class_cross_entropy(const Operand<T>& logits, std::shared_ptr<const Classes> classes) {
    return apply(CrossEntropy{std::move(classes)}, logits);
}

template Var<float> class_cross_entropy(const Operand<float>&, std::shared_ptr<const Classes>);
template Var<double> class_cross_entropy(const Operand<double>&, std::shared_ptr<const Classes>);

}  // namespace tapeloop::nn::detail
