#pragma once

#include <autograd/tensor.hpp>
#include <nn/losses/reduction.hpp>
#include <nn/sequence/lengths.hpp>

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace tapeloop::nn {

/// Classes as integers, in any shape: `Targets{{0, 2}, {1, 1}}` is T = 2 time steps of a batch of 2. Any
/// xtensor expression of integers converts.
using Targets = xt::xarray<std::ptrdiff_t>;

namespace detail {

constexpr std::ptrdiff_t ignored = -1;

/// The class of every row of the scores, or `ignored`.
struct Classes {
    Shape shape;
    std::vector<std::ptrdiff_t> of_row;

    bool all_count() const;
};

/// Options that say which targets count, and how much; `scores` is what the error calls what has an element
/// for each class.
struct ClassOptions {
    std::string_view name;
    std::string_view scores;
    std::optional<std::ptrdiff_t> ignore;
    const std::vector<double>& weights;
    const Lengths& lengths;  ///< not a slot
};

/// Throws unless everything fits; what does not count may hold anything.
std::shared_ptr<Classes> classes_of(const Shape& scores, const Targets& targets, const ClassOptions& options);

/// Throws unless `weights` is empty or has one for each class, finite and not negative.
void require_class_weights(std::string_view name, std::string_view scores, const Shape& shape,
                           const std::vector<double>& weights);

/// Returns the divisor of the sum over all targets.
double divisor_of(const Classes& classes, Reduction reduction, const std::vector<double>& weights);

/// The weight of every row's class, 0 where it is ignored.
template <class T>
Tensor<T> weights_of_rows(const Classes& classes, const std::vector<double>& weights);

/// The extent of the batch: axis 1 of [T, B, ..], axis 0 of [B].
std::size_t batch_of_targets(const Shape& targets);

}  // namespace detail
}  // namespace tapeloop::nn
