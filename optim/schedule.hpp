#pragma once

#include <cstdint>

/// Learning rates as functions of the number of steps (or epochs) that were made:
///
///     optimizer.set_learning_rate(schedule(optimizer.steps()));     // before each step
///
/// They are small values without a state; `ReduceOnPlateau`, which has one, stands in a file of its own.
/// Definitions are those of PyTorch's classes of similar names, with the step in place of the epoch.
namespace tapeloop::optim {

/// Options of a `StepSchedule`.
struct StepScheduleOptions {
    double learning_rate = 0.01;  ///< the first
    std::uint64_t every = 1;
    double factor = 0.1;
};

/// learning_rate times factor^k, where k counts the whole stretches of `every` steps. Keras has it as
/// `ExponentialDecay` with `staircase`.
class StepSchedule {
  public:
    /// Throws `std::invalid_argument` for a negative option, and when `every` is 0.
    explicit StepSchedule(StepScheduleOptions options);
    /// Returns the rate of a step, counted from 0.
    double operator()(std::uint64_t step) const;

  private:
    StepScheduleOptions options_;
};

/// Options of an `ExponentialSchedule`.
struct ExponentialScheduleOptions {
    double learning_rate = 0.01;  ///< the first
    double factor = 0.99;
};

/// learning_rate times factor^step. Keras' `ExponentialDecay` divides the step by its `decay_steps`.
class ExponentialSchedule {
  public:
    /// Throws `std::invalid_argument` for a negative option.
    explicit ExponentialSchedule(ExponentialScheduleOptions options);
    /// Returns the rate of a step, counted from 0.
    double operator()(std::uint64_t step) const;

  private:
    ExponentialScheduleOptions options_;
};

/// Options of a `CosineSchedule`.
struct CosineScheduleOptions {
    double learning_rate = 0.01;  ///< the largest
    std::uint64_t steps = 1;      ///< of all, warm-up included
    double least = 0;
    std::uint64_t warm_up_steps = 0;
    double warm_up_factor = 1.0 / 3;
};

/// Half a wave of a cosine (Loshchilov and Hutter 2017, arXiv:1608.03983, equation 5) after a linear warm-up.
/// With the largest rate r, the w steps of warm-up, its factor f, and N steps in all, the rate of step n is
///
///     r (f + (1 - f) n / w)                                           while n < w
///     least + (r - least) (1 + cos(pi (n - w) / (N - w))) / 2         while n < N
///     least                                                           from then on
///
/// These are PyTorch's `LinearLR` and `CosineAnnealingLR`, one after the other; the latter would rise again
/// after N. Keras' `CosineDecay` gives the least rate as a fraction of r.
class CosineSchedule {
  public:
    /// Throws `std::invalid_argument` for a negative option, `least` above the learning rate, a warm-up
    /// factor above 1, and a warm-up that is not shorter than all steps.
    explicit CosineSchedule(CosineScheduleOptions options);
    /// Returns the rate of a step, counted from 0.
    double operator()(std::uint64_t step) const;

  private:
    CosineScheduleOptions options_;
};

}  // namespace tapeloop::optim
