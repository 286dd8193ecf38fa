#pragma once

#include <autograd/gradient.hpp>
#include <autograd/kernels/as_double.hpp>
#include <nn/check/bptt/bptt_loss.hpp>

#include <cstdint>
#include <optional>

/// This file runs a cell on a tape: on a sequence, and step by step.
namespace tapeloop::nn::detail {

using tapeloop::detail::as_double;

/// The input and state that a time step reads.
template <class T>
struct StepPoint {
    Tensor<T> x;                   ///< [B, I]
    std::vector<Tensor<T>> state;  ///< by part
};

/// Values of what a time step gives, or the gradient by them.
template <class T>
struct StepResults {
    Tensor<T> output;
    std::vector<Tensor<T>> state;
};

template <class T>
struct TapeRun {
    std::optional<double> loss;  ///< if it is one number
    StepTerms<T> total;          ///< of the sequence: by parameter, by x [T, B, I] and by the initial state
    StepResults<T> results;      ///< values of the outputs, [T, B, H], and of the final state
    CellSequence<T> run;         ///< the sequence, and where the loss starts from
    std::vector<Tensor<T>> of_loss;          ///< by parameter: what the loss owes to its own use of them
    std::vector<StepPoint<T>> points;        ///< by time step, from here on
    std::vector<StepResults<T>> values;      ///< what it gave
    std::vector<StepResults<T>> cotangents;  ///< what reaches it
    std::vector<StepTerms<T>> terms;         ///< what it makes of them
};

/// The cell's initial state on the current tape, moved by `offsets`.
template <class T>
Parts<T> start_of(const CellUnderCheck<T>& cell, std::size_t batch, const Parts<T>& offsets);

/// Unrolls the cell as anybody would, and once more with parameters of their own in every step, for the terms
/// of each step. It starts from its initial state, moved by `offsets`. Results of the loss are weighted by
/// numbers drawn from `seed`.
template <class T>
TapeRun<T> run_tape(const CellUnderCheck<T>& cell, const BpttLoss<T>& loss, const Tensor<T>& x,
                    const std::vector<Tensor<T>>& offsets, std::uint64_t seed);

/// One step from the plain input, as the first of a sequence: the cell is asked for its initial state before,
/// which shows what it keeps outside of its state.
template <class T>
std::pair<Var<T>, Parts<T>> first_step(const CellUnderCheck<T>& cell, const Var<T>& x,
                                       const Parts<T>& state) {
    cell.layer.initial_state(x.shape()[0]);
    return cell.layer.step(x, state);
}

/// One step on a tape of its own, whose leaves are fresh: nothing reaches it from an earlier one.
template <class T>
class LoneStep {
  public:
    LoneStep(const CellUnderCheck<T>& cell, const StepPoint<T>& point);

    StepResults<T> values() const;
    /// Returns the number of elements that were computed.
    std::size_t computed() const;
    StepTerms<T> terms(const StepResults<T>& cotangents) const;
    /// The gradient of the element `index` of a part of the state that it leaves.
    StepTerms<T> row(std::size_t part, std::size_t index) const;

  private:
    StepTerms<T> differentiate(const std::vector<GradientRoot<T>>& roots) const;

    const CellUnderCheck<T>& cell_;
    std::unique_ptr<Tape<T>> tape_;
    Var<T> x_;
    Parts<T> state_;
    Var<T> output_;
    Parts<T> next_;
};

/// Adds to the parameters' gradients, as a way has them for a sequence from a given state, what is owed to
/// them outside of the time steps: by the cell's own initial state, which may be learned, and by the loss.
template <class T, class Other>
void add_outside_of_steps(const CellUnderCheck<T>& cell, const TapeRun<T>& run, StepTerms<Other>& total);

extern template TapeRun<float> run_tape(const CellUnderCheck<float>&, const BpttLoss<float>&,
                                        const Tensor<float>&, const std::vector<Tensor<float>>&,
                                        std::uint64_t);
extern template TapeRun<double> run_tape(const CellUnderCheck<double>&, const BpttLoss<double>&,
                                         const Tensor<double>&, const std::vector<Tensor<double>>&,
                                         std::uint64_t);
extern template Parts<float> start_of(const CellUnderCheck<float>&, std::size_t, const Parts<float>&);
extern template Parts<double> start_of(const CellUnderCheck<double>&, std::size_t, const Parts<double>&);
extern template void add_outside_of_steps(const CellUnderCheck<float>&, const TapeRun<float>&,
                                          StepTerms<float>&);
extern template void add_outside_of_steps(const CellUnderCheck<float>&, const TapeRun<float>&,
                                          StepTerms<double>&);
extern template void add_outside_of_steps(const CellUnderCheck<double>&, const TapeRun<double>&,
                                          StepTerms<double>&);
extern template class LoneStep<float>;
extern template class LoneStep<double>;

}  // namespace tapeloop::nn::detail
