#pragma once

#include <autograd/var.hpp>

#include <vector>

/// Operations that arrange elements: none computes anything. Axes count from 0, or from -1 at the end.
/// Whatever does not fit throws `std::invalid_argument`. Those that leave elements where they are share x's
/// memory.
namespace tapeloop {

/// Returns the same elements in row-major order under another shape, in x's memory. Throws unless the sizes
/// are equal.
Var<float> reshape(const Operand<float>& x, const Shape& shape);
Var<double> reshape(const Operand<double>& x, const Shape& shape);
/// Returns x with an axis of extent 1 inserted so that it is axis `axis` of the result: [3, 4] and 1 give [3,
/// 1, 4].
Var<float> expand_dims(const Operand<float>& x, int axis);
Var<double> expand_dims(const Operand<double>& x, int axis);
/// Returns x without an axis, whose extent must be 1: [3, 1, 4] and 1 give [3, 4].
Var<float> squeeze(const Operand<float>& x, int axis);
Var<double> squeeze(const Operand<double>& x, int axis);

/// Axis i of the result is axis `permutation[i]` of x; without a permutation the axes are reversed. Throws
/// unless it names each axis once.
Var<float> transpose(const Operand<float>& x, const std::vector<int>& permutation = {});
Var<double> transpose(const Operand<double>& x, const std::vector<int>& permutation = {});
/// Returns x in the opposite order along an axis; of x's shape.
Var<float> flip(const Operand<float>& x, int axis);
Var<double> flip(const Operand<double>& x, int axis);
/// Returns x moved on by `shift` places along an axis, back if it is negative; what leaves one end enters at
/// the other: [1, 2, 3] by 1 gives [3, 1, 2].
Var<float> roll(const Operand<float>& x, std::ptrdiff_t shift, int axis);
Var<double> roll(const Operand<double>& x, std::ptrdiff_t shift, int axis);

/// Every `step`-th position from `begin` up to, not including, `end` along an axis. Negative bounds count
/// from the end. A slice with step 1 along the first axis longer than 1 is in x's memory. Throws unless 0 <=
/// begin <= end <= extent and step >= 1: bounds are not clipped.
Var<float> slice(const Operand<float>& x, int axis, std::ptrdiff_t begin, std::ptrdiff_t end,
                 std::size_t step = 1);
Var<double> slice(const Operand<double>& x, int axis, std::ptrdiff_t begin, std::ptrdiff_t end,
                  std::size_t step = 1);
/// The k-th of n equal parts of the last axis, [.., n H] -> [.., H]: one gate of a packed matrix. Throws
/// unless n divides the axis and k < n.
Var<float> columns(const Operand<float>& x, std::size_t k, std::size_t n);
Var<double> columns(const Operand<double>& x, std::size_t k, std::size_t n);

/// The numbers of zeros that `pad` puts in front of and behind an axis.
struct Padding {
    std::size_t before = 0;
    std::size_t after = 0;
};
/// Returns x with zeros around it. Throws unless there is one `{before, after}` for each axis.
Var<float> pad(const Operand<float>& x, const std::vector<Padding>& widths);
Var<double> pad(const Operand<double>& x, const std::vector<Padding>& widths);

/// Returns x repeated to `shape` by NumPy's rule: aligned at the last axis, x's extents must be equal or 1.
Var<float> broadcast_to(const Operand<float>& x, const Shape& shape);
Var<double> broadcast_to(const Operand<double>& x, const Shape& shape);

/// Returns the same value, in x's memory, as a constant: no cotangent passes.
Var<float> detach(const Operand<float>& x);
Var<double> detach(const Operand<double>& x);

// The same of arrays, at once, for rules.

template <class T>
Array<T> reshape(const Array<T>& x, const Shape& shape);
template <class T>
Array<T> expand_dims(const Array<T>& x, int axis);
template <class T>
Array<T> squeeze(const Array<T>& x, int axis);
template <class T>
Array<T> transpose(const Array<T>& x, const std::vector<int>& permutation = {});
template <class T>
Array<T> flip(const Array<T>& x, int axis);
template <class T>
Array<T> slice(const Array<T>& x, int axis, std::ptrdiff_t begin, std::ptrdiff_t end, std::size_t step = 1);
template <class T>
Array<T> columns(const Array<T>& x, std::size_t k, std::size_t n);
template <class T>
Array<T> pad(const Array<T>& x, const std::vector<Padding>& widths);
template <class T>
Array<T> broadcast_to(const Array<T>& x, const Shape& shape);

}  // namespace tapeloop
