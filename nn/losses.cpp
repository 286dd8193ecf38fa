#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/reduce.hpp>
#include <autograd/ops/shape.hpp>
#include <autograd/record.hpp>
#include <autograd/reduction.hpp>
#include <nn/losses.hpp>

#include <cmath>
#include <memory>

namespace tapeloop::nn {
namespace {

constexpr std::ptrdiff_t ignored = -1;

/// The class of every row of the logits, or `ignored`. Shared by a loss and its rules.
struct Classes {
    Shape shape;
    std::vector<std::ptrdiff_t> of_row;
};

std::string place_text(std::size_t row, const Shape& shape) {
    std::string text;
    for (std::size_t axis = shape.rank(); axis-- > 0; row /= shape[axis])
        text = fmt::format("{}{}{}", row % shape[axis], text.empty() ? "" : ", ", text);
    return "[" + text + "]";
}

std::shared_ptr<const Classes> classes_of(const Shape& logits, const Targets& targets,
                                          std::optional<std::ptrdiff_t> ignore) {
    auto classes = std::make_shared<Classes>();
    classes->shape = Shape::of(targets.shape());
    Shape expected = classes->shape;
    if (logits.rank() > 0) expected.append(logits.back());
    if (logits.rank() == 0 || logits != expected)
        throw std::invalid_argument(
            fmt::format("softmax_cross_entropy: logits are {} and targets {}; targets must have the logits' "
                        "shape without the last "
                        "axis",
                        logits.text(), classes->shape.text()));
    const auto count = static_cast<std::ptrdiff_t>(logits.back());
    classes->of_row.reserve(targets.size());
    for (std::ptrdiff_t target : targets) {
        const bool counts = target != ignore;
        if (counts && (target < 0 || target >= count))
            throw std::invalid_argument(fmt::format(
                "softmax_cross_entropy: the target at {} is {}; logits are {}, so it must be in 0..{}{}",
                place_text(classes->of_row.size(), classes->shape), target, logits.text(), count - 1,
                ignore.has_value() ? fmt::format(", or {} to be ignored", *ignore) : ""));
        classes->of_row.push_back(counts ? target : ignored);
    }
    return classes;
}

struct ExpDifference {
    static auto value(const auto& x, const auto& shift) { return exp(x - shift); }
};

/// e^(x - shift) of the rows of a matrix, where the shift is the largest of a row. The class of a row is kept
/// apart from the others: where it is nearly certain, 1 - p would lose the digits that the sum of the others
/// has.
template <class T>
struct Exponentials {
    Array<T> shift;   ///< [rows, 1]
    Array<T> e;       ///< [rows, O], 0 at the class
    Array<T> own;     ///< [rows, 1], at the class
    Array<T> others;  ///< [rows, 1], the sum of e

    Exponentials(const Array<T>& x, const Classes& classes)
        : shift(Shape{x.shape()[0], 1}), e(x.shape()), own(shift.shape()), others(shift.shape()) {
        if (x.size() == 0) return;
        max_into(x, shift.shape(), shift.data());
        run_function<T, 2>(ExpDifference{}, x.shape(), {x, shift}, {e.data(), false});
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
    Array<T> sums(x.shape().with(x.shape().rank() - 1, 1));
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
    std::shared_ptr<const Classes> classes;
    bool subtract;

    static Shape shape(const Shape& x) { return x; }

    template <class T>
    void value(const Array<T>& y, const Array<T>& x) const {
        const Exponentials<T> rows(x.as_matrix(), *classes);
        const Array<T> total = rows.others + rows.own;
        run_function<T, 2>(elementary::Divide{}, rows.e.shape(), {rows.e, total}, {y.data(), false});
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
    std::shared_ptr<const Classes> classes;

    Shape shape(const Shape&) const { return classes->shape; }

    template <class T>
    void value(const Array<T>& y, const Array<T>& x) const {
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

/// What the sum over all targets is divided by.
double divisor_of(const Classes& classes, Reduction reduction) {
    std::size_t count = 1;
    if (reduction == Reduction::batch_mean && classes.shape.rank() > 0) count = classes.shape.back();
    if (reduction == Reduction::mean)
        count = static_cast<std::size_t>(std::count_if(classes.of_row.begin(), classes.of_row.end(),
                                                       [](auto own) { return own != ignored; }));
    return static_cast<double>(std::max<std::size_t>(count, 1));
}

template <class T>
Var<T> cross_entropy(const Operand<T>& logits, const Targets& targets, const CrossEntropyOptions& options) {
    Tape<T>& tape = tape_of(CrossEntropy::name, logits);
    const auto classes =
        checked(tape, logits.site(), [&] { return classes_of(logits.shape(), targets, options.ignore); });
    const Var<T> losses = apply(CrossEntropy{classes}, logits);
    if (options.reduction == Reduction::none) return losses;
    const Var<T> total = sum(Operand<T>(losses, logits.site()));
    if (options.reduction == Reduction::sum) return total;
    return divide(Operand<T>(total, logits.site()), divisor_of(*classes, options.reduction));
}

template <class T>
Var<T> squared_error(const Operand<T>& prediction, const Operand<T>& target) {
    if (prediction.shape() != target.shape())
        throw std::invalid_argument(with_site(
            fmt::format("mean_squared_error: prediction is {} and target {}; they must have the same shape",
                        prediction.shape().text(), target.shape().text()),
            prediction.site(), ""));
    if (prediction.shape().size() == 0)
        throw std::invalid_argument(
            with_site(fmt::format("mean_squared_error: prediction is {}; there is no mean of no elements",
                                  prediction.shape().text()),
                      prediction.site(), ""));
    const Site& site = prediction.site();
    const Var<T> difference = subtract(prediction, target);
    return mean(Operand<T>(square(Operand<T>(difference, site)), site));
}

}  // namespace

Var<float> softmax_cross_entropy(const Operand<float>& logits, const Targets& targets,
                                 const CrossEntropyOptions& options) {
    return cross_entropy(logits, targets, options);
}
Var<double> softmax_cross_entropy(const Operand<double>& logits, const Targets& targets,
                                  const CrossEntropyOptions& options) {
    return cross_entropy(logits, targets, options);
}
Var<float> mean_squared_error(const Operand<float>& prediction, const Operand<float>& target) {
    return squared_error(prediction, target);
}
Var<double> mean_squared_error(const Operand<double>& prediction, const Operand<double>& target) {
    return squared_error(prediction, target);
}

}  // namespace tapeloop::nn
