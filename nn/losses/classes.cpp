#include <fmt/format.h>
#include <nn/losses/classes.hpp>
#include <nn/losses/counting.hpp>

#include <algorithm>
#include <stdexcept>

namespace tapeloop::nn::detail {

using namespace tapeloop::detail;

namespace {

std::string place_text(std::size_t row, const Shape& shape) {
    std::string text;
    for (std::size_t axis = shape.rank(); axis-- > 0; row /= shape[axis])
        text = fmt::format("{}{}{}", row % shape[axis], text.empty() ? "" : ", ", text);
    return "[" + text + "]";
}

void require_fit(const Shape& scores, const Shape& targets, const ClassOptions& options) {
    Shape expected = targets;
    if (scores.rank() > 0) expected.append(scores.back());
    if (scores.rank() == 0 || scores != expected)
        throw std::invalid_argument(
            fmt::format("{}: {} are {} and targets {}; targets must have the {}' shape without the last axis",
                        options.name, options.scores, scores.text(), targets.text(), options.scores));
    require_lengths(options.name, "targets are", targets, options.lengths);
    require_class_weights(options.name, options.scores, scores, options.weights);
}

[[noreturn]] void fail_class(std::size_t row, std::ptrdiff_t target, const Shape& scores,
                             const Shape& targets, const ClassOptions& options) {
    throw std::invalid_argument(
        fmt::format("{}: the target at {} is {}; {} are {}, so it must be in 0..{}{}", options.name,
                    place_text(row, targets), target, options.scores, scores.text(),
                    static_cast<std::ptrdiff_t>(scores.back()) - 1,
                    options.ignore.has_value() ? fmt::format(", or {} to be ignored", *options.ignore) : ""));
}

/// Tells whether targets [T, B, ..] are at a time step that their row has.
class InTime {
  public:
    InTime(const Shape& targets, const Lengths& lengths) : lengths_(lengths) {
        if (lengths.empty()) return;
        batch_ = targets[1];
        for (std::size_t axis = 2; axis < targets.rank(); ++axis) inner_ *= targets[axis];
    }
    bool holds(std::size_t i) const {
        return lengths_.empty() || i / inner_ / batch_ < lengths_[i / inner_ % batch_];
    }

  private:
    const Lengths& lengths_;
    std::size_t batch_ = 1;
    std::size_t inner_ = 1;
};

}  // namespace

bool Classes::all_count() const { return std::find(of_row.begin(), of_row.end(), ignored) == of_row.end(); }

std::shared_ptr<Classes> classes_of(const Shape& scores, const Targets& targets,
                                    const ClassOptions& options) {
    auto classes = std::make_shared<Classes>();
    const Shape shape = Shape::of(targets.shape());
    classes->shape = shape;
    require_fit(scores, shape, options);
    classes->of_row.resize(targets.size(), ignored);
    const InTime in_time(shape, options.lengths);
    const auto count = static_cast<std::ptrdiff_t>(scores.back());
    for (std::size_t row = 0; row < targets.size(); ++row) {
        const std::ptrdiff_t target = targets.data()[row];
        if (target == options.ignore || !in_time.holds(row)) continue;
        if (target < 0 || target >= count) fail_class(row, target, scores, shape, options);
        classes->of_row[row] = target;
    }
    return classes;
}

void require_class_weights(std::string_view name, std::string_view scores, const Shape& shape,
                           const std::vector<double>& weights) {
    if (!weights.empty() && weights.size() != shape.back())
        throw std::invalid_argument(
            fmt::format("{}: {} are {} and there are {} weights; each class needs one", name, scores,
                        shape.text(), weights.size()));
    require_weights(name, "the weight of class", weights);
}

std::size_t batch_of_targets(const Shape& targets) {
    return targets.rank() == 0 ? 1 : targets[targets.rank() == 1 ? 0 : 1];
}

double divisor_of(const Classes& classes, Reduction reduction, const std::vector<double>& weights) {
    double total = 0;
    if (reduction == Reduction::batch_mean) total = static_cast<double>(batch_of_targets(classes.shape));
    if (reduction == Reduction::mean)
        for (std::ptrdiff_t own : classes.of_row)
            if (own != ignored) total += weights.empty() ? 1 : weights[static_cast<std::size_t>(own)];
    return total > 0 ? total : 1;
}

template <class T>
Tensor<T> weights_of_rows(const Classes& classes, const std::vector<double>& weights) {
    Tensor<T> of_rows = uninitialised<T>(classes.shape);
    std::transform(classes.of_row.begin(), classes.of_row.end(), of_rows.begin(), [&](std::ptrdiff_t own) {
        return own == ignored ? T(0) : static_cast<T>(weights[static_cast<std::size_t>(own)]);
    });
    return of_rows;
}

template Tensor<float> weights_of_rows(const Classes&, const std::vector<double>&);
template Tensor<double> weights_of_rows(const Classes&, const std::vector<double>&);

}  // namespace tapeloop::nn::detail
