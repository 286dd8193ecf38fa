#pragma once

#include <autograd/ops/elementary.hpp>
#include <autograd/var.hpp>

/// Elementwise operations: the functions of elementary.hpp on `Var`s, parameters, tensors and numbers, and
/// the user's own. Arguments broadcast by NumPy's rules: aligned at the last axis, extents must be equal or
/// 1; the result has the broadcast shape. Shapes that do not fit throw `std::invalid_argument`. The operators
/// + - * / < <= > >= call `add`, `subtract`, ...
