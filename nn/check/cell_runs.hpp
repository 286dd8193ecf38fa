#pragma once

#include <nn/check/cell_under_check.hpp>
#include <nn/check/run_comparison.hpp>

#include <string>
#include <vector>

/// Runs of a cell, with everything that can be compared.
namespace tapeloop::nn::detail {

/// The data of a run: a sequence, a state to start from, and the cotangents of what comes out.
template <class T>
struct Batch {
    Tensor<T> x;                   ///< [T, B, I]
    std::vector<Tensor<T>> state;  ///< its parts
    Tensor<T> output_cotangent;    ///< [T, B, ..]
    std::vector<Tensor<T>> state_cotangents;

    std::size_t time_steps() const { return x.shape(0); }
    std::size_t size() const { return x.shape(1); }
};

/// The runs of a cell, and how two of them compare.
template <class T>
struct CellRuns : RunComparison {
    explicit CellRuns(const CellUnderCheck<T>& subject)
        : RunComparison{subject.parameter_names}, cell(subject) {}

    const CellUnderCheck<T>& cell;

    /// Unrolls it on a tape of its own.
    CellRun unrolled(const Batch<T>& batch, const UnrollOptions& options = {},
                     const TapeOptions& tape_options = {}) const;
    /// Calls it step by step, each from the plain input of its time step.
    CellRun stepped(const Batch<T>& batch) const;

    /// Returns the sizes of a batch, which gave `run`.
    RunSizes sizes_of(const Batch<T>& batch, const CellRun& run) const;

    // These compute values alone, `resumed` the gradient by x as well; the gradients are those of
    // `other_run`.

    /// Runs step by step, each followed by a step of another sequence on the same tape.
    CellRun alternated(const Batch<T>& batch, const Batch<T>& another, const CellRun& other_run) const;
    /// Runs step by step; behind the first another sequence is run on a tape of its own.
    CellRun interrupted(const Batch<T>& batch, const Batch<T>& another, const CellRun& other_run) const;
    /// Runs the time steps behind the first `steps`, whose state is carried to another tape.
    CellRun resumed(const Batch<T>& batch, std::size_t steps, const CellRun& other_run) const;

    /// Returns some rows of a batch and some of their time steps.
    Batch<T> part(const Batch<T>& batch, const std::vector<std::size_t>& steps,
                  const std::vector<std::size_t>& rows) const;
    /// Returns some steps and rows of a run. What is summed over rows stays that of the whole run.
    CellRun part(const CellRun& run, const std::vector<std::size_t>& steps,
                 const std::vector<std::size_t>& rows) const;
};

/// The slices `which` of x along an axis, in that order.
template <class T>
Tensor<T> taken(const Tensor<T>& x, std::size_t axis, const std::vector<std::size_t>& which);
/// Returns begin, begin + 1, ..., end - 1.
std::vector<std::size_t> range(std::size_t begin, std::size_t end);

extern template struct CellRuns<float>;
extern template struct CellRuns<double>;

}  // namespace tapeloop::nn::detail
