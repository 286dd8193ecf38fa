#pragma once

#include <nn/check/bptt_cell.hpp>

#include <cstdint>

/// What the tape says of a cell on a sequence, and of its single steps.
namespace tapeloop::nn::detail {

/// What a time step reads.
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
    StepTerms<T> total;      ///< of the sequence: by parameter, by x [T, B, I] and by the initial state
    StepResults<T> results;  ///< values of the outputs, [T, B, H], and of the final state
    CellSequence<T> run;     ///< the sequence, and where the loss starts from
    std::vector<StepPoint<T>> points;        ///< by time step, from here on
    std::vector<StepResults<T>> values;      ///< what it gave
    std::vector<StepResults<T>> cotangents;  ///< what reaches it
    std::vector<StepTerms<T>> terms;         ///< what it makes of them
};

/// Unrolls the cell as anybody would, and once more with untied parameters for the terms of each step.
/// Results of the loss are weighted by numbers drawn from `seed`.
template <class T>
TapeRun<T> run_tape(const BpttCell<T>& cell, const BpttLoss<T>& loss, const Tensor<T>& x,
                    const std::vector<Tensor<T>>& initial_state, std::uint64_t seed);

/// One step on a tape of its own, whose leaves are fresh: nothing reaches it from an earlier one.
template <class T>
class LoneStep {
  public:
    LoneStep(const BpttCell<T>& cell, const StepPoint<T>& point);

    StepResults<T> values() const;
    StepTerms<T> terms(const StepResults<T>& cotangents) const;
    /// The gradient of the element `index` of a part of the state that it leaves.
    StepTerms<T> row(std::size_t part, std::size_t index) const;

  private:
    StepTerms<T> differentiate(const std::vector<Root<T>>& roots) const;

    const BpttCell<T>& cell_;
    std::unique_ptr<Tape<T>> tape_;
    Var<T> x_;
    Parts<T> state_;
    Stepped<T> results_;
};

template <class T>
Tensor<double> as_double(const Tensor<T>& tensor) {
    Tensor<double> copy = uninitialised<double>(shape_of(tensor));
    std::copy_n(tensor.data(), tensor.size(), copy.data());
    return copy;
}

/// A list as a state on the current tape.
template <class T>
Parts<T> entered(const std::vector<Tensor<T>>& state);

extern template TapeRun<float> run_tape(const BpttCell<float>&, const BpttLoss<float>&, const Tensor<float>&,
                                        const std::vector<Tensor<float>>&, std::uint64_t);
extern template TapeRun<double> run_tape(const BpttCell<double>&, const BpttLoss<double>&,
                                         const Tensor<double>&, const std::vector<Tensor<double>>&,
                                         std::uint64_t);
extern template class LoneStep<float>;
extern template class LoneStep<double>;

}  // namespace tapeloop::nn::detail
