#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/index.hpp>
#include <autograd/ops/shape.hpp>
#include <autograd/record/definition.hpp>
#include <nn/losses/counting.hpp>
#include <nn/losses/nll_loss.hpp>

namespace tapeloop::nn {

using namespace tapeloop::detail;
using namespace detail;

namespace {

constexpr std::string_view nll_name = "nll_loss";

/// The element of each row's class, and the first one's where the row is ignored.
template <class T>
Var<T> picked(const Operand<T>& rows, const detail::Classes& classes) {
    std::vector<std::ptrdiff_t> positions = classes.of_row;
    std::replace(positions.begin(), positions.end(), detail::ignored, std::ptrdiff_t(0));
    Shape shape = classes.shape;
    shape.append(1);
    const Var<T> columns = take_along(rows, Indices(positions).reshaped(shape), -1);
    return squeeze(Operand<T>(columns, rows.site()), -1);
}

template <class T>
Var<T> likelihood_loss(const Operand<T>& rows, const Targets& targets, const NllOptions& options) {
    const CallSite& site = rows.site();
    if (options.lengths.slot().has_value()) {
        const bool of_classes = options.ignore.has_value() || !options.weights.empty();
        checked(tape_of(nll_name, rows), site, [&] {
            detail::require_slot_fits(nll_name, rows.shape(), {options.reduction, options.lengths},
                                      of_classes);
        });
        return detail::reduced_over_slot<T>(rows, options, [&](const auto& scores, const auto& all) {
            return likelihood_loss<T>(scores, targets, all);
        });
    }
    const auto classes = checked(tape_of(nll_name, rows), site, [&] {
        return detail::classes_of(
            rows.shape(), targets,
            {nll_name, "log_probabilities", options.ignore, options.weights, options.lengths});
    });
    Var<T> losses = negate(Operand<T>(picked(rows, *classes), site));
    if (!options.weights.empty() || !classes->all_count()) {
        // Scaling with 0 leaves nothing of what is ignored, be it NaN.
        const std::vector<double> ones(rows.shape().back(), 1);
        const Tensor<T> weights =
            detail::weights_of_rows<T>(*classes, options.weights.empty() ? ones : options.weights);
        losses = scale(Operand<T>(weights, site), Operand<T>(losses, site));
    }
    return detail::reduced(losses, options.reduction,
                           detail::divisor_of(*classes, options.reduction, options.weights), site);
}

}  // namespace

Var<float> nll_loss(const Operand<float>& log_probabilities, const Targets& targets,
                    const NllOptions& options) {
    return likelihood_loss(log_probabilities, targets, options);
}
Var<double> nll_loss(const Operand<double>& log_probabilities, const Targets& targets,
                     const NllOptions& options) {
    return likelihood_loss(log_probabilities, targets, options);
}

}  // namespace tapeloop::nn
