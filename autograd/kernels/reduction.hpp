#pragma once

#include <autograd/kernels/pass.hpp>

namespace tapeloop::detail {

/// Sums `x` over the axes along which `shape` broadcasts to x's, into `target`. Long sums are taken pairwise,
/// so that the rounding error grows with the logarithm of the number of elements. The order of the additions
/// depends on the shapes alone.
template <class T>
void sum_into(const Array<T>& x, const Shape& shape, Target<T> target);

/// The largest element along those axes; NaN if there is one. The axes must not be empty.
template <class T>
void max_into(const Array<T>& x, const Shape& shape, T* target);

extern template void sum_into(const Array<float>&, const Shape&, Target<float>);
extern template void sum_into(const Array<double>&, const Shape&, Target<double>);
extern template void max_into(const Array<float>&, const Shape&, float*);
extern template void max_into(const Array<double>&, const Shape&, double*);

}  // namespace tapeloop::detail
