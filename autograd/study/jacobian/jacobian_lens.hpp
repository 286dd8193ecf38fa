#pragma once

#include <autograd/study/jacobian/jacobian_spectrum.hpp>
#include <autograd/study/jacobian/states.hpp>
#include <autograd/tensor.hpp>

#include <limits>
#include <string>
#include <vector>

namespace tapeloop {

/// The Jacobian of one time step for one row of the batch, d state(t) / d state(t-1). The state is all its
/// parts side by side, S numbers: of an LSTM h and c. Exactly whole = activations · weights + direct.
struct StepJacobian {
    std::size_t time_step;
    Tensor<double> whole;  ///< [S, S]
    /// [S, P], how the new state depends on the products with weights, P numbers, with no further product in
    /// between: slopes of activations and what gates let through. For an Elman cell diag(f'(a)).
    Tensor<double> activations;
    /// [P, S], how the products depend on the old state. For an Elman cell the transpose of W.
    Tensor<double> weights;
    /// [S, S], along paths without a product with a weight, as c takes through the forget gate.
    Tensor<double> direct;
};

/// A matrix times exp(log_scale): products over long stretches leave the range of numbers.
struct ScaledMatrix {
    Tensor<double> matrix;  ///< its largest magnitude is 1, or all is 0
    double log_scale = 0;

    /// Moves the largest magnitude into the scale.
    void rescale();
};

/// Options of `jacobian_lens`.
struct LensOptions {
    /// The rows of the batch that are looked at. The Jacobians of a step are (S + P) · 2 S numbers a row.
    std::vector<std::size_t> rows = {0};
};

/// The Jacobians of each state of a recurrent network by the ones before it.
struct JacobianLens {
    std::vector<std::size_t> rows;
    /// The Jacobians of all steps for each of `rows`, in the order in which they were computed.
    std::vector<std::vector<StepJacobian>> steps;
    /// The relative error that rounding leaves in their elements: that of the tape's numbers.
    double epsilon = std::numeric_limits<double>::epsilon();

    /// Throws `std::invalid_argument` for a row that was not asked for.
    const std::vector<StepJacobian>& of_row(std::size_t row) const;
    /// d state(to) / d state(from), the product of the Jacobians of the steps from + 1 to `to`, where state 0
    /// is the first one given. Throws `std::invalid_argument` unless from <= to <= the number of steps.
    ScaledMatrix product(std::size_t from, std::size_t to, std::size_t row) const;
    /// Singular values, spectral radii, exponents and the bound of one row. Throws `std::invalid_argument`
    /// for a row that was not asked for, and unless `warm_up` is smaller than the number of steps.
    JacobianSpectrum spectrum(std::size_t row, const SpectrumOptions& options = {}) const;
    /// Returns the spectrum of the first of `rows`.
    JacobianSpectrum spectrum() const { return spectrum(rows.front()); }
};

/// The Jacobians between consecutive states of a recorded network: `jacobian_lens(nn::states(run.trace))`. By
/// reverse sweeps that are limited to one step, all rows of the batch in one. A state's parts are [B, ..];
/// those that every step hands on as they are do not count. Weights are matrices made of parameters and
/// constants alone; the products with them that count are those of `matmul` and `affine`, [B, ..] each, whose
/// other factor depends on the old state.
///
/// Throws `std::invalid_argument` when there are fewer than two states, they differ in their shapes, they are
/// not in the order in which they were computed, a row is out of range, two parts of a state that a step
/// reads are the same node (as the zeros of a default initial state), rows depend on each other, or a
/// Jacobian is not finite, and `std::logic_error` when states lie on different tapes or a parameter was
/// changed after it was recorded.
JacobianLens jacobian_lens(const States<float>& states, const LensOptions& options = {});
JacobianLens jacobian_lens(const States<double>& states, const LensOptions& options = {});

}  // namespace tapeloop
