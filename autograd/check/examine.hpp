#pragma once

#include <autograd/check/judge/subject.hpp>
#include <autograd/check/report.hpp>

namespace tapeloop::detail {

/// Holds the subject's gradient against differences, and adds what is found to the report.
template <class T>
void examine(GradientReport& report, Subject<T>& subject, const CheckOptions& options);

extern template void examine(GradientReport&, Subject<float>&, const CheckOptions&);
extern template void examine(GradientReport&, Subject<double>&, const CheckOptions&);

}  // namespace tapeloop::detail
