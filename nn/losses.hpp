#pragma once

#include <autograd/var.hpp>

#include <optional>

namespace tapeloop::nn {

/// Classes as integers, in any shape: `Targets{{0, 2}, {1, 1}}` is T = 2 time steps of a batch of 2. Any
/// xtensor expression of integers converts.
using Targets = xt::xarray<std::ptrdiff_t>;

/// How the loss of every target becomes one number.
enum class Reduction {
    batch_mean,  ///< the sum over time, averaged over the batch: the J of the textbook
    mean,        ///< the mean over all targets that count
    sum,
    none,  ///< no number: a loss for each target, in the targets' shape
};

struct CrossEntropyOptions {
    Reduction reduction = Reduction::batch_mean;
    /// A target with this value does not count: its loss and its gradient are 0, whatever its logits are.
    std::optional<std::ptrdiff_t> ignore = std::nullopt;
};

/// The cross entropy of softmax(logits) and the classes in `targets`: -log softmax(logits)[target].
///
/// `logits` are [T, B, O], or [B, O] without time; `targets` have their shape without the last axis, each in
/// 0..O-1. `batch_mean` divides by the last extent of `targets`, ignored ones included, `mean` by the number
/// of those that are not ignored; where all are, the loss is 0 and so are the gradients. Logits of any size
/// are safe: the largest is subtracted first. Throws `std::invalid_argument` when the shapes do not fit, and
/// names the place of a target that is out of range.
Var<float> softmax_cross_entropy(const Operand<float>& logits, const Targets& targets,
                                 const CrossEntropyOptions& options = {});
Var<double> softmax_cross_entropy(const Operand<double>& logits, const Targets& targets,
                                  const CrossEntropyOptions& options = {});

/// The mean of (prediction - target)² over all elements. Throws `std::invalid_argument` when the shapes
/// differ (they do not broadcast: a [N, 1] beside a [N] is a mistake), or when there are no elements.
Var<float> mean_squared_error(const Operand<float>& prediction, const Operand<float>& target);
Var<double> mean_squared_error(const Operand<double>& prediction, const Operand<double>& target);

}  // namespace tapeloop::nn
