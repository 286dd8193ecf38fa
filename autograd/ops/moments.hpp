#pragma once

#include <autograd/kernels/array.hpp>

namespace tapeloop::detail {

/// Reductions over the axes along which `shape` broadcasts to x's. Sums and squares that leave the range of T
/// on the way are taken again of elements scaled by a power of two, which rounds nothing: the result is inf
/// or 0 only where no number of T is nearer.

/// The mean. The axes must not be empty.
template <class T>
void mean_into(const Array<T>& x, const Shape& shape, T* target);

/// The mean of the squares. The axes must not be empty.
template <class T>
void mean_square_into(const Array<T>& x, const Shape& shape, T* target);

/// sqrt(sum of the squares)
template <class T>
void norm_into(const Array<T>& x, const Shape& shape, T* target);

/// sqrt(mean of the squares + epsilon), epsilon >= 0. The axes must not be empty.
template <class T>
void deviation_into(const Array<T>& x, const Shape& shape, double epsilon, T* target);

extern template void mean_into(const Array<float>&, const Shape&, float*);
extern template void mean_into(const Array<double>&, const Shape&, double*);
extern template void mean_square_into(const Array<float>&, const Shape&, float*);
extern template void mean_square_into(const Array<double>&, const Shape&, double*);
extern template void norm_into(const Array<float>&, const Shape&, float*);
extern template void norm_into(const Array<double>&, const Shape&, double*);
extern template void deviation_into(const Array<float>&, const Shape&, double, float*);
extern template void deviation_into(const Array<double>&, const Shape&, double, double*);

}  // namespace tapeloop::detail
