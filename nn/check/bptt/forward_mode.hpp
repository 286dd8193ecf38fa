#pragma once

#include <nn/check/bptt/tape_run.hpp>

/// The gradient without a reverse sweep over time.
namespace tapeloop::nn::detail {

/// The sizes of the products that each gradient sums: of the state, by parameter, and of x. What rounding can
/// do to a gradient is relative to these.
struct Summands {
    std::vector<double> state;
    std::vector<double> parameters;
    double x = 0;
};

template <class T>
struct ForwardMode {
    StepTerms<double> total;
    std::vector<Summands> summands;  ///< by time step
};

/// Returns the number of elements that forward mode carries from step to step: the derivatives of the state
/// by everything.
template <class T>
std::size_t carried_by_forward_mode(const CellUnderCheck<T>& cell, const CellSequence<T>& run);

/// Real-time recurrent learning (Williams and Zipser 1989): with s(t) the state behind time step t, y(t) its
/// output, and theta all parameters, inputs and the initial state, carries
///
///     ds(t)/dtheta = A(t) ds(t-1)/dtheta + its own part       A(t) = ds(t)/ds(t-1) of one step
///
/// from the first step to the last, and sums dJ/dy(t) dy(t)/dtheta on the way. The derivatives of one step
/// come from a tape of that step alone, row by row, so what is wrong in a rule is wrong here too; but nothing
/// of `unroll` takes part, no step is differentiated together with another, and time runs forward.
template <class T>
ForwardMode<T> forward_mode(const CellUnderCheck<T>& cell, const TapeRun<T>& tape);

extern template std::size_t carried_by_forward_mode(const CellUnderCheck<float>&, const CellSequence<float>&);
extern template std::size_t carried_by_forward_mode(const CellUnderCheck<double>&,
                                                    const CellSequence<double>&);
extern template ForwardMode<float> forward_mode(const CellUnderCheck<float>&, const TapeRun<float>&);
extern template ForwardMode<double> forward_mode(const CellUnderCheck<double>&, const TapeRun<double>&);

}  // namespace tapeloop::nn::detail
