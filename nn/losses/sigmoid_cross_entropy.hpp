#pragma once

#include <autograd/var.hpp>
#include <nn/losses/reduction.hpp>
#include <nn/sequence/lengths.hpp>

#include <vector>

namespace tapeloop::nn {

/// Options of `sigmoid_cross_entropy`.
struct SigmoidCrossEntropyOptions {
    Reduction reduction = Reduction::mean;
    /// The factor of the positive targets' part: one number for each position of the last axis, or a single
    /// one for all; empty: 1. PyTorch's `pos_weight`.
    std::vector<double> positive_weights = {};
    /// The number of time steps of each row that count; empty: all. See `Reduction`.
    Lengths lengths = {};
};

/// The binary cross entropy of p = sigmoid(logits), each element a decision of its own:
/// -(w target log p + (1 - target) log(1 - p)), where w is 1 or a positive weight.
///
/// `logits` are [T, B, ..] or [B, ..], `targets` of the same shape, in 0..1; both get gradients. Logits of
/// any size are safe, infinite ones included. `batch_mean` and `mean` divide as those of
/// `mean_squared_error`. PyTorch's `binary_cross_entropy_with_logits`; Keras' `BinaryCrossentropy` takes
/// probabilities unless told `from_logits`, and cuts those off at 1e-7. Throws `std::invalid_argument` when
/// the shapes differ, when lengths or weights do not fit them, for a weight that is negative or not finite,
/// and for a `mean` of no elements without lengths.
Var<float> sigmoid_cross_entropy(const Operand<float>& logits, const Operand<float>& targets,
                                 const SigmoidCrossEntropyOptions& options = {});
Var<double> sigmoid_cross_entropy(const Operand<double>& logits, const Operand<double>& targets,
                                  const SigmoidCrossEntropyOptions& options = {});

}  // namespace tapeloop::nn
