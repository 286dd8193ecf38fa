#pragma once

#include <autograd/study/flow/parameter_uses.hpp>

#include <string>
#include <vector>

namespace tapeloop {

/// Options of `gradient_ledger`.
struct LedgerOptions {
    /// Keep the entries themselves, not only their norms: as many tensors of the parameter's shape as there
    /// are pairs that contribute.
    bool keep_entries = false;
};

/// The entries of a ledger whose loss lies `distance` time steps behind the use.
struct LedgerDistance {
    std::ptrdiff_t distance;
    std::size_t pairs;
    double mean;  ///< of their norms
    double largest;
};

/// The contributions of each pair of a loss at t and a use at k to the gradient by a recurrent parameter: the
/// summands d J(t) / d h(k) · d h(k) / d W, the second d for the use at k alone (Pascanu, Mikolov and Bengio
/// 2013, arXiv:1211.5063, equations 3 to 5). Their sum over all pairs is the gradient.
struct GradientLedger {
    std::string parameter;
    std::vector<std::size_t> losses;  ///< the time step of each row
    std::vector<ParameterUse> uses;   ///< one for each column
    Tensor<double> norms;             ///< [losses, uses], of the entries
    /// [losses, uses], how much of the gradient an entry makes: its part along the gradient, over the
    /// gradient's norm. Unlike norms, shares of entries that cancel each other are of opposite sign, and all
    /// shares add up to 1; they are 0 when the gradient is.
    Tensor<double> shares;
    /// The gradient by one ordinary sweep.
    Tensor<double> gradient;
    /// The largest difference of the entries' sum from the gradient, relative to the largest element of the
    /// gradient or of an entry: rounding, below 1e-12 in double. NaN when the gradient is not finite.
    double deviation = 0;
    /// The entries row by row, if they were asked for; empty tensors where nothing is contributed.
    std::vector<Tensor<double>> entries;

    /// Returns the entry of a row and a column. Throws `std::out_of_range` unless entries were kept.
    const Tensor<double>& entry(std::size_t loss, std::size_t use) const {
        return entries.at(loss * uses.size() + use);
    }
    /// Returns whether a use serves all time steps at once, as the input product does that is done before the
    /// time loop. What it contributes cannot be told apart by time step.
    bool has_use_outside_time() const;
    /// Returns the sums by distance in time, from the smallest; the side of the future is left out if it is
    /// all zeros, as it is unless the network reads from the last time step to the first. Empty where uses in
    /// several loops over time contribute, each of which counts its own steps.
    std::vector<LedgerDistance> by_distance() const;

    /// The ledger as tables for a terminal.
    std::string text() const;
    /// The norms, one line a loss, one column a use.
    std::string csv() const;
    /// The shares, one line a loss, one column a use.
    std::string shares_csv() const;
};

/// The ledger of `parameter` for losses [T, ..], whose first axis is time: the loss of step t is the sum of
/// the elements at t. One sweep a loss over a tape that must be recorded already, any graph will do, and for
/// each pair the rules of the use: more than quadratic in the time steps. Uses are the operations that have
/// the parameter as an input, by their time steps (see `LabelScope`). Throws `std::invalid_argument` when
/// losses has no axis, is empty, or the parameter is not used, and `std::logic_error` when a parameter was
/// changed after it was recorded.
GradientLedger gradient_ledger(const Var<float>& losses, const Parameter<float>& parameter,
                               const LedgerOptions& options = {});
GradientLedger gradient_ledger(const Var<double>& losses, const Parameter<double>& parameter,
                               const LedgerOptions& options = {});
/// Returns the ledger for one loss a `Var`, each the sum of its elements. Its time step is that of its label,
/// if all have one and no two the same, or else its place. Throws `std::logic_error` when they lie on
/// different tapes.
GradientLedger gradient_ledger(const std::vector<Var<float>>& losses, const Parameter<float>& parameter,
                               const LedgerOptions& options = {});
GradientLedger gradient_ledger(const std::vector<Var<double>>& losses, const Parameter<double>& parameter,
                               const LedgerOptions& options = {});

}  // namespace tapeloop
