#pragma once

#include <autograd/ops/reduce.hpp>

namespace tapeloop {

/// The product over the axes, all if none are given; 1 over no elements. Its gradients of every order are
/// right where elements are 0, one or several. The second order takes memory for n² elements, n those of one
/// product. Axes as for `sum`.
Var<float> prod(const Operand<float>& x, Axes axes = {}, bool keepdims = false);
Var<double> prod(const Operand<double>& x, Axes axes = {}, bool keepdims = false);

}  // namespace tapeloop
