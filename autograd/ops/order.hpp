#pragma once

#include <autograd/ops/index.hpp>

/// Operations that put elements in order along an axis, which counts from 0, or from -1 at the end. NaN is
/// above every number. Of equal elements the one in front comes first, whichever way they are sorted.
/// Positions are those in x along that axis, and carry no gradient.
namespace tapeloop {

/// Elements in order, and where in x they come from: `take_along(x, indices, axis)` gives the values again.
template <class T>
struct Ordered {
    Var<T> values;
    Indices indices;
};

/// All elements along an axis, the smallest first; the greatest first if `descending`. Both results have x's
/// shape. An axis out of range throws `std::invalid_argument`.
Ordered<float> sort(const Operand<float>& x, int axis = -1, bool descending = false);
Ordered<double> sort(const Operand<double>& x, int axis = -1, bool descending = false);
/// The k greatest elements along an axis, the greatest first: [.., N, ..] -> [.., k, ..]. Throws
/// `std::invalid_argument` unless 0 <= k <= N.
Ordered<float> top_k(const Operand<float>& x, std::ptrdiff_t k, int axis = -1);
Ordered<double> top_k(const Operand<double>& x, std::ptrdiff_t k, int axis = -1);

/// Returns where along an axis the greatest element is: the first of several, and of NaNs if there are some.
/// The result has x's shape without the axis, or with extent 1 along it if `keepdims`, as `take_along` wants
/// it. Records nothing. Throws `std::invalid_argument` when the axis is empty.
Indices argmax(const Operand<float>& x, int axis = -1, bool keepdims = false);
Indices argmax(const Operand<double>& x, int axis = -1, bool keepdims = false);
/// Returns where along an axis the smallest element is, as `argmax` does; of the first NaN if there is one.
Indices argmin(const Operand<float>& x, int axis = -1, bool keepdims = false);
Indices argmin(const Operand<double>& x, int axis = -1, bool keepdims = false);

}  // namespace tapeloop
