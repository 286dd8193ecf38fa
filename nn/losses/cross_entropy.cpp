#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/reduce.hpp>
#include <autograd/record/definition.hpp>
#include <autograd/record/rollback.hpp>
#include <nn/losses/class_cross_entropy.hpp>
#include <nn/losses/counting.hpp>
#include <nn/losses/cross_entropy.hpp>
#include <nn/sequence/lengths.hpp>

#include <algorithm>
#include <numeric>

namespace tapeloop::nn {

using namespace tapeloop::detail;
using namespace detail;

namespace {

using detail::Classes;
using detail::ignored;

constexpr std::string_view softmax_name = "softmax_cross_entropy";

void require_smoothing(double smoothing) {
    if (!(smoothing >= 0 && smoothing <= 1))
        throw std::invalid_argument(
            fmt::format("{}: label_smoothing is {}; it must be in 0..1", softmax_name, smoothing));
}

/// -sum over j of target_j log softmax(logits)_j; a target of 0 has no share, be the logarithm infinite.
template <class T>
Var<T> expected_surprise(const Operand<T>& logits, const Operand<T>& targets) {
    const CallSite& site = logits.site();
    const Var<T> log_p = log_softmax(logits, -1);
    const Var<T> shares = scale(targets, Operand<T>(log_p, site));
    return negate(Operand<T>(sum(Operand<T>(shares, site), -1), site));
}

/// The distributions that smoothed classes stand for, times the classes' weights; 0 for ignored rows.
template <class T>
Tensor<T> smoothed(const Classes& classes, std::size_t width, const CrossEntropyOptions& options) {
    Shape shape = classes.shape;
    shape.append(width);
    Tensor<T> targets = uninitialised<T>(shape);
    const double everywhere = options.label_smoothing / static_cast<double>(width);
    T* element = targets.data();
    for (std::ptrdiff_t own : classes.of_row)
        for (std::size_t j = 0; j < width; ++j) {
            const double weight = options.weights.empty() ? 1 : options.weights[j];
            const double at_class = j == static_cast<std::size_t>(own) ? 1 - options.label_smoothing : 0;
            *element++ = own == ignored ? T(0) : static_cast<T>(weight * (at_class + everywhere));
        }
    return targets;
}

/// logits with 0 in the rows that are ignored: softmax spreads a NaN to gradients of 0.
template <class T>
Var<T> without_ignored(const Operand<T>& logits, const Classes& classes) {
    Shape shape = classes.shape;
    shape.append(1);
    Tensor<T> counts = uninitialised<T>(shape);
    std::transform(classes.of_row.begin(), classes.of_row.end(), counts.begin(),
                   [](std::ptrdiff_t own) { return own == ignored ? T(0) : T(1); });
    const CallSite& site = logits.site();
    return where(Operand<T>(counts, site), logits, Operand<T>(0, site));
}

template <class T>
Var<T> losses_of_classes(const Operand<T>& logits, const std::shared_ptr<const Classes>& classes,
                         const CrossEntropyOptions& options) {
    const CallSite& site = logits.site();
    if (options.label_smoothing > 0) {
        const Tensor<T> targets = smoothed<T>(*classes, logits.shape().back(), options);
        if (classes->all_count()) return expected_surprise(logits, Operand<T>(targets, site));
        return expected_surprise(Operand<T>(without_ignored(logits, *classes), site),
                                 Operand<T>(targets, site));
    }
    const Var<T> losses = detail::class_cross_entropy(logits, classes);
    if (options.weights.empty()) return losses;
    const Tensor<T> weights = detail::weights_of_rows<T>(*classes, options.weights);
    return scale(Operand<T>(weights, site), Operand<T>(losses, site));
}

Targets targets_of(const Indices& positions) {
    Targets targets(std::vector<std::size_t>(positions.shape().begin(), positions.shape().end()));
    std::copy(positions.values().begin(), positions.values().end(), targets.begin());
    return targets;
}

/// Lets a program give other targets, if nothing else was computed of them.
template <class T>
void note_slot(const Operand<T>& logits, const Indices& slot, const std::shared_ptr<Classes>& classes,
               const CrossEntropyOptions& options) {
    tape_of(softmax_name, logits)
        .note_slot(slot.identity(), [classes, options,
                                     scores = logits.shape()](std::span<const std::ptrdiff_t> positions) {
            if (options.label_smoothing > 0 || !options.weights.empty() ||
                (options.ignore.has_value() && options.reduction == Reduction::mean))
                throw std::logic_error(
                    "softmax_cross_entropy: targets cannot be given anew where they are smoothed or "
                    "weighted, or "
                    "where the mean is taken of those that are not ignored; record them again");
            const Targets targets = targets_of(Indices(positions).reshaped(classes->shape));
            const auto next = detail::classes_of(
                scores, targets, {softmax_name, "logits", options.ignore, options.weights, options.lengths});
            return std::function<void()>([classes, next] { *classes = *next; });
        });
}

template <class T>
Var<T> cross_entropy(const Operand<T>& logits, const Targets& targets, const CrossEntropyOptions& options,
                     const Indices* slot = nullptr) {
    Rollback rollback(tape_of(softmax_name, logits));
    if (options.lengths.slot().has_value()) {
        const bool of_classes = options.ignore.has_value() || !options.weights.empty();
        checked(tape_of(softmax_name, logits), logits.site(), [&] {
            detail::require_slot_fits(softmax_name, logits.shape(), {options.reduction, options.lengths},
                                      of_classes);
        });
        return rollback.keep(
            detail::reduced_over_slot<T>(logits, options, [&](const auto& scores, const auto& all) {
                return cross_entropy<T>(scores, targets, all, slot);
            }));
    }
    const auto classes = checked(tape_of(softmax_name, logits), logits.site(), [&] {
        require_smoothing(options.label_smoothing);
        return detail::classes_of(logits.shape(), targets,
                                  {softmax_name, "logits", options.ignore, options.weights, options.lengths});
    });
    if (slot != nullptr) note_slot(logits, *slot, classes, options);
    return rollback.keep(detail::reduced(losses_of_classes<T>(logits, classes, options), options.reduction,
                                         detail::divisor_of(*classes, options.reduction, options.weights),
                                         logits.site()));
}

void require_distributions(const Shape& logits, const Shape& targets, const CrossEntropyOptions& options) {
    if (logits != targets || logits.rank() == 0)
        throw std::invalid_argument(fmt::format(
            "{}: logits are {} and targets {}; distributions must have the logits' shape, with an axis of "
            "classes",
            softmax_name, logits.text(), targets.text()));
    if (options.ignore.has_value())
        throw std::invalid_argument(
            fmt::format("{}: ignore is {} and targets are distributions {}; only a class can be ignored",
                        softmax_name, *options.ignore, targets.text()));
    if (!options.lengths.empty() && logits.rank() < 3)
        throw std::invalid_argument(fmt::format("{}: logits are {}; with lengths they must be [T, B, .., O]",
                                                softmax_name, logits.text()));
    detail::require_lengths(softmax_name, "logits are", logits, options.lengths);
    detail::require_class_weights(softmax_name, "logits", logits, options.weights);
    require_smoothing(options.label_smoothing);
}

/// Returns the divisor of the sum over the distributions of logits [.., O].
double divisor_of(const Shape& logits, const CrossEntropyOptions& options) {
    Shape rows;
    for (std::size_t axis = 0; axis + 1 < logits.rank(); ++axis) rows.append(logits[axis]);
    std::size_t count = rows.size();
    if (options.reduction == Reduction::batch_mean) {
        count = detail::batch_of_targets(rows);
    } else if (!options.lengths.empty()) {
        count = std::accumulate(options.lengths.begin(), options.lengths.end(), std::size_t(0));
        for (std::size_t axis = 2; axis < rows.rank(); ++axis) count *= rows[axis];
    }
    return static_cast<double>(std::max<std::size_t>(count, 1));
}

/// Applies the smoothing and the weights that the options ask for.
template <class T>
Var<T> prepared(Var<T> targets, const CrossEntropyOptions& options, const CallSite& site) {
    const auto times = [&](const Operand<T>& factor) { return multiply(Operand<T>(targets, site), factor); };
    if (options.label_smoothing > 0) {
        const double everywhere = options.label_smoothing / static_cast<double>(targets.shape().back());
        targets = times(Operand<T>(1 - options.label_smoothing, site));
        targets = add(Operand<T>(targets, site), Operand<T>(everywhere, site));
    }
    if (!options.weights.empty()) {
        Tensor<T> weights = uninitialised<T>({options.weights.size()});
        std::copy(options.weights.begin(), options.weights.end(), weights.begin());
        targets = times(Operand<T>(weights, site));
    }
    return targets;
}

template <class T>
Var<T> cross_entropy(const Operand<T>& logits, const Operand<T>& targets,
                     const CrossEntropyOptions& options) {
    const CallSite& site = logits.site();
    Tape<T>& tape = tape_of(softmax_name, logits, targets);
    checked(tape, site, [&] { require_distributions(logits.shape(), targets.shape(), options); });
    if (options.lengths.slot().has_value())
        return detail::reduced_over_slot<T>(logits, options, [&](const auto& scores_of_all, const auto& all) {
            return cross_entropy<T>(scores_of_all,
                                    Operand<T>(mask_by_lengths(targets, options.lengths), site), all);
        });
    const Var<T> scores = mask_by_lengths(Operand<T>(tape.var(logits.enter(tape)), site), options.lengths);
    const Var<T> shares = mask_by_lengths(
        Operand<T>(prepared(tape.var(targets.enter(tape)), options, site), site), options.lengths);
    return detail::reduced(expected_surprise(Operand<T>(scores, site), Operand<T>(shares, site)),
                           options.reduction, divisor_of(logits.shape(), options), site);
}

}  // namespace

namespace detail {

Var<float> distribution_cross_entropy(const Operand<float>& logits, const Operand<float>& targets,
                                      const CrossEntropyOptions& options) {
    return cross_entropy(logits, targets, options);
}
Var<double> distribution_cross_entropy(const Operand<double>& logits, const Operand<double>& targets,
                                       const CrossEntropyOptions& options) {
    return cross_entropy(logits, targets, options);
}

Var<float> indexed_cross_entropy(const Operand<float>& logits, const Indices& targets,
                                 const CrossEntropyOptions& options) {
    return cross_entropy(logits, targets_of(targets), options, &targets);
}
Var<double> indexed_cross_entropy(const Operand<double>& logits, const Indices& targets,
                                  const CrossEntropyOptions& options) {
    return cross_entropy(logits, targets_of(targets), options, &targets);
}

}  // namespace detail

Var<float> softmax_cross_entropy(const Operand<float>& logits, const Targets& targets,
                                 const CrossEntropyOptions& options) {
    return cross_entropy(logits, targets, options);
}
Var<double> softmax_cross_entropy(const Operand<double>& logits, const Targets& targets,
                                  const CrossEntropyOptions& options) {
    return cross_entropy(logits, targets, options);
}

}  // namespace tapeloop::nn
