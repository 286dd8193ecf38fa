#pragma once

#include <autograd/check/judge/subject.hpp>
#include <autograd/check/report.hpp>

namespace tapeloop::detail {

/// Holds the subject's gradient against differences at other points, along one direction by each input. Where
/// the function throws or is not finite there is nothing to hold.
template <class T>
void examine_elsewhere(GradientReport& report, Subject<T>& subject, const CheckOptions& options);

extern template void examine_elsewhere(GradientReport&, Subject<float>&, const CheckOptions&);
extern template void examine_elsewhere(GradientReport&, Subject<double>&, const CheckOptions&);

}  // namespace tapeloop::detail
