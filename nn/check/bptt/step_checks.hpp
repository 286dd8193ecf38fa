#pragma once

#include <nn/check/bptt/bptt_report.hpp>
#include <nn/check/bptt/forward_mode.hpp>

#include <cstdint>

/// A time step by itself: what the tape makes of the cotangents that reach it there, against what others make
/// of the same. So a step that only inherits a wrong cotangent from a later one is right.
namespace tapeloop::nn::detail {

/// Names for what the terms of a step are gradients by, with the gates of each.
struct TermNames {
    std::vector<std::string> names;
    std::vector<std::vector<std::string>> gates;
    std::size_t parameters = 0;  ///< how many of them, in front; then x, then the parts of the state
};

template <class T>
TermNames term_names(const CellUnderCheck<T>& cell, const std::vector<Tensor<T>>& state);

/// The terms in this order.
template <class T>
std::vector<const Tensor<T>*> listed(const StepTerms<T>& terms) {
    std::vector<const Tensor<T>*> list;
    for (const Tensor<T>& parameter : terms.parameters) list.push_back(&parameter);
    list.push_back(&terms.x);
    for (const Tensor<T>& part : terms.state) list.push_back(&part);
    return list;
}

/// The sizes in this order.
std::vector<double> in_one_list(const Summands& summands);

/// Raises summands to what rounding inside a step can be relative to: where a gate is saturated, the 1 - z in
/// its slope has few digits, and the terms are small besides the cotangents that they are made of.
template <class T>
void raise_summands(Summands& summands, const TapeRun<T>& tape, std::size_t t);

/// The deviations of all terms, in the order of `TermNames`.
template <class T, class Other>
std::vector<Deviation> deviations(const TermNames& names, const StepTerms<T>& tape,
                                  const StepTerms<Other>& other, const Summands& summands);

/// Returns the closed form's gradients for a sequence of this step alone.
template <class T>
StepTerms<T> closed_form_of_step(const CellUnderCheck<T>& cell, const TapeRun<T>& tape, std::size_t t);

/// The step as a function of its input and of the parts of the state that it reads.
template <class T>
CheckFunction<T> function_of_step(const CellUnderCheck<T>& cell);
/// Returns what a step, or a whole sequence, is differentiated by, in the order of `TermNames`.
template <class T>
CheckInputs<T> inputs_of(const CellUnderCheck<T>& cell, const TermNames& names, const Tensor<T>& x,
                         const std::vector<Tensor<T>>& state);

/// Returns whether what the step hands back to the state that it reads is right.
bool hands_back_right(const StepCheck& step, const TermNames& names, double limit);

/// Decides, from the last step back, which are wrong and which inherit.
void settle_verdicts(BpttWay& way, const TermNames& names);

#define TAPELOOP_STEP_CHECKS(T)                                                                            \
    extern template TermNames term_names(const CellUnderCheck<T>&, const std::vector<Tensor<T>>&);         \
    extern template void raise_summands(Summands&, const TapeRun<T>&, std::size_t);                        \
    extern template std::vector<Deviation> deviations(const TermNames&, const StepTerms<T>&,               \
                                                      const StepTerms<double>&, const Summands&);          \
    extern template CheckFunction<T> function_of_step(const CellUnderCheck<T>&);                           \
    extern template CheckInputs<T> inputs_of(const CellUnderCheck<T>&, const TermNames&, const Tensor<T>&, \
                                             const std::vector<Tensor<T>>&);                               \
    extern template StepTerms<T> closed_form_of_step(const CellUnderCheck<T>&, const TapeRun<T>&,          \
                                                     std::size_t);

TAPELOOP_STEP_CHECKS(float)
TAPELOOP_STEP_CHECKS(double)
extern template std::vector<Deviation> deviations(const TermNames&, const StepTerms<float>&,
                                                  const StepTerms<float>&, const Summands&);

#undef TAPELOOP_STEP_CHECKS

}  // namespace tapeloop::nn::detail
