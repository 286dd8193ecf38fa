#pragma once

#include <autograd/kernels/pass.hpp>
#include <autograd/ops/reduce.hpp>

namespace tapeloop {

/// Sums `x` over the axes along which `shape` broadcasts to x's, into `target`. Long sums are taken pairwise,
/// so that the rounding error grows with the logarithm of the number of elements. The order of the additions
/// depends on the shapes alone.
template <class T>
void sum_into(const Array<T>& x, const Shape& shape, Target<T> target);

/// The largest element along those axes; NaN if there is one. The axes must not be empty.
template <class T>
void max_into(const Array<T>& x, const Shape& shape, T* target);

/// `sum` of an array, for rules.
template <class T>
Array<T> sum(const Array<T>& x, Axes axes = {}, bool keepdims = false);

/// `mean` of an array, for rules.
template <class T>
Array<T> mean(const Array<T>& x, Axes axes = {}, bool keepdims = false);

extern template Array<float> mean(const Array<float>&, Axes, bool);
extern template Array<double> mean(const Array<double>&, Axes, bool);
extern template Array<float> sum(const Array<float>&, Axes, bool);
extern template Array<double> sum(const Array<double>&, Axes, bool);
extern template void sum_into(const Array<float>&, const Shape&, Target<float>);
extern template void sum_into(const Array<double>&, const Shape&, Target<double>);
extern template void max_into(const Array<float>&, const Shape&, float*);
extern template void max_into(const Array<double>&, const Shape&, double*);

}  // namespace tapeloop
