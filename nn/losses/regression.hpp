#pragma once

#include <autograd/var.hpp>
#include <nn/losses/reduction.hpp>
#include <nn/sequence/lengths.hpp>

#include <vector>

/// Distances of a prediction from a target of the same shape: [T, B, ..] with time, [B, ..] without. They do
/// not broadcast, a [N, 1] beside a [N] being a mistake. Both get gradients. `batch_mean` divides the sum by
/// B, which is axis 1 if there are three axes or lengths, else axis 0; `mean` by the number of elements that
/// count.
///
/// Keras averages over the last axis first, and over the rest after: the same number.
///
/// All throw `std::invalid_argument` when the shapes differ, when `lengths` does not fit them, and for a
/// `mean` of no elements without lengths.
namespace tapeloop::nn {

/// Options of the losses of a regression.
struct RegressionOptions {
    Reduction reduction = Reduction::mean;
    /// The number of time steps of each row that count; empty: all. See `Reduction`.
    Lengths lengths = {};
};

/// (prediction - target)²
Var<float> mean_squared_error(const Operand<float>& prediction, const Operand<float>& target,
                              const RegressionOptions& options = {});
Var<double> mean_squared_error(const Operand<double>& prediction, const Operand<double>& target,
                               const RegressionOptions& options = {});

/// |prediction - target|; the gradient where they are equal is 0.
Var<float> mean_absolute_error(const Operand<float>& prediction, const Operand<float>& target,
                               const RegressionOptions& options = {});
Var<double> mean_absolute_error(const Operand<double>& prediction, const Operand<double>& target,
                                const RegressionOptions& options = {});

/// Options of `huber_loss`.
struct HuberOptions {
    Reduction reduction = Reduction::mean;
    /// The distance up to which the loss is a parabola, from there on a line.
    double delta = 1;
    Lengths lengths = {};
};

/// Huber's loss (1964) of d = prediction - target: d²/2 where |d| <= delta, delta (|d| - delta/2) elsewhere.
/// PyTorch's `smooth_l1_loss` with `beta` is this with delta = beta, divided by beta. Throws unless
/// delta > 0.
Var<float> huber(const Operand<float>& prediction, const Operand<float>& target,
                 const HuberOptions& options = {});
Var<double> huber(const Operand<double>& prediction, const Operand<double>& target,
                  const HuberOptions& options = {});

}  // namespace tapeloop::nn
