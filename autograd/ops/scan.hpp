#pragma once

#include <autograd/var.hpp>

/// Operations that run along an axis and carry something on. The axis counts from 0, or from -1 at the end;
/// the result has x's shape. An axis out of range throws `std::invalid_argument`. What is carried on is
/// `double` whatever the elements are.
namespace tapeloop {

/// Each element with all before it: [1, 2, 3] gives [1, 3, 6].
Var<float> cumsum(const Operand<float>& x, int axis);
Var<double> cumsum(const Operand<double>& x, int axis);
/// The product of each element and all before it: [1, 2, 3] gives [1, 2, 6]. Its gradients divide by nothing,
/// so that zeros among the elements do no harm.
Var<float> cumprod(const Operand<float>& x, int axis);
Var<double> cumprod(const Operand<double>& x, int axis);

}  // namespace tapeloop
