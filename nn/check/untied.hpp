#pragma once

#include <autograd/gradient.hpp>
#include <nn/sequence/cell.hpp>

#include <vector>

namespace tapeloop::nn::detail {

/// While it lives, a cell's parameters are copies, and after each call of `next_time_step` new ones: so each
/// step of an unroll has parameters of its own, and what the step contributes to a gradient is the gradient
/// by them. Then the parameters themselves are put back.
template <class T>
class UntiedParameters {
  public:
    explicit UntiedParameters(const std::vector<typename ParameterList<T>::Entry>& parameters);
    ~UntiedParameters();
    UntiedParameters(const UntiedParameters&) = delete;
    UntiedParameters& operator=(const UntiedParameters&) = delete;

    void next_time_step();
    /// The copies of each time step so far, in the order of the list.
    const std::vector<std::vector<Wrt<T>>>& time_steps() const { return time_steps_; }

  private:
    std::vector<Parameter<T>*> places_;
    std::vector<Parameter<T>> originals_;
    std::vector<std::vector<Wrt<T>>> time_steps_;
};

extern template class UntiedParameters<float>;
extern template class UntiedParameters<double>;

/// The same value as a node of its own.
Var<float> handed_on(const Var<float>& part);
Var<double> handed_on(const Var<double>& part);

/// The cell with parameters of its own in every step, and between two steps a node that only the later one
/// reads: the gradient by it is what the later step hands back, however the cell computes its output.
template <class C>
struct UntiedCell {
    using value_type = ValueOf<C>;

    const C& cell;
    UntiedParameters<value_type>& parameters;

    StateOf<C> initial_state(std::size_t batch) const { return cell.initial_state(batch); }
    std::pair<Var<value_type>, StateOf<C>> step(const Var<value_type>& x, const StateOf<C>& state) const {
        parameters.next_time_step();
        const auto [output, next] = advance(cell, x, state);
        return {output, map_state([](const auto& part) { return handed_on(part); }, next)};
    }
};

}  // namespace tapeloop::nn::detail
