#pragma once

#include <autograd/check/judge/slope_judge.hpp>
#include <autograd/check/judge/subject.hpp>

namespace tapeloop::detail {

/// Holds forward mode against the reverse sweep, for any function: with random u for its results and v for
/// its inputs, <u, J v> against <Jᵀ u, v>. The tangent J v is the derivative of the recorded gradient by the
/// cotangent, where that is u: rules that are not linear in it, and recorded ones that differ from those of
/// arrays, give another.
template <class T>
void check_forward(GradientReport& report, Subject<T>& subject, const CheckOptions& options);

extern template void check_forward(GradientReport&, Subject<float>&, const CheckOptions&);
extern template void check_forward(GradientReport&, Subject<double>&, const CheckOptions&);

}  // namespace tapeloop::detail
