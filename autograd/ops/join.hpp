#pragma once

#include <autograd/var.hpp>

#include <initializer_list>
#include <vector>

/// Operations that make several tensors one, and one several. Axes count from 0, or from -1 at the end.
/// Whatever does not fit throws `std::invalid_argument`.
namespace tapeloop {

/// One behind the other along an axis. Throws unless there is at least one and all other extents are equal.
Var<float> concatenate(const Operands<float>& parts, int axis);
Var<double> concatenate(const Operands<double>& parts, int axis);
/// Joins tensors side by side along a new axis: n of shape [3, 4] give [n, 3, 4], and with axis 1 [3, n, 4].
/// Throws unless there is at least one and all have the same shape.
Var<float> stack(const Operands<float>& parts, int axis = 0);
Var<double> stack(const Operands<double>& parts, int axis = 0);

/// `parts` equal parts along an axis. Throws unless they divide it.
std::vector<Var<float>> split(const Operand<float>& x, std::size_t parts, int axis);
std::vector<Var<double>> split(const Operand<double>& x, std::size_t parts, int axis);
/// Cuts x into parts of these extents along an axis, in order: `split(x, {2, 3}, 1)`. Throws unless they add
/// up to it.
std::vector<Var<float>> split(const Operand<float>& x, std::initializer_list<std::size_t> extents, int axis);
std::vector<Var<double>> split(const Operand<double>& x, std::initializer_list<std::size_t> extents,
                               int axis);
std::vector<Var<float>> split(const Operand<float>& x, const std::vector<std::size_t>& extents, int axis);
std::vector<Var<double>> split(const Operand<double>& x, const std::vector<std::size_t>& extents, int axis);
/// Returns the slices along the first axis, in x's memory: [T, ..] -> T of [..]. Throws for a tensor without
/// axes.
std::vector<Var<float>> unstack(const Operand<float>& x);
std::vector<Var<double>> unstack(const Operand<double>& x);

}  // namespace tapeloop
