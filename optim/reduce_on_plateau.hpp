#pragma once

#include <cstdint>

namespace tapeloop::optim {

/// Options of a `ReduceOnPlateau`.
struct ReduceOnPlateauOptions {
    double learning_rate = 0.01;    ///< the first
    double factor = 0.1;            ///< what it is multiplied by
    std::uint64_t patience = 10;    ///< metrics in a row that may bring nothing better
    double threshold = 1e-4;        ///< by how much a better metric must be better
    bool relative = true;           ///< whether the threshold is a fraction of the best metric's size
    bool larger_is_better = false;  ///< as an accuracy, and not as a loss
    std::uint64_t cooldown = 0;     ///< metrics after a reduction that are not counted as bad
    double least = 0;               ///< the smallest rate
    double smallest_change = 1e-8;  ///< a reduction that is not larger is left out
};

/// All that metrics change in a `ReduceOnPlateau`, and the options of which they are.
struct ReduceOnPlateauState {
    ReduceOnPlateauOptions options;
    double learning_rate = 0;   ///< after the last metric
    double best = 0;            ///< metric; infinite before the first
    std::uint64_t bad = 0;      ///< metrics in a row
    std::uint64_t cooling = 0;  ///< metrics that are still not counted
};

/// A learning rate that is reduced when a metric no longer gets better:
///
///     optimizer.set_learning_rate(plateau(validation_loss));     // after each epoch
///
/// As PyTorch's `ReduceLROnPlateau`: the reduction comes with the metric number patience + 1 in a row that is
/// not better than the best. A metric is better when it is below best - threshold |best| (or above best +
/// threshold |best|), without |best| where the threshold is not relative. PyTorch leaves out the bars, and so
/// takes every metric near a negative best for a better one. Keras reduces with number `patience` already,
/// and its threshold is not relative. It is a plain value: a copy keeps its state.
class ReduceOnPlateau {
  public:
    /// Throws `std::invalid_argument` for a negative option, and a factor that is not below 1.
    explicit ReduceOnPlateau(ReduceOnPlateauOptions options);

    /// Takes the next metric, and returns the rate from here on. Throws `std::invalid_argument`, and changes
    /// nothing, when the metric is NaN.
    double operator()(double metric);

    /// Returns the rate after the last metric.
    double learning_rate() const { return state_.learning_rate; }

    /// Returns all that metrics have changed, for `restore`.
    const ReduceOnPlateauState& state() const { return state_; }
    /// Goes on from `state`. Throws `std::invalid_argument`, and changes nothing, when an option but the
    /// first learning rate differs, and for numbers that metrics do not lead to.
    void restore(const ReduceOnPlateauState& state);
    /// Throws what `restore` would throw.
    void require_fits(const ReduceOnPlateauState& state) const;

  private:
    bool is_better(double metric) const;
    void reduce();

    ReduceOnPlateauState state_;
};

}  // namespace tapeloop::optim
