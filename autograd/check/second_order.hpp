#pragma once

#include <autograd/check/judge/subject.hpp>
#include <autograd/check/report.hpp>

namespace tapeloop::detail {

/// Holds products with the Jacobian and with the Hessian against each other, by the tape alone: <u, J w>
/// against <Jᵀ u, w>, and <z, H w> against <w, H z>. The subject is of order 2.
template <class T>
void check_products(GradientReport& report, Subject<T>& subject);

extern template void check_products(GradientReport&, Subject<float>&);
extern template void check_products(GradientReport&, Subject<double>&);

}  // namespace tapeloop::detail
