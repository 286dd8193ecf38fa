#include <fmt/format.h>
#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/reduce.hpp>
#include <nn/losses/counting.hpp>
#include <nn/sequence/lengths.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <stdexcept>

namespace tapeloop::nn::detail {

void require_lengths(std::string_view name, std::string_view what, const Shape& values,
                     const Lengths& lengths) {
    if (lengths.empty()) return;
    if (values.rank() < 2)
        throw std::invalid_argument(
            fmt::format("{}: {} {}; with lengths it must have time and batch as its first axes, [T, B, ..]",
                        name, what, values.text()));
    nn::detail::require_lengths(name, lengths.values(), values[0], values[1]);
}

void require_pairs(std::string_view name, const Pair& pair, const Counting& counting) {
    if (pair.first != pair.second)
        throw std::invalid_argument(fmt::format("{}: {} {} and {} {}; they must have the same shape", name,
                                                pair.first_is, pair.first.text(), pair.second_is,
                                                pair.second.text()));
    require_lengths(name, pair.first_is, pair.first, counting.lengths);
    if (counting.reduction == Reduction::mean && counting.lengths.empty() && pair.first.size() == 0)
        throw std::invalid_argument(fmt::format("{}: {} {}; there is no mean of no elements", name,
                                                pair.first_is, pair.first.text()));
}

void require_weights(std::string_view name, std::string_view what, const std::vector<double>& weights) {
    for (std::size_t k = 0; k < weights.size(); ++k)
        if (!std::isfinite(weights[k]) || weights[k] < 0)
            throw std::invalid_argument(fmt::format("{}: {} {} is {}; it must be finite and not negative",
                                                    name, what, k, weights[k]));
}

template <class T>
Var<T> reduced(const Var<T>& losses, Reduction reduction, double divisor, const CallSite& site) {
    if (reduction == Reduction::none) return losses;
    const Var<T> total = sum(Operand<T>(losses, site));
    if (reduction == Reduction::sum) return total;
    return divide(Operand<T>(total, site), Operand<T>(divisor, site));
}

namespace {

/// [T, B, ..] if it is told by the lengths or by the number of axes, else [B, ..].
std::size_t batch_of(const Shape& values, bool has_time) {
    if (has_time || values.rank() > 2) return values[1];
    return values.rank() == 0 ? 1 : values[0];
}

/// Returns the number of elements that count when there are lengths.
std::size_t counted(const Shape& values, const Lengths& lengths) {
    std::size_t inner = 1;
    for (std::size_t axis = 2; axis < values.rank(); ++axis) inner *= values[axis];
    return inner * std::accumulate(lengths.begin(), lengths.end(), std::size_t(0));
}

/// The same, but at least 1, as a value that a program computes anew where the lengths are a slot.
template <class T>
Var<T> recorded_count(const Shape& values, const Lengths& lengths, const CallSite& site) {
    const Var<T> steps = sum(Operand<T>(length_mask<T>(lengths, values[0], 0, site), site));
    const double inner = static_cast<double>(values.size()) /
                         static_cast<double>(std::max<std::size_t>(values[0] * values[1], 1));
    const Var<T> count = multiply(Operand<T>(steps, site), Operand<T>(inner, site));
    return clip(Operand<T>(count, site), 1, std::numeric_limits<double>::infinity());
}

}  // namespace

void require_slot_fits(std::string_view name, const Shape& scores, const Counting& counting,
                       bool of_classes) {
    if (scores.rank() < 3)
        throw std::invalid_argument(
            fmt::format("{}: scores are {}; with lengths they must be [T, B, .., O]", name, scores.text()));
    require_lengths(name, "scores are", scores, counting.lengths);
    if (of_classes && counting.reduction == Reduction::mean)
        throw std::invalid_argument(fmt::format(
            "{}: the mean is taken of targets that are ignored or weighted, and the lengths are a "
            "slot; take the sum or batch_mean, or give fixed lengths",
            name));
}

template <class T>
Var<T> reduced_elements(const Var<T>& losses, const Counting& counting, const CallSite& site) {
    const auto& [reduction, lengths] = counting;
    const bool has_lengths = !lengths.empty();
    if (reduction == Reduction::mean && !has_lengths) return mean(Operand<T>(losses, site));
    const Shape shape = losses.shape();
    const Var<T> counted_losses = mask_by_lengths(Operand<T>(losses, site), lengths);
    if (reduction == Reduction::mean && lengths.slot().has_value())
        return divide(Operand<T>(sum(Operand<T>(counted_losses, site)), site),
                      Operand<T>(recorded_count<T>(shape, lengths, site), site));
    const std::size_t count =
        reduction == Reduction::mean ? counted(shape, lengths) : batch_of(shape, has_lengths);
    return reduced(counted_losses, reduction, static_cast<double>(std::max<std::size_t>(count, 1)), site);
}

template Var<float> reduced(const Var<float>&, Reduction, double, const CallSite&);
template Var<double> reduced(const Var<double>&, Reduction, double, const CallSite&);
template Var<float> reduced_elements(const Var<float>&, const Counting&, const CallSite&);
template Var<double> reduced_elements(const Var<double>&, const Counting&, const CallSite&);

}  // namespace tapeloop::nn::detail
