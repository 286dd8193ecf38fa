#pragma once

#include <autograd/gradient.hpp>
#include <nn/check/cell_under_check.hpp>

#include <utility>
#include <vector>

namespace tapeloop::nn::detail {

/// While it lives, a cell's parameters are copies, and after each call of `next_time_step` new ones: so each
/// step of an unroll has parameters of its own, and what the step contributes to a gradient is the gradient
/// by them. Then the parameters themselves are put back.
template <class T>
class ParametersOfEachStep {
  public:
    explicit ParametersOfEachStep(const ParameterEntries<T>& parameters);
    ~ParametersOfEachStep();
    ParametersOfEachStep(const ParametersOfEachStep&) = delete;
    ParametersOfEachStep& operator=(const ParametersOfEachStep&) = delete;

    void next_time_step();
    /// The copies of each time step so far, in the order of the list.
    const std::vector<std::vector<Wrt<T>>>& time_steps() const { return time_steps_; }

  private:
    std::vector<Parameter<T>*> places_;
    std::vector<Parameter<T>> originals_;
    std::vector<std::vector<Wrt<T>>> time_steps_;
};

/// A cell with parameters of its own in every step, and between two steps a node that only the later one
/// reads: the gradient by it is what the later step hands back, however the cell computes its output.
template <class T>
struct CellOfSeparateSteps {
    using value_type = T;

    const AnyLayer<T>& cell;
    ParametersOfEachStep<T>& parameters;

    Parts<T> initial_state(std::size_t batch) const { return cell.initial_state(batch); }
    std::pair<Var<T>, Parts<T>> step(const Var<T>& x, const Parts<T>& state) const;
};

extern template class ParametersOfEachStep<float>;
extern template class ParametersOfEachStep<double>;
extern template struct CellOfSeparateSteps<float>;
extern template struct CellOfSeparateSteps<double>;

}  // namespace tapeloop::nn::detail
