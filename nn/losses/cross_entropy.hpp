#pragma once

#include <autograd/ops/index.hpp>
#include <nn/losses/classes.hpp>
#include <nn/losses/reduction.hpp>
#include <nn/sequence/lengths.hpp>

#include <concepts>
#include <optional>
#include <vector>

namespace tapeloop::nn {

/// Options of `softmax_cross_entropy`.
struct CrossEntropyOptions {
    Reduction reduction = Reduction::batch_mean;
    /// A target with this value does not count: its loss and its gradient are 0, whatever its logits are.
    std::optional<std::ptrdiff_t> ignore = std::nullopt;
    /// The factor of each class's loss, O numbers; empty: 1. `mean` divides by the sum of the weights of the
    /// classes in `targets`, as PyTorch's does (Keras' `class_weight` divides by their number).
    std::vector<double> weights = {};
    /// This part of every target is spread evenly over all classes, its own included (Szegedy et al. 2016).
    double label_smoothing = 0;
    /// The number of time steps of each row that count; empty: all. See `Reduction`.
    Lengths lengths = {};
};

namespace detail {

Var<float> indexed_cross_entropy(const Operand<float>& logits, const Indices& targets,
                                 const CrossEntropyOptions& options);
Var<double> indexed_cross_entropy(const Operand<double>& logits, const Indices& targets,
                                  const CrossEntropyOptions& options);

}  // namespace detail

/// The cross entropy of softmax(logits) and the classes in `targets`: -log softmax(logits)[target].
///
/// `logits` are [T, B, O], or [B, O] without time; `targets` have their shape without the last axis, each in
/// 0..O-1. `batch_mean` divides by B, ignored targets included, `mean` by the number of those that are not
/// ignored, or the sum of their weights; where that is 0, the loss is 0 and so are the gradients. Logits of
/// any size are safe: the largest is subtracted first. Throws `std::invalid_argument` when the shapes,
/// lengths or weights do not fit, and names the place of a target that is out of range.
Var<float> softmax_cross_entropy(const Operand<float>& logits, const Targets& targets,
                                 const CrossEntropyOptions& options = {});
Var<double> softmax_cross_entropy(const Operand<double>& logits, const Targets& targets,
                                  const CrossEntropyOptions& options = {});

/// Takes classes that a `Program` may give anew by `set`, unless options weigh, smooth, ignore or leave out
/// targets.
template <std::same_as<Indices> I>
Var<float> softmax_cross_entropy(const Operand<float>& logits, const I& targets,
                                 const CrossEntropyOptions& options = {}) {
    return detail::indexed_cross_entropy(logits, targets, options);
}
template <std::same_as<Indices> I>
Var<double> softmax_cross_entropy(const Operand<double>& logits, const I& targets,
                                  const CrossEntropyOptions& options = {}) {
    return detail::indexed_cross_entropy(logits, targets, options);
}

/// An argument that gives target distributions: a `Var`, a `Parameter`, or an xtensor expression of numbers
/// with a fraction.
template <class E>
concept Distributions = tapeloop::detail::is_tracked<E> ||
    (tapeloop::detail::TensorExpression<E>&& std::floating_point<typename E::value_type>);

namespace detail {

Var<float> distribution_cross_entropy(const Operand<float>& logits, const Operand<float>& targets,
                                      const CrossEntropyOptions& options);
Var<double> distribution_cross_entropy(const Operand<double>& logits, const Operand<double>& targets,
                                       const CrossEntropyOptions& options);

}  // namespace detail

/// Returns the cross entropy with a distribution over the classes for each target: -sum over j of target_j
/// log softmax_j.
///
/// `targets` are of the logits' shape and get a gradient too; that each sums to 1 is not checked. `mean`
/// divides by the number of targets that count, weights or not, as PyTorch's does. Throws also when `ignore`
/// is given, which is for classes.
template <Distributions E>
Var<float> softmax_cross_entropy(const Operand<float>& logits, const E& targets,
                                 const CrossEntropyOptions& options = {}) {
    return detail::distribution_cross_entropy(logits, Operand<float>(targets, logits.site()), options);
}
template <Distributions E>
Var<double> softmax_cross_entropy(const Operand<double>& logits, const E& targets,
                                  const CrossEntropyOptions& options = {}) {
    return detail::distribution_cross_entropy(logits, Operand<double>(targets, logits.site()), options);
}

}  // namespace tapeloop::nn
